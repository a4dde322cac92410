// Means over the tiles of a frame of quantities that need not be kept per pixel.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

inline constexpr int NOISE_TILE = 16;
inline constexpr int SAMPLE_STEP = 4;  // cues that need no detail look at every fourth pixel

// Of some 16x16 tiles of a frame, each rounded to a level.
struct NoiseTiles {
    std::vector<std::uint8_t> response;  // twice the absolute response of Immerkaer's noise operator
    std::vector<std::uint8_t> level;     // grey
};

struct NoiseStrip {
    int start;
    int rows;
};

// Three of a frame of that height: half of it, enough to find quiet tiles.
std::array<NoiseStrip, 3> noise_strips(int height);

// The whole tiles of the strip of `rows` rows from `start` on, appended. At the strip's edges the operator sees its
// mirror image without the edge itself. The strip is at least 16 rows high and the frame at least 16 columns wide.
void add_noise_tiles(const Picture &grey, int start, int rows, NoiseTiles &tiles);

// Tiles (32 rows, 32 columns of which every fourth is looked at) with structure along their rows and none along their
// columns: not 0. At least 33 rows and 36 columns.
std::vector<std::uint8_t> repeated_tiles(const Picture &grey);

// Of the same tiles those of which a mask counts all that is looked at: not 0.
std::vector<std::uint8_t> whole_smear_tiles(const Picture &mask);

}  // namespace dgiqa
