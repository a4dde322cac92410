// Filters over the 9x9 surroundings of each pixel of a small one-channel picture.
#pragma once

#include "frames/picture.hpp"

namespace dgiqa {

// The darkest level of the surroundings; what lies outside of the picture does not count.
Picture darkest_around(const Picture &picture);

// Share of pixels whose surroundings have a variance below the limit. At its edges the picture is continued by its
// mirror image without the edge itself; mean and variance are rounded to float32, as OpenCV's blur does.
double share_of_flat_surroundings(const Picture &picture, float variance_limit);

}  // namespace dgiqa
