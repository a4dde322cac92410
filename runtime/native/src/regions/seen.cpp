#include "regions/seen.hpp"

#include <algorithm>
#include <cmath>

namespace dgiqa {
namespace {

constexpr int CELL = 16;
constexpr double DECIMALS = 1e4;

// How much of each cell of the frame each cell that was scored takes, [count * count], along one side.
std::vector<double> overlaps(int count, double begin, double length, int at, int shown, int whole) {
    const double scale = length / shown;
    const auto edge = [&](int i) {
        const double place = begin + (static_cast<double>(i) * whole / count - at) * scale;
        return std::clamp(place, begin, begin + length);
    };
    std::vector<double> found;
    for (int cell = 0; cell < count; ++cell) {
        for (int scored = 0; scored < count; ++scored) {
            const double first = std::max(static_cast<double>(cell) / count, edge(scored));
            const double last = std::min(static_cast<double>(cell + 1) / count, edge(scored + 1));
            found.push_back(std::max(last - first, 0.0) * count);
        }
    }
    return found;
}

double included_share(const Picture &mask, int row, int column) {
    int sum = 0;
    for (int y = row * CELL; y < (row + 1) * CELL; ++y) {
        for (int x = column * CELL; x < (column + 1) * CELL; ++x) sum += mask.row(y)[x] != 0;
    }
    return sum / static_cast<double>(CELL * CELL);
}

}  // namespace

const Picture &Seen::picture(const Picture &bgr) {
    if (!regions_.any()) return bgr;
    if (bgr.height != height_ || bgr.width != width_) {
        height_ = bgr.height, width_ = bgr.width;
        const Picture mask = regions_.mask(height_, width_);
        const bool counts = std::any_of(mask.pixels.begin(), mask.pixels.end(), [](std::uint8_t level) { return level; });
        filling_ = counts ? std::optional<Filling>(mask) : std::nullopt;  // none: no pixel's centre is included
    }
    filled_ = bgr;
    if (filling_) filling_->fill(filled_);
    return filled_;
}

std::vector<double> where(const FaultCells &cells, int height, int width, const Regions &regions) {
    const dgiqa_box &box = cells.frame_box, &shown = cells.depth_box;
    const double h = height, w = width;
    const std::vector<double> down =
        overlaps(cells.rows, box.top / h, box.height / h, shown.top, shown.height, cells.depth_height);
    const std::vector<double> across =
        overlaps(cells.columns, box.left / w, box.width / w, shown.left, shown.width, cells.depth_width);
    const Picture mask = regions.any() ? regions.mask(cells.rows * CELL, cells.columns * CELL) : Picture();
    std::vector<double> found;
    for (int row = 0; row < cells.rows; ++row) {
        for (int column = 0; column < cells.columns; ++column) {
            double sum = 0, seen = 0;
            for (int y = 0; y < cells.rows; ++y) {
                for (int x = 0; x < cells.columns; ++x) {
                    const double part = down[static_cast<std::size_t>(row * cells.rows + y)] *
                                        across[static_cast<std::size_t>(column * cells.columns + x)];
                    seen += part;
                    sum += part * cells.values[static_cast<std::size_t>(y * cells.columns + x)];
                }
            }
            const double probable = sum / std::max(seen, 1e-9);
            if (regions.any()) seen = std::min(seen, included_share(mask, row, column));
            found.push_back(std::nearbyint(probable * seen * DECIMALS) / DECIMALS);
        }
    }
    return found;
}

}  // namespace dgiqa
