// A caller's frame after it was checked: its planes with their true strides, and how large each must be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dgiqa_edge.h"

namespace dgiqa {

// The bytes of an enumeration that C code may have filled with anything.
template <typename Enum>
unsigned number_of(const Enum &value) {
    static_assert(sizeof(Enum) == sizeof(unsigned), "C enumerations are as wide as an int");
    unsigned number = 0;
    std::memcpy(&number, &value, sizeof number);
    return number;
}

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
