#include "gate/smoothing.hpp"

#include <algorithm>
#include <vector>

namespace dgiqa {

double LesserOfTwo::update(double value, double) {
    const double lesser = last_ ? std::min(*last_, value) : value;
    last_ = value;
    return lesser;
}

double ExponentialAverage::update(double value, double t) {
    if (!value_) {
        value_ = value;
    } else {
        const double dt = t - at_;
        value_ = *value_ + dt / (tau_ + dt) * (value - *value_);
    }
    at_ = t;
    return *value_;
}

double MedianWindow::update(double value, double t) {
    samples_.push_back({t, value});
    while (t - samples_.front().t >= window_s_) {
        samples_.pop_front();
    }
    std::vector<double> ordered;
    ordered.reserve(samples_.size());
    for (const Sample &sample : samples_) {
        ordered.push_back(sample.value);
    }
    std::sort(ordered.begin(), ordered.end());
    const std::size_t middle = ordered.size() / 2;
    if (ordered.size() % 2 == 1) {
        return ordered[middle];
    }
    return 0.5 * (ordered[middle - 1] + ordered[middle]);
}

std::unique_ptr<Smoother> smoother(const SmoothingPolicy &policy, double slower) {
    switch (policy.method) {
        case Smoothing::EMA:
            return std::make_unique<ExponentialAverage>(slower * policy.time_constant_s);
        case Smoothing::MEDIAN:
            return std::make_unique<MedianWindow>(slower * policy.window_s);
        case Smoothing::NONE:
            break;
    }
    return std::make_unique<Unsmoothed>();
}

}  // namespace dgiqa
