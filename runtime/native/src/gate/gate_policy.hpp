// The gate's policy: what is a fault, how long it must last, and what happens then. Pure data with the defaults that
// the Python package publishes (runtime/gate/policy.py); policy_json.hpp reads and writes it.
#pragma once

#include <array>
#include <cstddef>
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

// One check: the quantity, the word for its fault, its range, a value at which it is as bad as it gets, and whether a
// baseline makes sense for it.
struct CheckSpec {
    const char *name;
    const char *reason;
    CueValue cue;  // nullptr: the score
    double low;
    double high;
    double worst;
    Limits standard;
    bool relative;
    bool witness;  // may reject together with a doubtful score
    bool smoothed;
};

constexpr std::size_t CHECK_COUNT = 10;
constexpr std::size_t SCORE_CHECK = CHECK_COUNT - 1;

// In this order: of faults that are equally severe the first one gives the verdict its reason.
extern const std::array<CheckSpec, CHECK_COUNT> CHECKS;

// One entry per check, in the order of CHECKS.
using AllLimits = std::array<Limits, CHECK_COUNT>;
AllLimits standard_limits();

// The settings' names of a check's two thresholds: they say the direction.
struct LimitKeys {
    const char *reject;
    const char *accept;
};
LimitKeys limit_keys(const CheckSpec &spec);

struct SmoothingPolicy {
    Smoothing method = Smoothing::EMA;
    double time_constant_s = 0.3;
    double window_s = 0.5;
};

// Least seconds in pass and in reject, and seconds without a fault before pass.
struct DwellPolicy {
    double pass_s = 0.5;
    double reject_s = 0.5;
    double cool_down_s = 0.5;
};

// Seconds that a verdict's state and reason must stay the same before people are told of it.
struct ReasonPolicy {
    double settle_s = 1.0;
};

// Readings before the first decision, and how old the last score may be; both else unknown.
struct StartPolicy {
    int readings = 3;
    double score_max_age_s = 2.0;
};

// A picture is frozen when its change (cues/change.hpp) stays within change_at_most grey levels.
struct FrozenPolicy {
    Role role = Role::REJECT;
    double change_at_most = 0.008;
    double after_s = 5.0;
};

// Rejecting for max_reject_s: mark the verdicts, let frames through, or raise.
struct WatchdogPolicy {
    std::optional<double> max_reject_s;
    WatchdogAction action = WatchdogAction::REPORT;
};

// Minutes of passing frames to learn from (0: no baseline), a sample at most every sample_every_s.
struct BaselinePolicy {
    double learn_minutes = 0.0;
    double sample_every_s = 1.0;
    OnUnusable on_unusable = OnUnusable::REFUSE;
};

struct GatePolicy {
    AllLimits limits = standard_limits();
    SmoothingPolicy smoothing;
    DwellPolicy dwell;
    ReasonPolicy reason;
    StartPolicy start;
    FrozenPolicy frozen;
    WatchdogPolicy watchdog;
    BaselinePolicy baseline;
};

}  // namespace dgiqa
