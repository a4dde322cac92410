// The gate: a camera's score, faults and cues over time become pass, reject or unknown, with a reason.
//
// A pure state machine: no clock, no input or output; the same readings give the same verdicts. The specification is
// the module docstring of the Python package's runtime/gate/gate.py, pinned for both by tests/vectors/gate. All arithmetic
// is float64 in the order written there; these files are compiled without contraction to fused operations.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "errors.hpp"
#include "gate/announcement.hpp"
#include "gate/baseline.hpp"
#include "gate/gate_checks.hpp"
#include "gate/gate_policy.hpp"
#include "gate/reading.hpp"
#include "gate/verdict.hpp"

namespace dgiqa {

// The watchdog's action is `raise` and its time is over; the frame has been taken in, with this verdict.
class WatchdogError : public Error {
public:
    WatchdogError(const std::string &message, const Verdict &verdict)
        : Error(DGIQA_ERROR_GATE, message), verdict_(verdict) {}
    const Verdict &verdict() const noexcept { return verdict_; }

private:
    Verdict verdict_;
};

// One camera's gate; for one thread at a time.
class Gate {
public:
    // baseline: the camera's normal, learned before; without it and with baseline.learn_minutes above 0 it is learned
    // from passing frames.
    explicit Gate(const GatePolicy &policy, const std::optional<Baseline> &baseline = std::nullopt);

    // Throws Error (CONFIGURATION): t not finite or before the last one, a reading out of range.
    void check(const Reading &reading, double t) const;

    // Take in one frame captured at t, seconds of a clock that never goes back. Throws as check does; WatchdogError.
    Verdict update(const Reading &reading, double t);

    // Take in one frame of a change that is no fault, a switch of profiles: nothing is judged, the verdict stays.
    // Throws as check does.
    Verdict hold(const Reading &reading, double t);

    // Judge by another policy and another normal from the next frame on; state and reason stay until then. How long the
    // picture has stood still is known on. When people are told stays the first policy's matter.
    void change_to(const GatePolicy &policy, const std::optional<Baseline> &baseline);

    const GatePolicy &policy() const { return policy_; }

    // Given at the start, or learned by now.
    const std::optional<Baseline> &baseline() const { return baseline_; }

private:
    // The part of a verdict that says why.
    struct Cause {
        const char *reason;
        const Check *check = nullptr;
        const Check *runner_up = nullptr;
    };

    void judge_by();
    Cause take_in(const Reading &reading, double t);
    void smooth(const Reading &reading, double t);
    template <typename Asked>
    const Check *worst(Asked asked) const;
    const Check *fault_now() const;
    void decide(const Check *fault, double t);
    void move_to(dgiqa_state state, double t);
    bool is_overdue(double t) const;
    bool on_the_way(const char *reason) const;
    void learn(double t);
    Cause cause(const Check *fault) const;
    Cause explained(const Check *fault) const;
    void forget();

    GatePolicy policy_;
    std::optional<Baseline> baseline_;
    std::unique_ptr<FrozenCheck> frozen_;                          // of the picture, whatever the policy
    std::array<std::unique_ptr<ValueCheck>, CHECK_COUNT> values_;  // none where a role is off
    std::vector<Check *> checks_;                                  // all of them, in the order of priority
    ValueCheck *score_ = nullptr;
    std::optional<BaselineLearner> learner_;
    dgiqa_state state_ = DGIQA_UNKNOWN;
    double since_ = 0.0;
    std::optional<double> last_;
    int readings_ = 0;  // counted up to start.readings
    double scored_at_ = 0.0;
    std::optional<double> good_since_;
    bool overridden_ = false;
    const Check *last_fault_ = nullptr;
    Announcer announcer_;
    Verdict verdict_;  // the last one
};

}  // namespace dgiqa
