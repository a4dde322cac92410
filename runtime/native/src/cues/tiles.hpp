// Means over the tiles of a frame of quantities that need not be kept per pixel.
#pragma once

#include <cstdint>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

inline constexpr int SAMPLE_STEP = 4;  // cues that need no detail look at every fourth pixel

// Of some 16x16 tiles of a frame, each rounded to a level.
struct NoiseTiles {
    std::vector<std::uint8_t> response;  // twice the absolute response of Immerkaer's noise operator
    std::vector<std::uint8_t> level;     // grey
};

// Of three strips, half of the frame, enough to find quiet tiles: at least 48 rows and 16 columns. At a strip's edges the
// operator sees its mirror image without the edge itself.
NoiseTiles noise_tiles(const Picture &grey);

// Tiles (32 rows, 32 columns of which every fourth is looked at) with structure along their rows and none along their
// columns: not 0. At least 33 rows and 36 columns.
std::vector<std::uint8_t> repeated_tiles(const Picture &grey);

// Of the same tiles those of which a mask counts all that is looked at: not 0.
std::vector<std::uint8_t> whole_smear_tiles(const Picture &mask);

}  // namespace dgiqa
