// What a frame may be, as JSON of the records of `score` and `gate`.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

#include "dgiqa_edge.h"

namespace dgiqa_tool {

inline double rounded(float probability) { return std::round(static_cast<double>(probability) * 1e4) / 1e4; }

// All probabilities, by the bundle's names.
inline nlohmann::ordered_json fault_probabilities(const dgiqa_quality &quality) {
    nlohmann::ordered_json faults = nlohmann::ordered_json::object();
    for (std::size_t i = 0; i < quality.fault_count; ++i) faults[quality.fault_names[i]] = rounded(quality.faults[i]);
    return faults;
}

}  // namespace dgiqa_tool
