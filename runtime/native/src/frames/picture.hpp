// A BGR picture in host memory, rows without gaps: what pixel conversion gives, and what engines and cues take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace dgiqa {

// uint8 [height, width, channels]
struct Picture {
    int height = 0;
    int width = 0;
    int channels = 3;
    std::vector<std::uint8_t> pixels;

    Picture() = default;
    Picture(int height_, int width_, int channels_)
        : height(height_), width(width_), channels(channels_),
          pixels(static_cast<std::size_t>(height_) * width_ * channels_) {}
    const std::uint8_t *row(int y) const { return pixels.data() + static_cast<std::size_t>(y) * width * channels; }
    std::uint8_t *row(int y) { return pixels.data() + static_cast<std::size_t>(y) * width * channels; }
};

}  // namespace dgiqa
