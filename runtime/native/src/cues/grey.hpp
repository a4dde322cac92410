// Grey levels, every n-th pixel and a small copy of a BGR picture, by the integer arithmetic of OpenCV.
#pragma once

#include "frames/picture.hpp"

namespace dgiqa {

// One channel, as OpenCV's BGR2GRAY gives it on uint8: weights in 1/32768, rounded half up.
Picture grey_of(const Picture &bgr);

// Every `step`-th pixel of every `step`-th row, from the first on.
Picture every(const Picture &picture, int step);

// At most 160 wide, for what needs no detail.
Picture small_of(const Picture &bgr);

// The same of one channel.
Picture small_grey(const Picture &grey);

}  // namespace dgiqa
