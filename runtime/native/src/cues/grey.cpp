#include "cues/grey.hpp"

#include <algorithm>
#include <cmath>

#include "frames/convert.hpp"

namespace dgiqa {
namespace {

constexpr int WEIGHT_BLUE = 3735;
constexpr int WEIGHT_GREEN = 19235;
constexpr int WEIGHT_RED = 9798;
constexpr int SHIFT = 15;
constexpr int SMALL_WIDTH = 160;

}  // namespace

Picture grey_of(const Picture &bgr) {
    Picture grey(bgr.height, bgr.width, 1);
    const std::size_t count = grey.pixels.size();
    const std::uint8_t *from = bgr.pixels.data();
    std::uint8_t *to = grey.pixels.data();
    for (std::size_t i = 0; i < count; ++i) {
        const int weighted = WEIGHT_BLUE * from[3 * i] + WEIGHT_GREEN * from[3 * i + 1] + WEIGHT_RED * from[3 * i + 2];
        to[i] = static_cast<std::uint8_t>((weighted + (1 << (SHIFT - 1))) >> SHIFT);
    }
    return grey;
}

Picture every(const Picture &picture, int step) {
    const int channels = picture.channels;
    Picture samples((picture.height + step - 1) / step, (picture.width + step - 1) / step, channels);
    for (int y = 0; y < samples.height; ++y) {
        const std::uint8_t *from = picture.row(y * step);
        std::uint8_t *to = samples.row(y);
        for (int x = 0; x < samples.width; ++x) {
            for (int channel = 0; channel < channels; ++channel) {
                *to++ = from[x * step * channels + channel];
            }
        }
    }
    return samples;
}

Picture small_of(const Picture &bgr) {
    if (bgr.width <= SMALL_WIDTH) {
        return bgr;
    }
    const double height = static_cast<double>(bgr.height) * SMALL_WIDTH / bgr.width;
    return fitted(bgr, std::max(1, static_cast<int>(std::nearbyint(height))), SMALL_WIDTH);
}

Picture small_grey(const Picture &grey) {
    Picture channels(grey.height, grey.width, 3);
    for (std::size_t i = 0; i < channels.pixels.size(); ++i) {
        channels.pixels[i] = grey.pixels[i / 3];
    }
    return grey_of(small_of(channels));
}

}  // namespace dgiqa
