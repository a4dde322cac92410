#include "gate/gate.hpp"

#include <cmath>
#include <string_view>

#include "settings/number_text.hpp"

namespace dgiqa {
namespace {

const char *const GOOD = "good";
const char *const STARTING = "starting";
const char *const NO_SIGNAL = "no signal";
const char *const NOT_SCORED = "not scored";
const char *const RECOVERING = "recovering";
const char *const WATCHDOG = "rejected too long";

// The place of the check of what bundles call so; CHECK_COUNT: there is none.
std::size_t head_check(const std::string &fault) {
    std::size_t check = 0;
    while (check < CHECK_COUNT && (fault.empty() || all_checks()[check].fault != fault)) {
        ++check;
    }
    return check;
}

// What bundles call the fault of this reason.
const char *head_of(std::string_view reason) {
    for (const CheckSpec &spec : all_checks()) {
        if (!spec.fault.empty() && spec.reason == reason) {
            return spec.fault.c_str();
        }
    }
    return nullptr;
}

// What a reading has for a check.
std::optional<double> value_of(const CheckSpec &spec, const Reading &reading) {
    if (spec.cue != nullptr) {
        return reading.cues ? *reading.cues.*spec.cue : std::nullopt;
    }
    if (spec.fault.empty()) {
        return reading.score;
    }
    for (const FaultProbability &fault : reading.faults) {
        if (fault.name == spec.fault) {
            return fault.value;
        }
    }
    return std::nullopt;
}

}  // namespace

Gate::Gate(const GatePolicy &policy, const std::optional<Baseline> &baseline)
    : policy_(policy),
      baseline_(baseline),
      frozen_(std::make_unique<FrozenCheck>(policy.frozen)),
      announcer_(policy.reason.settle_s) {
    judge_by();
    verdict_.reason = STARTING;
}

// The checks of the policy.
void Gate::judge_by() {
    frozen_->judge_by(policy_.frozen);
    checks_.push_back(frozen_.get());
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (policy_.limits[check].role != Role::OFF) {
            const std::optional<Spread> normal = baseline_ ? baseline_->spreads[check] : std::nullopt;
            values_[check] =
                std::make_unique<ValueCheck>(all_checks()[check], policy_.limits[check], policy_.smoothing, normal);
            checks_.push_back(values_[check].get());
        }
    }
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (const std::size_t head = head_check(all_checks()[check].head); values_[check] && head < CHECK_COUNT) {
            values_[check]->answer_to(values_[head].get());
        }
    }
    score_ = values_[SCORE_CHECK].get();
    if (!baseline_ && policy_.baseline.learn_minutes > 0.0) {
        learner_.emplace(policy_.baseline);
    }
}

Verdict Gate::update(const Reading &reading, double t) {
    check(reading, t);
    last_ = t;
    const dgiqa_state before = state_;
    const Cause cause = take_in(reading, t);
    Verdict verdict;
    verdict.state = state_;
    verdict.reason = cause.reason;
    if (cause.check != nullptr) {
        verdict.cue = cause.check->name();
        verdict.value = cause.check->value();
        verdict.threshold = cause.check->threshold();
    }
    if (const Check *other = cause.runner_up) {
        verdict.runner_up = RunnerUp{other->reason(), other->name(), other->value(), other->threshold()};
    }
    verdict.head = head_of(cause.reason);
    verdict.score = reading.score;
    verdict.smoothed = score_ == nullptr ? std::nullopt : score_->value();
    verdict.changed = state_ != before;
    verdict.overdue = is_overdue(t);
    verdict.announced = !on_the_way(cause.reason) && announcer_.update(state_, cause.reason, t);
    if (verdict.overdue && policy_.watchdog.action == WatchdogAction::RAISE) {
        throw WatchdogError("frames rejected for " + tenths_text(t - since_) + " s (" + cause.reason +
                                "), the policy allows " + number_text(*policy_.watchdog.max_reject_s) +
                                " s: look at the camera, or raise watchdog.max_reject_s",
                            verdict);
    }
    verdict_ = verdict;
    return verdict;
}

Verdict Gate::hold(const Reading &reading, double t) {
    check(reading, t);
    if (reading.cues) {
        frozen_->smooth(reading.cues->change, t);
    }
    last_ = t;
    scored_at_ = t;  // the score that is judged next is not too old
    good_since_.reset();
    Verdict verdict = verdict_;
    if (state_ == DGIQA_UNKNOWN) {
        verdict = Verdict();
        verdict.reason = STARTING;
    }
    verdict.score = reading.score;
    verdict.changed = verdict.announced = false;
    verdict.overdue = is_overdue(t);
    return verdict;
}

void Gate::change_to(const GatePolicy &policy, const std::optional<Baseline> &baseline) {
    policy_ = policy;
    baseline_ = baseline;
    checks_.clear();
    for (auto &value : values_) {
        value.reset();
    }
    learner_.reset();
    judge_by();
    good_since_.reset();
    last_fault_ = nullptr;
}

void Gate::check(const Reading &reading, double t) const {
    check_reading(reading);
    if (!std::isfinite(t) || (last_ && t < *last_)) {
        complain("the gate's time went from " + (last_ ? number_text(*last_) : "nothing") + " to " + number_text(t) +
                 ": give it a monotonic clock");
    }
}

// From the reading to the fault; then move the state.
Gate::Cause Gate::take_in(const Reading &reading, double t) {
    if (reading.empty()) {
        forget();
        move_to(DGIQA_UNKNOWN, t);
        return {NO_SIGNAL};
    }
    smooth(reading, t);
    if (readings_ < policy_.start.readings) {
        return {STARTING};
    }
    if (score_ != nullptr && t - scored_at_ > policy_.start.score_max_age_s) {
        good_since_.reset();
        move_to(DGIQA_UNKNOWN, t);
        return {NOT_SCORED};
    }
    for (Check *check : checks_) {
        check->judge(t);
    }
    const Check *fault = fault_now();
    decide(fault, t);
    if (learner_ && fault == nullptr && state_ == DGIQA_PASS) {
        learn(t);
    }
    return cause(fault);
}

void Gate::smooth(const Reading &reading, double t) {
    if (reading.cues) {
        frozen_->smooth(reading.cues->change, t);
    }
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (values_[check]) {
            values_[check]->smooth(value_of(all_checks()[check], reading), t);
        }
    }
    if (reading.score) {
        scored_at_ = t;
    }
    const bool counts = score_ == nullptr ? reading.cues.has_value() : reading.score.has_value();
    if (counts && readings_ < policy_.start.readings) {
        ++readings_;
    }
}

// The most severe of those asked for, without the score: the first of equals, none where none is severe.
template <typename Asked>
const Check *Gate::worst(Asked asked) const {
    const Check *worst = nullptr;
    for (const Check *check : checks_) {
        if (check != score_ && check->counts() && asked(*check) &&
            check->severity() > (worst == nullptr ? 0.0 : worst->severity())) {
            worst = check;
        }
    }
    return worst;
}

// What the frame is rejected for, by step 4 of the specification.
const Check *Gate::fault_now() const {
    const Check *deciding = worst([](const Check &check) { return check.faulty() && check.decides(); });
    if (deciding != nullptr || score_ == nullptr) {
        return deciding;
    }
    if (score_->faulty()) {
        return score_;
    }
    return score_->in_doubt() ? worst([](const Check &check) { return check.faulty() && check.testifies(); }) : nullptr;
}

// Step 5 of the specification, and the watchdog's `pass`.
void Gate::decide(const Check *fault, double t) {
    const DwellPolicy &dwell = policy_.dwell;
    if (fault != nullptr) {
        good_since_.reset();
        last_fault_ = fault;
    } else if (!good_since_) {
        good_since_ = t;
    }
    const bool recovered = good_since_ && t - *good_since_ >= dwell.cool_down_s;
    const double held_s = t - since_;
    if (state_ == DGIQA_UNKNOWN) {
        if (fault != nullptr) {
            move_to(DGIQA_REJECT, t);
        } else if (recovered) {
            move_to(DGIQA_PASS, t);
        }
    } else if (state_ == DGIQA_PASS) {
        overridden_ = overridden_ && fault != nullptr;
        if (fault != nullptr && !overridden_ && held_s >= dwell.pass_s) {
            move_to(DGIQA_REJECT, t);
        }
    } else if (recovered && held_s >= dwell.reject_s) {
        move_to(DGIQA_PASS, t);
    } else if (is_overdue(t) && policy_.watchdog.action == WatchdogAction::PASS) {
        move_to(DGIQA_PASS, t);
        overridden_ = true;
    }
}

void Gate::move_to(dgiqa_state state, double t) {
    if (state != state_) {
        state_ = state;
        since_ = t;
        overridden_ = false;
    }
}

bool Gate::is_overdue(double t) const {
    const std::optional<double> &limit_s = policy_.watchdog.max_reject_s;
    return state_ == DGIQA_REJECT && limit_s && t - since_ >= *limit_s;
}

// Recovering, or passing with a fault that the least dwell holds back.
bool Gate::on_the_way(const char *reason) const {
    return reason == RECOVERING || (state_ == DGIQA_PASS && reason != GOOD && reason != WATCHDOG);
}

void Gate::learn(double t) {
    CheckValues values;
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (values_[check]) {
            values[check] = values_[check]->value();
        }
    }
    if (std::optional<Baseline> learned = learner_->add(values, t)) {
        baseline_ = std::move(learned);
        learner_.reset();
        for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
            if (values_[check]) {
                values_[check]->relate_to(baseline_->spreads[check]);
            }
        }
    }
}

Gate::Cause Gate::cause(const Check *fault) const {
    if (overridden_) {
        return {WATCHDOG, fault != nullptr ? fault : last_fault_};
    }
    if (fault != nullptr) {
        return explained(fault);
    }
    if (state_ == DGIQA_REJECT) {
        return {RECOVERING, last_fault_};
    }
    return {state_ == DGIQA_PASS ? GOOD : STARTING};
}

// The reason is that of the most severe, which may be one that may not reject; the next other is the runner-up.
Gate::Cause Gate::explained(const Check *fault) const {
    const Check *named = worst([](const Check &) { return true; });
    const std::string_view reason = (named == nullptr ? fault : named)->reason();
    return {reason.data(), fault, worst([&](const Check &check) { return reason != check.reason(); })};
}

void Gate::forget() {
    for (Check *check : checks_) {
        check->forget();
    }
    readings_ = 0;
    good_since_.reset();
}

}  // namespace dgiqa
