#include "gate/baseline.hpp"

#include <algorithm>
#include <cmath>

namespace dgiqa {

BaselineLearner::BaselineLearner(const BaselinePolicy &policy)
    : needed_(static_cast<std::size_t>(std::ceil(60.0 * policy.learn_minutes / policy.sample_every_s))),
      every_s_(policy.sample_every_s) {}

std::optional<Baseline> BaselineLearner::add(const CheckValues &values, double t) {
    if (last_ && t - *last_ < every_s_) {
        return std::nullopt;
    }
    last_ = t;
    ++collected_;
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (has_normal(all_checks()[check]) && values[check]) {
            samples_[check].push_back(*values[check]);
        }
    }
    if (collected_ < needed_) {
        return std::nullopt;
    }
    Baseline learned;
    learned.samples = static_cast<int>(collected_);
    for (std::size_t check = 0; check < CHECK_COUNT; ++check) {
        if (samples_[check].size() == collected_) {
            learned.spreads[check] = spread(std::move(samples_[check]));
        }
    }
    return learned;
}

Spread spread(std::vector<double> samples) {
    std::sort(samples.begin(), samples.end());
    const double last = static_cast<double>(samples.size() - 1);
    const auto at = [&](double q) { return samples[static_cast<std::size_t>(std::floor(q * last + 0.5))]; };
    return {at(0.1), at(0.5), at(0.9)};
}

}  // namespace dgiqa
