// The decoders behind read_image. Each takes a whole file and throws Error(DGIQA_ERROR_SOURCE) without the file's name.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "frames/picture.hpp"

namespace dgiqa {

using FileBytes = std::vector<std::uint8_t>;

// By the first bytes, one of those below.
Picture decode_image(const FileBytes &content);

Picture decode_jpeg(const FileBytes &content);
Picture decode_png(const FileBytes &content);
Picture decode_ppm(const FileBytes &content);

// Throws Error(DGIQA_ERROR_SOURCE) where a header states a size that no camera has: nothing is allocated for it.
void check_image_size(std::int64_t width, std::int64_t height);

// The orientation (1 to 8) that EXIF data state from their TIFF header on; 1 where they state none.
int exif_orientation(const std::uint8_t *tiff, std::size_t size);

// The picture turned so that it stands upright.
Picture upright(Picture picture, int orientation);

}  // namespace dgiqa
