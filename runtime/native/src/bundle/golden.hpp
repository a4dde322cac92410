// The golden frame: one real frame and the FP32 outputs it gave when the bundle was built. Replaying it tells whether
// this device's engine still gives them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bundle/bundle.hpp"

namespace dgiqa {

struct Golden {
    std::vector<std::uint8_t> frame;  // [height, width, 3] BGR, the manifest's size
    float score = 0;
    std::vector<float> crop_scores;   // [view_count]
    std::vector<std::uint8_t> depth;  // the manifest's depth_output
    std::vector<float> faults;        // [K], and
    std::vector<float> coverage;      // [rows * columns * K]; empty where the manifest has no faults
};

// How far outputs are from the golden ones; depth in grey levels (0..255). Of faults the largest difference of the
// frame's probabilities and the mean one of the cells'; 0 where there are none.
struct Deviation {
    double score = 0;
    double crop_score_max = 0;
    double depth_mean_levels = 0;
    double depth_max_levels = 0;
    double faults_max = 0;
    double coverage_mean = 0;

    // Whether score, mean depth error and both of faults keep the tolerance; a NaN never does.
    bool within(const Tolerance &tolerance) const;
};

// Reads and validates the bundle's golden frame. Throws Error(DGIQA_ERROR_BUNDLE): it is damaged, lacks an array of the
// right type, or has other sizes than the manifest promises.
Golden load_golden(const Bundle &bundle);

// Deviation of an engine's outputs, of the sizes above, from the golden ones.
Deviation compare(const Golden &golden, float score, const std::vector<float> &crop_scores,
                  const std::vector<std::uint8_t> &depth, const std::vector<float> &faults = {},
                  const std::vector<float> &coverage = {});

}  // namespace dgiqa
