// The EXIF orientation: read from the first directory, applied to the pixels.
#include <algorithm>
#include <string>
#include <utility>

#include "errors.hpp"
#include "formats/limits.hpp"
#include "media/decoders.hpp"

namespace dgiqa {
namespace {

constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::size_t kEntryBytes = 12;

// Reads numbers of either byte order; beyond the end they are 0.
struct Tiff {
    const std::uint8_t *data;
    std::size_t size;
    bool big_endian;

    std::uint32_t number(std::size_t at, std::size_t bytes) const {
        if (at > size || size - at < bytes) return 0;
        std::uint32_t value = 0;
        for (std::size_t i = 0; i < bytes; ++i)
            value |= static_cast<std::uint32_t>(data[at + i]) << 8 * (big_endian ? bytes - 1 - i : i);
        return value;
    }
};

struct Turn {
    bool transpose, mirror, flip;  // in this order
};

Turn turn_of(int orientation) {
    switch (orientation) {
        case 2:
            return {false, true, false};
        case 3:
            return {false, true, true};
        case 4:
            return {false, false, true};
        case 5:
            return {true, false, false};
        case 6:
            return {true, true, false};
        case 7:
            return {true, true, true};
        case 8:
            return {true, false, true};
        default:
            return {false, false, false};
    }
}

}  // namespace

void check_image_size(std::int64_t width, std::int64_t height) {
    if (const auto flaw = limits::pixels_flaw(width, height)) throw Error(DGIQA_ERROR_SOURCE, *flaw);
}

int exif_orientation(const std::uint8_t *tiff, std::size_t size) {
    if (size < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
    const Tiff file{tiff, size, tiff[0] == 'M'};
    const std::size_t directory = file.number(4, 4);
    const std::size_t entries = file.number(directory, 2);
    for (std::size_t entry = 0; entry < entries; ++entry) {
        const std::size_t at = directory + 2 + entry * kEntryBytes;
        if (file.number(at, 2) != kOrientationTag) continue;
        const std::uint32_t value = file.number(at + 8, 2);
        return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
    return 1;
}

Picture upright(Picture picture, int orientation) {
    const Turn turn = turn_of(orientation);
    if (!turn.transpose && !turn.mirror && !turn.flip) return picture;
    const int height = turn.transpose ? picture.width : picture.height;
    const int width = turn.transpose ? picture.height : picture.width;
    Picture turned(height, width, picture.channels);
    const auto channels = static_cast<std::size_t>(picture.channels);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            int from_x = turn.mirror ? width - 1 - x : x;
            int from_y = turn.flip ? height - 1 - y : y;
            if (turn.transpose) std::swap(from_x, from_y);
            std::copy_n(picture.row(from_y) + static_cast<std::size_t>(from_x) * channels, channels,
                        turned.row(y) + static_cast<std::size_t>(x) * channels);
        }
    }
    return turned;
}

}  // namespace dgiqa
