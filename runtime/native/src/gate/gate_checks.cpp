#include "gate/gate_checks.hpp"

#include <algorithm>

namespace dgiqa {

namespace {

// Of an edge whose odds are taken: a share of 1, as of a black or a covered picture, is beyond any.
constexpr double MOST = 0.99999;

// Where a value lies beyond what is normal.
double beyond_normal(const Spread &normal, const NormalRule &rule, double Factors::*factor, Side side) {
    if (rule.odds) {
        const double edge = std::min(std::max(normal.high, 0.0), MOST);
        const double odds = *rule.odds.*factor * edge / (1.0 - edge);
        return odds / (1.0 + odds);
    }
    const double edge = side == Side::BELOW ? normal.low : normal.high;
    const double beyond = (rule.ratio ? *rule.ratio.*factor : 1.0) * edge;
    if (!rule.bound) {
        return beyond;
    }
    return side == Side::BELOW ? std::max(*rule.bound, beyond) : std::min(*rule.bound, beyond);
}

}  // namespace

Thresholds thresholds(const Limits &limits, const std::optional<Spread> &normal, const NormalRule *rule) {
    Thresholds now;
    if (limits.reject && limits.accept && rule != nullptr && normal && !limits.reject_ratio) {
        const auto looser = [&](double absolute, double Factors::*factor) {
            const double beyond = beyond_normal(*normal, *rule, factor, limits.side);
            return limits.side == Side::BELOW ? std::min(absolute, beyond) : std::max(absolute, beyond);
        };
        return {looser(*limits.reject, &Factors::reject), looser(*limits.accept, &Factors::accept)};
    }
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
    : Check(spec.name.c_str(), spec.reason.c_str(), limits.role == Role::REJECT,
            limits.role == Role::REJECT || spec.witness),
      spec_(spec),
      limits_(limits),
      smoother_(spec.smoothed ? smoother(smoothing, spec.slower) : std::make_unique<LesserOfTwo>()) {
    relate_to(normal);
}

void ValueCheck::relate_to(const std::optional<Spread> &normal) {
    const NormalRule *rule = !normal || limits_.reject_ratio || !spec_.normal ? nullptr : &*spec_.normal;
    now_ = thresholds(limits_, normal, rule);
    const bool insists = rule != nullptr && rule->decides;
    decides_ = limits_.role == Role::REJECT || insists;
    yields_ = spec_.yields && !insists;
    worst_ = rule != nullptr && rule->worst ? *rule->worst : spec_.worst;
}

bool ValueCheck::beyond(double limit) const { return limits_.side == Side::BELOW ? *value_ < limit : *value_ > limit; }

double ValueCheck::severity() const {
    if (!value_ || !now_.accept) {
        return 0.0;
    }
    double past = *value_ - *now_.accept, span = worst_ - *now_.accept;
    if (limits_.side == Side::BELOW) {
        past = -past;
        span = -span;
    }
    if (past <= 0.0) {
        return 0.0;
    }
    return past >= span ? 1.0 : past / span;
}

void ValueCheck::smooth(const std::optional<double> &value, double t) {
    if (value) {
        value_ = smoother_->update(*value, t);
    }
}

void ValueCheck::judge(double) {
    if (value_ && now_.reject && now_.accept) {
        faulty_ = beyond(faulty_ ? *now_.accept : *now_.reject);
        in_doubt_ = beyond(*now_.accept + (in_doubt_ ? 0.5 : 0.0) * (*now_.accept - *now_.reject));
    }
}

void ValueCheck::forget() {
    smoother_->reset();
    value_.reset();
}

FrozenCheck::FrozenCheck(const FrozenPolicy &policy)
    : Check("change", "frozen", true, true), policy_(policy), facts_(gate_defaults().frozen) {}

void FrozenCheck::smooth(const std::optional<double> &value, double t) {
    value_ = value;
    if (value && *value <= policy_.change_at_most) {
        moving_since_.reset();
        if (!still_since_) {
            still_since_ = t;
        }
        return;
    }
    if (!moving_since_) {
        moving_since_ = t;
    }
    if (!value || *value > std::max(policy_.change_at_most, facts_.keyframe) ||
        t - *moving_since_ >= facts_.keyframe_s) {
        still_since_.reset();
    }
}

// A keyframe codes the same picture a little differently: it ends neither stillness nor a fault.
void FrozenCheck::judge(double t) {
    if (faulty_) {
        faulty_ = !moving_since_ || t - *moving_since_ < facts_.moving_s;
    } else {
        faulty_ = still_since_ && t - *still_since_ >= policy_.after_s;
    }
}

void FrozenCheck::forget() {
    value_.reset();
    faulty_ = false;
    still_since_.reset();
    moving_since_.reset();
}

}  // namespace dgiqa
