// The gate's policy: what is a fault, how long it must last, and what happens then. Pure data; policy_json.hpp reads and
// writes it, and gives the published one.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "gate/reading.hpp"

namespace dgiqa {

// What a check may do: reject on its own, reject with a doubtful score only and else name reasons, or nothing.
enum class Role { REJECT, EXPLAIN, OFF };

// On which side of its threshold a value is a fault.
enum class Side { BELOW, ABOVE };

enum class Smoothing { EMA, MEDIAN, NONE };
enum class WatchdogAction { REPORT, PASS, RAISE };
enum class OnUnusable { REFUSE, RELEARN };

// When one value is a fault, and when it is one no longer. The ratios are thresholds as multiples of the camera's own
// median, in force once its baseline is learned; where both kinds are given, the stricter holds.
struct Limits {
    Role role = Role::OFF;
    Side side = Side::BELOW;
    std::optional<double> reject;
    std::optional<double> accept;
    std::optional<double> reject_ratio;
    std::optional<double> accept_ratio;
};

// The factors of a rule for its two thresholds.
struct Factors {
    double reject;
    double accept;
};

// What a check makes of the camera's normal, where the policy gives it no ratios: its thresholds are moved out to where
// a value lies beyond the normal's edge (thresholds), never in. By odds, as multiples of the edge's odds, or by ratio,
// as multiples of the edge, which go no further than the bound.
struct NormalRule {
    std::optional<Factors> odds;
    std::optional<Factors> ratio;
    std::optional<double> bound;
    bool decides = false;         // a check that only explains may reject then, beside the bundle's head too
    std::optional<double> worst;  // in place of the check's
};

// One check: the quantity, the word for its fault, its range, a value at which it is as bad as it gets, whether a
// policy may give it ratios, and what the camera's normal does to it without any. It is of a cue, of a fault that
// bundles read, or of the score.
struct CheckSpec {
    std::string name;
    std::string reason;
    CueValue cue;       // nullptr: none
    std::string fault;  // the bundle's name; empty: none
    double low;
    double high;
    double worst;
    Side side;
    bool relative;
    bool witness;  // may reject together with a doubtful score
    bool smoothed;  // by the policy, over `slower` times as long
    double slower;
    std::string head;  // of a cue: what bundles call the same fault, for which it is the safety net; empty: none does
    bool yields;       // to that head altogether
    std::optional<NormalRule> normal;

    const char *section() const { return cue != nullptr ? "cues" : fault.empty() ? nullptr : "faults"; }
    const std::string &key() const { return fault.empty() ? name : fault; }
};

constexpr std::size_t CHECK_COUNT = 21;
constexpr std::size_t SCORE_CHECK = CHECK_COUNT - 1;

// What tells a frozen picture: what an encoder's keyframe changes in it, in grey levels, the seconds until it is as
// before, the seconds of nothing but new frames that end it, and how severe it is.
struct FrozenFacts {
    double keyframe;
    double keyframe_s;
    double moving_s;
    double severity;
};

// What is published: runtime/gate/defaults.json, which the Python package reads too. It lives as long as the process.
struct GateDefaults {
    std::array<CheckSpec, CHECK_COUNT> checks;  // of faults that are equally severe the first gives the reason
    FrozenFacts frozen;
    nlohmann::json policy;  // as a policy's settings
};
const GateDefaults &gate_defaults();

inline const std::array<CheckSpec, CHECK_COUNT> &all_checks() { return gate_defaults().checks; }

// One entry per check, in their order.
using AllLimits = std::array<Limits, CHECK_COUNT>;

struct SmoothingPolicy {
    Smoothing method{};
    double time_constant_s{};
    double window_s{};
};

// Least seconds in pass and in reject, and seconds without a fault before pass.
struct DwellPolicy {
    double pass_s{};
    double reject_s{};
    double cool_down_s{};
};

// Seconds that a verdict's state and reason must stay the same before people are told of it.
struct ReasonPolicy {
    double settle_s{};
};

// Readings before the first decision, and how old the last score may be; both else unknown.
struct StartPolicy {
    int readings{};
    double score_max_age_s{};
};

// A picture is frozen when its change (cues/change.hpp) stays within change_at_most grey levels.
struct FrozenPolicy {
    Role role{};
    double change_at_most{};
    double after_s{};
};

// Rejecting for max_reject_s: mark the verdicts, let frames through, or raise.
struct WatchdogPolicy {
    std::optional<double> max_reject_s;
    WatchdogAction action{};
};

// Minutes of passing frames to learn from (0: no baseline), a sample at most every sample_every_s.
struct BaselinePolicy {
    double learn_minutes{};
    double sample_every_s{};
    OnUnusable on_unusable{};
};

// Minutes of passing frames to learn the camera's view from, where it has no reference; 0: none is learned.
struct ReferencePolicy {
    double learn_minutes{};
};

struct GatePolicy {
    AllLimits limits{};
    SmoothingPolicy smoothing;
    DwellPolicy dwell;
    ReasonPolicy reason;
    StartPolicy start;
    FrozenPolicy frozen;
    WatchdogPolicy watchdog;
    BaselinePolicy baseline;
    ReferencePolicy reference;
};

}  // namespace dgiqa
