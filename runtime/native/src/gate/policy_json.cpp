#include "gate/policy_json.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "errors.hpp"
#include "settings/json_text.hpp"
#include "settings/number_text.hpp"
#include "settings/section.hpp"

namespace dgiqa {
namespace {

// The words of a setting, each at the place of its value in the enumeration.
using Words = std::vector<std::string>;
const Words ROLES = {"reject", "explain", "off"};
const Words SMOOTHINGS = {"ema", "median", "none"};
const Words ACTIONS = {"report", "pass", "raise"};
const Words ON_UNUSABLE = {"refuse", "relearn"};

template <typename Value>
const std::string &word(const Words &words, Value value) {
    return words[static_cast<std::size_t>(value)];
}

template <typename Value>
Value chosen(Section &section, const std::string &key, const Words &words, const Words &allowed) {
    const std::string given = section.choice(key, allowed);
    return static_cast<Value>(std::find(words.begin(), words.end(), given) - words.begin());
}

template <typename Value>
Value chosen(Section &section, const std::string &key, const Words &words) {
    return chosen<Value>(section, key, words, words);
}

// The settings' names of two thresholds.
struct LimitKeys {
    const char *reject;
    const char *accept;
};

struct Pair {
    std::optional<double> reject;
    std::optional<double> accept;
};

void check_order(const Section &section, const LimitKeys &keys, const Pair &pair, Side side) {
    if (pair.reject.has_value() != pair.accept.has_value()) {
        const char *given = pair.reject ? keys.reject : keys.accept;
        const char *absent = pair.reject ? keys.accept : keys.reject;
        complain(section.path_of(absent) + " is missing: " + given + " needs it beside it");
    }
    if (!pair.reject) {
        return;
    }
    if (side == Side::BELOW ? *pair.accept < *pair.reject : *pair.accept > *pair.reject) {
        complain(section.path_of(keys.accept) + " is " + number_text(*pair.accept) + ": it must be " +
                 (side == Side::BELOW ? "at least " : "at most ") + keys.reject + " (" + number_text(*pair.reject) +
                 "), or a fault would end before it began");
    }
}

Pair read_pair(Section &section, const LimitKeys &keys, double low, double high, Side side) {
    Pair pair;
    pair.reject = section.optional_number(keys.reject, low, high);
    pair.accept = section.optional_number(keys.accept, low, high);
    check_order(section, keys, pair, side);
    return pair;
}

constexpr LimitKeys RATIO_KEYS = {"reject_ratio", "accept_ratio"};

// They say the direction.
LimitKeys limit_keys(const CheckSpec &spec) {
    return spec.side == Side::BELOW ? LimitKeys{"reject_below", "accept_above"}
                                    : LimitKeys{"reject_above", "accept_below"};
}

Limits read_limits(Section section, const CheckSpec &spec) {
    const LimitKeys keys = limit_keys(spec);
    const auto any = [&section](const LimitKeys &names) {
        return section.has(names.reject) || section.has(names.accept);
    };
    const bool ratios_only = any(RATIO_KEYS) && !any(keys);
    const bool is_score = spec.section() == nullptr;
    const Role role = chosen<Role>(section, "role", ROLES, is_score ? Words{"reject", "off"} : ROLES);
    const Pair given = read_pair(section, keys, spec.low, spec.high, spec.side);
    const Pair absolute = ratios_only ? Pair{} : given;
    const Pair ratios = spec.relative ? read_pair(section, RATIO_KEYS, 0.0, 1000.0, spec.side) : Pair{};
    section.finish();
    return {role, spec.side, absolute.reject, absolute.accept, ratios.reject, ratios.accept};
}

// What was read of a section with nothing else in it.
template <typename Policy>
Policy finished(const Section &section, const Policy &policy) {
    section.finish();
    return policy;
}

SmoothingPolicy read_smoothing(Section section) {
    return finished(section, SmoothingPolicy{chosen<Smoothing>(section, "method", SMOOTHINGS),
                                             section.number("time_constant_s", 0.001, 3600.0),
                                             section.number("window_s", 0.001, 60.0)});
}

DwellPolicy read_dwell(Section section) {
    return finished(section, DwellPolicy{section.number("pass_s", 0.0, 86400.0), section.number("reject_s", 0.0, 86400.0),
                                         section.number("cool_down_s", 0.0, 86400.0)});
}

ReasonPolicy read_reason(Section section) {
    return finished(section, ReasonPolicy{section.number("settle_s", 0.0, 86400.0)});
}

StartPolicy read_start(Section section) {
    return finished(section, StartPolicy{section.integer("readings", 1, 10000),
                                         section.number("score_max_age_s", 0.0, 86400.0)});
}

FrozenPolicy read_frozen(Section section) {
    return finished(section, FrozenPolicy{chosen<Role>(section, "role", ROLES, {"reject", "off"}),
                                          section.number("change_at_most", 0.0, 255.0),
                                          section.number("after_s", 0.0, 86400.0)});
}

WatchdogPolicy read_watchdog(Section section, const DwellPolicy &dwell) {
    const auto policy = finished(section, WatchdogPolicy{section.optional_number("max_reject_s", 0.0, 1e9),
                                                         chosen<WatchdogAction>(section, "action", ACTIONS)});
    if (!policy.max_reject_s && policy.action != WatchdogAction::REPORT) {
        complain(section.path_of("max_reject_s") + " is missing: action '" + word(ACTIONS, policy.action) +
                 "' needs it");
    }
    if (policy.max_reject_s && *policy.max_reject_s < dwell.reject_s) {
        complain(section.path_of("max_reject_s") + " is " + number_text(*policy.max_reject_s) +
                 ": it must be at least dwell.reject_s (" + number_text(dwell.reject_s) + ")");
    }
    return policy;
}

BaselinePolicy read_baseline_policy(Section section) {
    return finished(section, BaselinePolicy{section.number("learn_minutes", 0.0, 1440.0),
                                            section.number("sample_every_s", 0.01, 3600.0),
                                            chosen<OnUnusable>(section, "on_unusable", ON_UNUSABLE)});
}

ReferencePolicy read_reference_policy(Section section) {
    return finished(section, ReferencePolicy{section.number("learn_minutes", 0.0, 1440.0)});
}

// A ratio without a baseline would silently do nothing.
void check_ratios(const GatePolicy &policy, const Section &section) {
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (policy.limits[check].reject_ratio && policy.baseline.learn_minutes == 0.0) {
            const CheckSpec &spec = all_checks()[check];
            const std::string part = spec.section() == nullptr ? "" : std::string(spec.section()) + ".";
            complain(section.path_of(part + spec.key()) + ".reject_ratio needs a baseline: set " +
                     section.path_of("baseline.learn_minutes") + " above 0");
        }
    }
}

using Written = nlohmann::ordered_json;  // sections and keys in the order of the Python package

void write_if(Written &section, const char *key, const std::optional<double> &value) {
    if (value) {
        section[key] = *value;
    }
}

Written limits_json(const CheckSpec &spec, const Limits &limits) {
    const LimitKeys keys = limit_keys(spec);
    Written section = {{"role", word(ROLES, limits.role)}};
    write_if(section, keys.reject, limits.reject);
    write_if(section, keys.accept, limits.accept);
    write_if(section, RATIO_KEYS.reject, limits.reject_ratio);
    write_if(section, RATIO_KEYS.accept, limits.accept_ratio);
    return section;
}

}  // namespace

GatePolicy parse_policy(const nlohmann::json &values, const std::string &path) {
    Section section(values, gate_defaults().policy, path);
    GatePolicy policy;
    policy.limits[SCORE_CHECK] = read_limits(section.section("score"), all_checks()[SCORE_CHECK]);
    policy.smoothing = read_smoothing(section.section("smoothing"));
    policy.dwell = read_dwell(section.section("dwell"));
    policy.reason = read_reason(section.section("reason"));
    policy.start = read_start(section.section("start"));
    policy.frozen = read_frozen(section.section("frozen"));
    policy.watchdog = read_watchdog(section.section("watchdog"), policy.dwell);
    policy.baseline = read_baseline_policy(section.section("baseline"));
    policy.reference = read_reference_policy(section.section("reference"));
    Section cues = section.section("cues"), faults = section.section("faults");
    for (std::size_t check = 0; check < SCORE_CHECK; ++check) {
        const CheckSpec &spec = all_checks()[check];
        Section &part = spec.cue != nullptr ? cues : faults;
        policy.limits[check] = read_limits(part.section(spec.key()), spec);
    }
    cues.finish();
    faults.finish();
    section.finish();
    check_ratios(policy, section);
    return policy;
}

GatePolicy read_policy(const std::string &text) {
    try {
        return parse_policy(read_json(text));
    } catch (const Error &error) {
        complain(std::string("gate policy: ") + error.what());
    }
}

std::string write_policy(const GatePolicy &policy) {
    Written document;
    document["score"] = limits_json(all_checks()[SCORE_CHECK], policy.limits[SCORE_CHECK]);
    document["smoothing"] = {{"method", word(SMOOTHINGS, policy.smoothing.method)},
                             {"time_constant_s", policy.smoothing.time_constant_s},
                             {"window_s", policy.smoothing.window_s}};
    document["dwell"] = {{"pass_s", policy.dwell.pass_s},
                         {"reject_s", policy.dwell.reject_s},
                         {"cool_down_s", policy.dwell.cool_down_s}};
    document["reason"] = {{"settle_s", policy.reason.settle_s}};
    document["start"] = {{"readings", policy.start.readings}, {"score_max_age_s", policy.start.score_max_age_s}};
    document["frozen"] = {{"role", word(ROLES, policy.frozen.role)},
                          {"change_at_most", policy.frozen.change_at_most},
                          {"after_s", policy.frozen.after_s}};
    document["watchdog"] = Written::object();
    write_if(document["watchdog"], "max_reject_s", policy.watchdog.max_reject_s);
    document["watchdog"]["action"] = word(ACTIONS, policy.watchdog.action);
    document["baseline"] = {{"learn_minutes", policy.baseline.learn_minutes},
                            {"sample_every_s", policy.baseline.sample_every_s},
                            {"on_unusable", word(ON_UNUSABLE, policy.baseline.on_unusable)}};
    document["reference"] = {{"learn_minutes", policy.reference.learn_minutes}};
    document["cues"] = document["faults"] = Written::object();
    for (std::size_t check = 0; check < SCORE_CHECK; ++check) {
        const CheckSpec &spec = all_checks()[check];
        document[spec.section()][spec.key()] = limits_json(spec, policy.limits[check]);
    }
    return document.dump(1);
}

}  // namespace dgiqa
