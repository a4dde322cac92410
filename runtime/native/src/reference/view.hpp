// A picture made so small that a camera's view is compared by it. A port of the Python package's
// runtime/gate/reference/view.py, to the bit.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

inline constexpr int CELL_FINENESS = 16;  // steps per grey level
inline constexpr int MOST_CELL_LEVEL = 255 * CELL_FINENESS;
inline constexpr int COLOUR_CELLS = 4;  // cells of grey levels beside each other that share one cell of colours

// One picture's cells, or of many pictures the median of each: by rows, in sixteenths of a level.
struct View {
    int rows = 0;
    int columns = 0;
    std::vector<int> levels;   // [rows, columns]
    std::vector<int> colours;  // [rows / 4, columns / 4, 3], BGR
};

// Of an even number of values the lower of the two in the middle. They change places; there is at least one.
template <typename Value>
Value lower_median(std::vector<Value> &values) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

// Rows and columns of a picture's cells: 64 along its longer side, at least 16 along the other.
std::pair<int, int> cells_of(int width, int height);

// `grey`: at least 64 on a side. `samples`: every fourth pixel of every fourth row, BGR.
View view_of(const Picture &grey, const Picture &samples, int rows, int columns);

}  // namespace dgiqa
