#include "cues/part.hpp"

#include <algorithm>
#include <utility>

#include "cues/grey.hpp"
#include "cues/half_size.hpp"
#include "cues/tiles.hpp"
#include "frames/neighbourhood.hpp"

namespace dgiqa {
namespace {

constexpr std::uint8_t COUNTS = 255;
constexpr int BESIDE = 1;

Picture whole(Picture mask) {
    for (std::uint8_t &level : mask.pixels) {
        level = level == COUNTS ? COUNTS : 0;
    }
    return mask;
}

Picture small_mask(const Picture &mask) {
    Picture channels(mask.height, mask.width, 3);
    for (std::size_t i = 0; i < channels.pixels.size(); ++i) {
        channels.pixels[i] = mask.pixels[i / 3];
    }
    return grey_of(small_of(channels));
}

std::vector<std::uint8_t> whole_noise_tiles(const Picture &inner) {
    std::vector<std::uint8_t> levels = noise_tiles(inner).level;
    for (std::uint8_t &level : levels) {
        level = level == COUNTS;
    }
    return levels;
}

}  // namespace

Part part_of(Picture mask, bool large) {
    Part part;
    if (large) {
        // Where a size is no multiple of the other, a pixel has a sliver of its neighbour too: hence without the borders.
        part.inner = darkest_around(mask, BESIDE);
        part.half = whole(half_size(part.inner));
        part.small = whole(small_mask(darkest_around(every(mask, SAMPLE_STEP), BESIDE)));
        part.surroundings = darkest_around(part.small);
        const auto &around = part.surroundings.pixels;
        if (std::all_of(around.begin(), around.end(), [](std::uint8_t level) { return level == 0; })) {
            part.surroundings = part.small;  // a strip too thin: a lens that is covered is so beyond it too
        }
        part.noise_tiles = whole_noise_tiles(part.inner);
        part.smear_tiles = whole_smear_tiles(mask);
    }
    part.mask = std::move(mask);
    return part;
}

Picture counted(const Picture &samples, const Picture &mask) {
    const std::size_t channels = static_cast<std::size_t>(samples.channels);
    Picture found(1, 0, samples.channels);
    for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
        if (mask.pixels[i] != 0) {
            const auto from = samples.pixels.begin() + static_cast<std::ptrdiff_t>(i * channels);
            found.pixels.insert(found.pixels.end(), from, from + samples.channels);
            ++found.width;
        }
    }
    return found;
}

}  // namespace dgiqa
