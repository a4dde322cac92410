// What is normal for one camera: quantiles of its own score and cues over some minutes of passing frames, learned as
// the Python package's runtime/gate/baseline.py does; baseline_json.hpp keeps it as text.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "gate/gate_policy.hpp"

namespace dgiqa {

// Quantiles of one quantity: 10 %, median, 90 %.
struct Spread {
    double low;
    double median;
    double high;
};

// One camera's normal, of `samples` frames; spreads in the order of all_checks(), none where a quantity has no normal.
struct Baseline {
    int samples = 0;
    std::array<std::optional<Spread>, CHECK_COUNT> spreads;
};

// Whether a quantity has a normal of its own; what is compared with a reference view has its normal there.
inline bool has_normal(const CheckSpec &spec) { return spec.relative || spec.normal; }

// Smoothed values by check, in the order of all_checks().
using CheckValues = std::array<std::optional<double>, CHECK_COUNT>;

// Collects passing frames until there are enough: ceil(60 * learn_minutes / sample_every_s), one sample at most every
// sample_every_s. A quantity that any sample lacked is left out.
class BaselineLearner {
public:
    explicit BaselineLearner(const BaselinePolicy &policy);

    // Offer one passing frame's smoothed values; the baseline once there are enough.
    std::optional<Baseline> add(const CheckValues &values, double t);

private:
    std::size_t needed_;
    std::size_t collected_ = 0;
    double every_s_;
    std::optional<double> last_;
    std::array<std::vector<double>, CHECK_COUNT> samples_;
};

// Quantiles by rank: the value at index floor(q * (n - 1) + 0.5) of the sorted samples, of which there is at least one.
Spread spread(std::vector<double> samples);

}  // namespace dgiqa
