// What counts of the frames of one size, at the resolution of each cue; as _Part in the Python package's
// runtime/gate/cues.py.
#pragma once

#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

// The pictures have one channel, 255 where they count, else 0.
struct Part {
    Picture mask;
    Picture inner;                  // without what touches excluded pixels
    Picture half;                   // at half size
    Picture small;                  // of small samples
    Picture surroundings;           // of small means, those whose neighbourhood counts as a whole, or all where none does
    std::vector<std::uint8_t> noise_tiles;  // not 0: counts as a whole
    std::vector<std::uint8_t> smear_tiles;
};

// large: whether the frame is large enough for more than change; else only the mask is made.
Part part_of(Picture mask, bool large);

// A picture of the samples that a mask of the same size counts, in one row.
Picture counted(const Picture &samples, const Picture &mask);

}  // namespace dgiqa
