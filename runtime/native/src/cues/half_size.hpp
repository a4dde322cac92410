// A grey picture at half its size, to the bit as OpenCV's INTER_AREA gives it on uint8.
#pragma once

#include "frames/picture.hpp"

namespace dgiqa {

// One channel, at least 4 pixels on a side; an odd row or column at the end is shared among all.
Picture half_size(const Picture &grey);

}  // namespace dgiqa
