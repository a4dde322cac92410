// Which parts of a camera's picture count: polygons to include and to exclude, and the mask that they give, the same to
// the pixel as that of the Python package's runtime/gate/regions.py, which says what they mean.
#pragma once

#include <string>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

// Shares of the picture's width and height.
struct Corner {
    double x;
    double y;
};

using Polygon = std::vector<Corner>;

struct Regions {
    std::vector<Polygon> include;
    std::vector<Polygon> exclude;

    // Without any polygon the whole picture counts.
    bool any() const { return !include.empty() || !exclude.empty(); }

    // One channel: 255 where the centre of a pixel is included, else 0.
    Picture mask(int height, int width) const;
};

// Regions of the JSON text that the dashboard and Python write. Throws Error (CONFIGURATION): it is no such text, a
// polygon breaks a rule, or too little of the picture is left.
Regions read_regions(const std::string &text);

}  // namespace dgiqa
