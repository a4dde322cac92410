// A picture made smaller by means over areas, to the bit as OpenCV's INTER_AREA gives it on uint8.
#pragma once

#include "picture.hpp"

namespace dgiqa {

// At most the picture's own height and width, at least 1 each.
Picture area_mean(const Picture &picture, int height, int width);

// The mean of whole-number values, to the nearest level, half to even.
std::uint8_t rounded_level(float mean);

}  // namespace dgiqa
