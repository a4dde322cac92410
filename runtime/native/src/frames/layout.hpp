// A caller's frame after it was checked: its planes with their true strides, and how large each must be.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dgiqa_edge.h"

namespace dgiqa {

struct Layout {
    const std::uint8_t *planes[3];
    std::size_t strides[3];  // bytes
    int width;
    int height;
};

struct PlaneSize {
    std::size_t row_bytes;
    int rows;
};

int plane_count(dgiqa_pixel_format format);
PlaneSize plane_size(dgiqa_pixel_format format, int plane, int width, int height);

// Throws Error(DGIQA_ERROR_SOURCE): no planes, a size that the format cannot have, a stride shorter than a row, sizes or
// strides beyond runtime/ground/limits.json, a format, matrix or memory that does not exist, or memory that this build cannot
// read.
Layout checked_layout(const dgiqa_frame &frame);

}  // namespace dgiqa
