// Filters over the 9x9 surroundings of each pixel of a small one-channel picture.
#pragma once

#include <optional>

#include "frames/picture.hpp"

namespace dgiqa {

inline constexpr int REACH = 4;

// The darkest level of the surroundings, up to `reach` pixels away; what lies outside of the picture does not count.
Picture darkest_around(const Picture &picture, int reach = REACH);

// Share of the pixels, of those alone that a mask counts where one is given, whose surroundings have a variance below the
// limit; no value where none counts. At its edges the picture is continued by its mirror image without the edge itself;
// mean and variance are rounded to float32, as OpenCV's blur does.
std::optional<double> share_of_flat_surroundings(const Picture &picture, float variance_limit, const Picture *mask);

}  // namespace dgiqa
