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
const Words &role_words() {
    static const Words words = {"reject", "explain", "off"};
    return words;
}
const Words &smoothing_words() {
    static const Words words = {"ema", "median", "none"};
    return words;
}
const Words &action_words() {
    static const Words words = {"report", "pass", "raise"};
    return words;
}
const Words &unusable_words() {
    static const Words words = {"refuse", "relearn"};
    return words;
}

template <typename Value>
const std::string &word(const Words &words, Value value) {
    return words[static_cast<std::size_t>(value)];
}

template <typename Value>
Value chosen(Section &section, const std::string &key, Value fallback, const Words &words, const Words &allowed) {
    const std::string given = section.choice(key, word(words, fallback), allowed);
    return static_cast<Value>(std::find(words.begin(), words.end(), given) - words.begin());
}

template <typename Value>
Value chosen(Section &section, const std::string &key, Value fallback, const Words &words) {
    return chosen(section, key, fallback, words, words);
}

[[noreturn]] void complain(const std::string &message) { throw Error(DGIQA_ERROR_CONFIGURATION, message); }

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

Pair read_pair(Section &section, const LimitKeys &keys, const Pair &fallback, double low, double high, Side side) {
    Pair pair;
    pair.reject = section.optional_number(keys.reject, fallback.reject, low, high);
    pair.accept = section.optional_number(keys.accept, fallback.accept, low, high);
    check_order(section, keys, pair, side);
    return pair;
}

constexpr LimitKeys RATIO_KEYS = {"reject_ratio", "accept_ratio"};

Limits read_limits(Section section, const CheckSpec &spec) {
    static const Words without_explain = {"reject", "off"};
    const Limits &standard = spec.standard;
    const LimitKeys keys = limit_keys(spec);
    const auto any = [&section](const LimitKeys &names) {
        return section.has(names.reject) || section.has(names.accept);
    };
    Limits limits = standard;
    limits.role =
        chosen(section, "role", standard.role, role_words(), spec.cue == nullptr ? without_explain : role_words());
    const bool ratios_only = any(RATIO_KEYS) && !any(keys);
    const Pair fallback = ratios_only ? Pair{} : Pair{standard.reject, standard.accept};
    const Pair absolute = read_pair(section, keys, fallback, spec.low, spec.high, standard.side);
    limits.reject = absolute.reject;
    limits.accept = absolute.accept;
    if (spec.relative) {
        const Pair ratios = read_pair(section, RATIO_KEYS, Pair{}, 0.0, 1000.0, standard.side);
        limits.reject_ratio = ratios.reject;
        limits.accept_ratio = ratios.accept;
    }
    section.finish();
    return limits;
}

SmoothingPolicy read_smoothing(Section section) {
    SmoothingPolicy policy;
    policy.method = chosen(section, "method", policy.method, smoothing_words());
    policy.time_constant_s = section.number("time_constant_s", policy.time_constant_s, 0.001, 3600.0);
    policy.window_s = section.number("window_s", policy.window_s, 0.001, 60.0);
    section.finish();
    return policy;
}

DwellPolicy read_dwell(Section section) {
    DwellPolicy policy;
    policy.pass_s = section.number("pass_s", policy.pass_s, 0.0, 86400.0);
    policy.reject_s = section.number("reject_s", policy.reject_s, 0.0, 86400.0);
    policy.cool_down_s = section.number("cool_down_s", policy.cool_down_s, 0.0, 86400.0);
    section.finish();
    return policy;
}

ReasonPolicy read_reason(Section section) {
    ReasonPolicy policy;
    policy.settle_s = section.number("settle_s", policy.settle_s, 0.0, 86400.0);
    section.finish();
    return policy;
}

StartPolicy read_start(Section section) {
    StartPolicy policy;
    policy.readings = section.integer("readings", policy.readings, 1, 10000);
    policy.score_max_age_s = section.number("score_max_age_s", policy.score_max_age_s, 0.0, 86400.0);
    section.finish();
    return policy;
}

FrozenPolicy read_frozen(Section section) {
    static const Words allowed = {"reject", "off"};
    FrozenPolicy policy;
    policy.role = chosen(section, "role", policy.role, role_words(), allowed);
    policy.change_at_most = section.number("change_at_most", policy.change_at_most, 0.0, 255.0);
    policy.after_s = section.number("after_s", policy.after_s, 0.0, 86400.0);
    section.finish();
    return policy;
}

WatchdogPolicy read_watchdog(Section section, const DwellPolicy &dwell) {
    WatchdogPolicy policy;
    policy.max_reject_s = section.optional_number("max_reject_s", policy.max_reject_s, 0.0, 1e9);
    policy.action = chosen(section, "action", policy.action, action_words());
    section.finish();
    if (!policy.max_reject_s && policy.action != WatchdogAction::REPORT) {
        complain(section.path_of("max_reject_s") + " is missing: action '" + word(action_words(), policy.action) +
                 "' needs it");
    }
    if (policy.max_reject_s && *policy.max_reject_s < dwell.reject_s) {
        complain(section.path_of("max_reject_s") + " is " + number_text(*policy.max_reject_s) +
                 ": it must be at least dwell.reject_s (" + number_text(dwell.reject_s) + ")");
    }
    return policy;
}

BaselinePolicy read_baseline_policy(Section section) {
    BaselinePolicy policy;
    policy.learn_minutes = section.number("learn_minutes", policy.learn_minutes, 0.0, 1440.0);
    policy.sample_every_s = section.number("sample_every_s", policy.sample_every_s, 0.01, 3600.0);
    policy.on_unusable = chosen(section, "on_unusable", policy.on_unusable, unusable_words());
    section.finish();
    return policy;
}

// A ratio without a baseline would silently do nothing.
void check_ratios(const GatePolicy &policy, const Section &section) {
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (policy.limits[check].reject_ratio && policy.baseline.learn_minutes == 0.0) {
            const std::string name = CHECKS[check].name;
            complain(section.path_of(check == SCORE_CHECK ? name : "cues." + name) +
                     ".reject_ratio needs a baseline: set " + section.path_of("baseline.learn_minutes") + " above 0");
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
    Written section = {{"role", word(role_words(), limits.role)}};
    write_if(section, keys.reject, limits.reject);
    write_if(section, keys.accept, limits.accept);
    write_if(section, RATIO_KEYS.reject, limits.reject_ratio);
    write_if(section, RATIO_KEYS.accept, limits.accept_ratio);
    return section;
}

}  // namespace

GatePolicy parse_policy(const nlohmann::json &values, const std::string &path) {
    Section section(values, path);
    GatePolicy policy;
    policy.limits[SCORE_CHECK] = read_limits(section.section("score"), CHECKS[SCORE_CHECK]);
    policy.smoothing = read_smoothing(section.section("smoothing"));
    policy.dwell = read_dwell(section.section("dwell"));
    policy.reason = read_reason(section.section("reason"));
    policy.start = read_start(section.section("start"));
    policy.frozen = read_frozen(section.section("frozen"));
    policy.watchdog = read_watchdog(section.section("watchdog"), policy.dwell);
    policy.baseline = read_baseline_policy(section.section("baseline"));
    Section cues = section.section("cues");
    for (std::size_t check = 0; check < SCORE_CHECK; ++check) {
        policy.limits[check] = read_limits(cues.section(CHECKS[check].name), CHECKS[check]);
    }
    cues.finish();
    section.finish();
    check_ratios(policy, section);
    return policy;
}

GatePolicy read_policy(const std::string &text) {
    try {
        return parse_policy(read_json(text));
    } catch (const Error &error) {
        complain(std::string("gate policy: ") + error.what());
    } catch (const JsonTextError &error) {
        complain(std::string("gate policy: ") + error.what());
    }
}

std::string write_policy(const GatePolicy &policy) {
    Written document;
    document["score"] = limits_json(CHECKS[SCORE_CHECK], policy.limits[SCORE_CHECK]);
    document["smoothing"] = {{"method", word(smoothing_words(), policy.smoothing.method)},
                             {"time_constant_s", policy.smoothing.time_constant_s},
                             {"window_s", policy.smoothing.window_s}};
    document["dwell"] = {{"pass_s", policy.dwell.pass_s},
                         {"reject_s", policy.dwell.reject_s},
                         {"cool_down_s", policy.dwell.cool_down_s}};
    document["reason"] = {{"settle_s", policy.reason.settle_s}};
    document["start"] = {{"readings", policy.start.readings}, {"score_max_age_s", policy.start.score_max_age_s}};
    document["frozen"] = {{"role", word(role_words(), policy.frozen.role)},
                          {"change_at_most", policy.frozen.change_at_most},
                          {"after_s", policy.frozen.after_s}};
    document["watchdog"] = Written::object();
    write_if(document["watchdog"], "max_reject_s", policy.watchdog.max_reject_s);
    document["watchdog"]["action"] = word(action_words(), policy.watchdog.action);
    document["baseline"] = {{"learn_minutes", policy.baseline.learn_minutes},
                            {"sample_every_s", policy.baseline.sample_every_s},
                            {"on_unusable", word(unusable_words(), policy.baseline.on_unusable)}};
    document["cues"] = Written::object();
    for (std::size_t check = 0; check < SCORE_CHECK; ++check) {
        document["cues"][CHECKS[check].name] = limits_json(CHECKS[check], policy.limits[check]);
    }
    return document.dump(1);
}

}  // namespace dgiqa
