// Where a frame of any shape lies in the bundle's, in whole pixels: the rule of the Python package's
// runtime/ground/framing.py, which tests/vectors/frames holds both to.
#pragma once

#include <optional>
#include <string>

#include "dgiqa_edge.h"
#include "frames/both.hpp"

namespace dgiqa {

// The part of the frame that is shown, and where the fitted frame shows it.
struct Framing {
    dgiqa_box shown;
    dgiqa_box at;
};

// Where a frame of height x width goes in one of to_height x to_width; the fit is none but STRETCH, PAD or CROP.
Framing framing(int height, int width, int to_height, int to_width, dgiqa_fit fit);

// A box of a picture of height x width in the pixels of the same picture at to_height x to_width; at least one pixel.
dgiqa_box scaled_box(const dgiqa_box &box, int height, int width, int to_height, int to_width);

// Which pixel of a row of so many stands at index, where the row goes on mirrored at its first and last pixel.
DGIQA_BOTH inline int mirrored(int index, int length) {
    if (index >= 0 && index < length) return index;
    if (length == 1) return 0;
    const int period = 2 * (length - 1);
    const int place = (index < 0 ? -index : index) % period;
    return place < length ? place : period - place;
}

// As bundles and commands call it.
constexpr const char *fit_name(dgiqa_fit fit) {
    return fit == DGIQA_FIT_PAD ? "pad" : fit == DGIQA_FIT_CROP ? "crop" : "stretch";
}

// None where there is no such name.
inline std::optional<dgiqa_fit> fit_named(const std::string &name) {
    for (const dgiqa_fit fit : {DGIQA_FIT_STRETCH, DGIQA_FIT_PAD, DGIQA_FIT_CROP})
        if (name == fit_name(fit)) return fit;
    return std::nullopt;
}

}  // namespace dgiqa
