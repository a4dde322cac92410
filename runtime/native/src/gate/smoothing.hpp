// Smoothing of a value sampled at uneven times; each class is a rule of its own, none of them knows a clock.
// The arithmetic is that of the Python package's runtime/gate/smoothing.py, in the same order, for the same bits.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "gate/gate_policy.hpp"

namespace dgiqa {

// Takes values in the order of time.
class Smoother {
public:
    virtual ~Smoother() = default;

    // The smoothed value after `value` at time t (seconds).
    virtual double update(double value, double t) = 0;

    // Forget what came before.
    virtual void reset() = 0;
};

// Every value as it is.
class Unsmoothed : public Smoother {
public:
    double update(double value, double) override { return value; }
    void reset() override {}
};

// The lesser of this value and the one before: what only a single frame shows counts for nothing.
class LesserOfTwo : public Smoother {
public:
    double update(double value, double t) override;
    void reset() override { last_.reset(); }

private:
    std::optional<double> last_;
};

// s += dt / (tau + dt) * (value - s): the first-order lag, discretised so that any dt is stable.
class ExponentialAverage : public Smoother {
public:
    explicit ExponentialAverage(double time_constant_s) : tau_(time_constant_s) {}
    double update(double value, double t) override;
    void reset() override { value_.reset(); }

private:
    double tau_;
    std::optional<double> value_;
    double at_ = 0.0;
};

// Median of the values younger than window_s; of an even number the mean of the middle two.
class MedianWindow : public Smoother {
public:
    explicit MedianWindow(double window_s) : window_s_(window_s) {}
    double update(double value, double t) override;
    void reset() override { samples_.clear(); }

private:
    struct Sample {
        double t;
        double value;
    };
    double window_s_;
    std::deque<Sample> samples_;
};

std::unique_ptr<Smoother> smoother(const SmoothingPolicy &policy, double slower);

}  // namespace dgiqa
