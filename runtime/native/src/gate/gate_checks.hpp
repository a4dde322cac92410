// The checks of the gate: a value against its thresholds, with the memory that hysteresis and stillness need. A port of
// the Python package's runtime/gate/checks.py.
#pragma once

#include <memory>
#include <optional>

#include "gate/baseline.hpp"
#include "gate/gate_policy.hpp"
#include "gate/smoothing.hpp"

namespace dgiqa {

// In force now: a fault beyond reject, none any more from accept on; none: not in force yet.
struct Thresholds {
    std::optional<double> reject;
    std::optional<double> accept;
};

// With ratios of the policy the stricter of the absolute thresholds and those relative to the camera's median, where
// that is above 0; else the looser of the absolute ones and those of the rule (nullptr: none).
Thresholds thresholds(const Limits &limits, const std::optional<Spread> &normal, const NormalRule *rule);

// What the gate asks of each of its checks.
class Check {
public:
    Check(const char *name, const char *reason, bool decides, bool testifies)
        : decides_(decides), name_(name), reason_(reason), testifies_(testifies) {}
    virtual ~Check() = default;

    const char *name() const { return name_; }
    const char *reason() const { return reason_; }
    bool decides() const { return decides_; }                      // may reject on its own
    bool testifies() const { return testifies_; }                  // may reject with a doubtful score
    const std::optional<double> &value() const { return value_; }  // smoothed; none before the first
    bool faulty() const { return faulty_; }                        // whether the latch is set

    // Whether it takes part in the verdict.
    virtual bool counts() const { return true; }

    // How much of the way from acceptable to the worst the value has gone, in [0, 1].
    virtual double severity() const = 0;

    // The threshold that matters next: to leave the fault, or to enter it.
    virtual std::optional<double> threshold() const = 0;

    // Take in this frame's value, or that there is none.
    virtual void smooth(const std::optional<double> &value, double t) = 0;

    // Set or clear the latch.
    virtual void judge(double t) = 0;

    // Start anew after a gap; the latch stays.
    virtual void forget() = 0;

protected:
    std::optional<double> value_;
    bool faulty_ = false;
    bool decides_;

private:
    const char *name_;
    const char *reason_;
    bool testifies_;
};

// The score, a cue or a fault's probability: smoothed, with hysteresis.
class ValueCheck : public Check {
public:
    ValueCheck(const CheckSpec &spec, const Limits &limits, const SmoothingPolicy &smoothing,
               const std::optional<Spread> &normal);

    // Take the camera's own normal into account from now on.
    void relate_to(const std::optional<Spread> &normal);

    // The check of the bundle's fault head for the same fault, which must outlive this one.
    void answer_to(const Check *head) { head_ = head; }

    // Beside the head's probability only what is faulty does, and nothing that yields.
    bool counts() const override { return head_ == nullptr || !head_->value() || (faulty_ && !yields_); }

    // A latch too: set beyond accept, cleared by a value on its good side by half of the hysteresis (the way from reject
    // to accept).
    bool in_doubt() const { return in_doubt_; }

    // 0 up to the accept threshold in force, 1 at the check's worst and beyond, linear between.
    double severity() const override;
    std::optional<double> threshold() const override { return faulty_ ? now_.accept : now_.reject; }
    void smooth(const std::optional<double> &value, double t) override;
    void judge(double t) override;
    void forget() override;

private:
    bool beyond(double limit) const;

    const CheckSpec &spec_;
    Limits limits_;
    double worst_ = 0.0;
    bool yields_ = false;
    const Check *head_ = nullptr;
    bool in_doubt_ = false;
    Thresholds now_;
    std::unique_ptr<Smoother> smoother_;
};

// Whether the picture has stood still for too long.
class FrozenCheck : public Check {
public:
    explicit FrozenCheck(const FrozenPolicy &policy);

    // Since when the picture stands still is a matter of the picture, and stays; so does the latch.
    void judge_by(const FrozenPolicy &policy) { policy_ = policy; }

    bool counts() const override { return policy_.role != Role::OFF; }

    // Never the worst: what is black or covered stands still too, and that is the reason then.
    double severity() const override { return faulty_ ? facts_.severity : 0.0; }
    std::optional<double> threshold() const override { return policy_.change_at_most; }
    void smooth(const std::optional<double> &value, double t) override;
    void judge(double t) override;
    void forget() override;

private:
    FrozenPolicy policy_;
    FrozenFacts facts_;
    std::optional<double> still_since_;
    std::optional<double> moving_since_;
};

}  // namespace dgiqa
