// What a frame may be and where, as JSON of the records of `score` and `gate`.
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

// One fault's probability in each cell, rows from the top.
inline nlohmann::ordered_json fault_cells(const dgiqa_quality &quality, std::size_t fault) {
    nlohmann::ordered_json cells = nlohmann::ordered_json::array();
    const float *value = quality.coverage + fault;
    for (int y = 0; y < quality.coverage_rows; ++y) {
        cells.push_back(nlohmann::ordered_json::array());
        for (int x = 0; x < quality.coverage_columns; ++x, value += quality.fault_count)
            cells.back().push_back(rounded(*value));
    }
    return cells;
}

}  // namespace dgiqa_tool
