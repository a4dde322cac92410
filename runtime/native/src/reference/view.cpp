#include "reference/view.hpp"

#include <algorithm>
#include <cstdint>

namespace dgiqa {
namespace {

constexpr int LONG_SIDE = 64;
constexpr int LEAST_CELLS = 16;

int edge(int cell, int cells, int side) {
    return static_cast<int>(static_cast<std::int64_t>(cell) * side / cells);
}

// Sums of the picture's rows from `first` to before `last`, value by value.
void add_rows(const Picture &picture, int first, int last, std::vector<std::uint32_t> &sums) {
    std::fill(sums.begin(), sums.end(), 0u);
    for (int y = first; y < last; ++y) {
        const std::uint8_t *row = picture.row(y);
        for (std::size_t i = 0; i < sums.size(); ++i) {
            sums[i] += row[i];
        }
    }
}

// Mean of each cell, sixteenths of a level rounded half up; cells end at the whole pixel below.
std::vector<int> means(const Picture &picture, int rows, int columns) {
    std::vector<int> found;
    found.reserve(static_cast<std::size_t>(rows) * columns * picture.channels);
    std::vector<std::uint32_t> sums(static_cast<std::size_t>(picture.width) * picture.channels);
    for (int row = 0; row < rows; ++row) {
        const int top = edge(row, rows, picture.height), bottom = edge(row + 1, rows, picture.height);
        add_rows(picture, top, bottom, sums);
        for (int column = 0; column < columns; ++column) {
            const int left = edge(column, columns, picture.width), right = edge(column + 1, columns, picture.width);
            const std::int64_t pixels = static_cast<std::int64_t>(bottom - top) * (right - left);
            for (int channel = 0; channel < picture.channels; ++channel) {
                std::int64_t sum = 0;
                for (int x = left; x < right; ++x) {
                    sum += sums[static_cast<std::size_t>(x) * picture.channels + channel];
                }
                found.push_back(static_cast<int>((2 * CELL_FINENESS * sum + pixels) / (2 * pixels)));
            }
        }
    }
    return found;
}

}  // namespace

std::pair<int, int> cells_of(int width, int height) {
    const int longer = std::max(width, height), shorter = std::min(width, height);
    const int cells = std::max(
        LEAST_CELLS, static_cast<int>((static_cast<std::int64_t>(LONG_SIDE) * shorter + longer / 2) / longer));
    return height > width ? std::make_pair(LONG_SIDE, cells) : std::make_pair(cells, LONG_SIDE);
}

View view_of(const Picture &grey, const Picture &samples, int rows, int columns) {
    return {rows, columns, means(grey, rows, columns), means(samples, rows / COLOUR_CELLS, columns / COLOUR_CELLS)};
}

}  // namespace dgiqa
