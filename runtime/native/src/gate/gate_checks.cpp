#include "gate/gate_checks.hpp"

#include <algorithm>

namespace dgiqa {

Thresholds thresholds(const Limits &limits, const std::optional<Spread> &normal) {
    Thresholds now;
    if (limits.reject && limits.accept) {
        now = {limits.reject, limits.accept};
    }
    if (limits.reject_ratio && limits.accept_ratio && normal && normal->median > 0.0) {
        const double reject = *limits.reject_ratio * normal->median;
        const double accept = *limits.accept_ratio * normal->median;
        const auto stricter = [&limits](const std::optional<double> &one, double other) {
            if (!one) {
                return other;
            }
            return limits.side == Side::BELOW ? std::max(*one, other) : std::min(*one, other);
        };
        now = {stricter(now.reject, reject), stricter(now.accept, accept)};
    }
    return now;
}

ValueCheck::ValueCheck(const CheckSpec &spec, const Limits &limits, const SmoothingPolicy &smoothing,
                       const std::optional<Spread> &normal)
    : Check(spec.name, spec.reason, limits.role == Role::REJECT),
      limits_(limits),
      smoother_(spec.smoothed ? smoother(smoothing) : std::make_unique<Unsmoothed>()) {
    relate_to(normal);
}

bool ValueCheck::beyond(double limit) const { return limits_.side == Side::BELOW ? *value_ < limit : *value_ > limit; }

bool ValueCheck::doubtful() const { return value_ && now_.accept && beyond(*now_.accept); }

void ValueCheck::smooth(const std::optional<double> &value, double t) {
    if (value) {
        value_ = smoother_->update(*value, t);
    }
}

void ValueCheck::judge(double) {
    if (value_ && now_.reject && now_.accept) {
        faulty_ = beyond(faulty_ ? *now_.accept : *now_.reject);
    }
}

void ValueCheck::forget() {
    smoother_->reset();
    value_.reset();
}

FrozenCheck::FrozenCheck(const FrozenPolicy &policy) : Check("change", "frozen", true), policy_(policy) {}

void FrozenCheck::smooth(const std::optional<double> &value, double t) {
    value_ = value;
    if (!value || *value > policy_.change_at_most) {
        still_since_.reset();
    } else if (!still_since_) {
        still_since_ = t;
    }
}

void FrozenCheck::judge(double t) { faulty_ = still_since_ && t - *still_since_ >= policy_.after_s; }

void FrozenCheck::forget() {
    value_.reset();
    still_since_.reset();
}

}  // namespace dgiqa
