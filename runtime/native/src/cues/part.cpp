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

Picture inside(const Picture &mask) {
    return darkest_around(mask, BESIDE);
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
        part.inner = inside(mask);
        part.half = whole(half_size(part.inner));
        part.small = whole(small_grey(inside(every(mask, SAMPLE_STEP))));
        const Picture means = whole(small_grey(inside(whole(half_size(inside(part.half))))));
        part.surroundings = darkest_around(means);
        const auto &around = part.surroundings.pixels;
        if (std::all_of(around.begin(), around.end(), [](std::uint8_t level) { return level == 0; })) {
            part.surroundings = means;  // a strip too thin: a lens that is covered is so beyond it too
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
