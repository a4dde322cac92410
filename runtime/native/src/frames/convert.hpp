// From the caller's frame to the picture that engines and cues take.
#pragma once

#include "dgiqa_edge.h"
#include "frames/picture.hpp"

namespace dgiqa {

// The frame as a BGR picture of the same size. Throws Error(DGIQA_ERROR_SOURCE): a frame that cannot be used.
Picture to_bgr(const dgiqa_frame &frame);

// A BGR picture brought to height x width by the rule of the Python package's runtime/frames/fit.py.
Picture fitted(const Picture &bgr, int height, int width, dgiqa_fit fit = DGIQA_FIT_STRETCH);

}  // namespace dgiqa
