#include "gate/gate_policy.hpp"

#include "formats/strict_json.hpp"

namespace dgiqa {

extern const char *const GATE_DEFAULTS;  // the text of runtime/gate/defaults.json

namespace {

const std::string HEAD_PREFIX = "faults.";

// None: no cue's.
CueValue cue_named(const std::string &name) {
    for (const CueField &field : CUE_FIELDS) {
        if (name == field.name) {
            return field.value;
        }
    }
    return nullptr;
}

std::optional<double> number_at(const Json &object, const char *key) {
    return object.contains(key) ? std::optional<double>(object.at(key).get<double>()) : std::nullopt;
}

std::optional<Factors> factors_at(const Json &object, const char *key) {
    if (!object.contains(key)) {
        return std::nullopt;
    }
    return Factors{object.at(key).at(0).get<double>(), object.at(key).at(1).get<double>()};
}

std::optional<NormalRule> normal_rule(const Json &check) {
    if (!check.contains("normal")) {
        return std::nullopt;
    }
    const Json &rule = check.at("normal");
    return NormalRule{factors_at(rule, "odds"), factors_at(rule, "ratio"), number_at(rule, "bound"),
                      rule.value("decides", false), number_at(rule, "worst")};
}

GateDefaults read_defaults() {
    const Json document = parse_strictly(GATE_DEFAULTS);
    const Json &policy = document.at("policy"), &frozen = document.at("frozen");
    GateDefaults found;
    found.policy = policy;
    found.frozen = {frozen.at("keyframe").get<double>(), frozen.at("keyframe_s").get<double>(),
                    frozen.at("moving_s").get<double>(), frozen.at("severity").get<double>()};
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        const Json &item = document.at("checks").at(check);
        const std::string name = item.at("name").get<std::string>();
        const CueValue cue = cue_named(name);
        const std::string fault = name.rfind(HEAD_PREFIX, 0) == 0 ? name.substr(HEAD_PREFIX.size()) : "";
        const Json &limits = cue != nullptr   ? policy.at("cues").at(name)
                             : fault.empty() ? policy.at(name)
                                             : policy.at("faults").at(fault);
        found.checks[check] = {name,
                               item.at("reason").get<std::string>(),
                               cue,
                               fault,
                               item.at("low").get<double>(),
                               item.at("high").get<double>(),
                               item.at("worst").get<double>(),
                               limits.contains("reject_below") ? Side::BELOW : Side::ABOVE,
                               item.value("relative", false),
                               item.value("witness", false),
                               item.value("smoothed", true),
                               item.value("slower", 1.0),
                               item.value("head", ""),
                               item.value("yields", false),
                               normal_rule(item)};
    }
    return found;
}

}  // namespace

const GateDefaults &gate_defaults() {
    static const GateDefaults &found = *new GateDefaults(read_defaults());  // verdicts point into it
    return found;
}

}  // namespace dgiqa
