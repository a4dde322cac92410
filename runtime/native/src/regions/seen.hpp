// What the scorer sees of a frame of which only regions count, and where in the frame it finds a fault, as in the Python
// package's runtime/watch/seen.py.
#pragma once

#include <optional>
#include <vector>

#include "dgiqa_edge.h"
#include "frames/picture.hpp"
#include "regions/filling.hpp"
#include "regions/regions.hpp"

namespace dgiqa {

// For one camera; remembers how frames of one size are filled. For one thread at a time.
class Seen {
public:
    explicit Seen(Regions regions = {}) : regions_(std::move(regions)) {}

    const Regions &regions() const { return regions_; }

    // The picture itself where all of it counts, else a copy in which what is excluded is filled, until the next call.
    const Picture &picture(const Picture &bgr);

private:
    Regions regions_;
    int height_ = 0;
    int width_ = 0;
    std::optional<Filling> filling_;
    Picture filled_;
};

// The cells of one fault as the scorer gave them, and where they lie.
struct FaultCells {
    int rows;
    int columns;
    std::vector<double> values;  // [rows * columns]
    dgiqa_box frame_box;         // the part of the frame that was scored
    dgiqa_box depth_box;         // where depth shows it
    int depth_height;
    int depth_width;
};

// The fault's probability in each cell of a frame of height x width, times the share of the cell that is included and
// was seen: [rows * columns], to four decimals.
std::vector<double> where(const FaultCells &cells, int height, int width, const Regions &regions);

}  // namespace dgiqa
