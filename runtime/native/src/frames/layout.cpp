#include "frames/layout.hpp"

#include <string>

#include "errors.hpp"
#include "formats/limits.hpp"

namespace dgiqa {
namespace {

struct FormatFacts {
    const char *name;
    int planes;
    bool even_width;
    bool even_height;
};

const FormatFacts kFacts[] = {
    {"BGR", 1, false, false},  {"RGB", 1, false, false}, {"BGRA", 1, false, false}, {"RGBA", 1, false, false},
    {"GREY", 1, false, false}, {"NV12", 2, true, true},  {"YUYV", 1, true, false},  {"I420", 3, true, true},
};

[[noreturn]] void refuse(const std::string &message) { throw Error(DGIQA_ERROR_SOURCE, message); }

void check_kinds(const dgiqa_frame &frame) {
    if (number_of(frame.format) > DGIQA_I420)
        refuse("the frame's format is " + std::to_string(number_of(frame.format)) + ": give one of dgiqa_pixel_format");
    if (number_of(frame.matrix) > DGIQA_BT709_FULL)
        refuse("the frame's matrix is " + std::to_string(number_of(frame.matrix)) +
               ": give one of dgiqa_colour_matrix");
    if (number_of(frame.memory) > DGIQA_DEVICE)
        refuse("the frame's memory is " + std::to_string(number_of(frame.memory)) + ": give one of dgiqa_memory");
#if !defined(DGIQA_WITH_CUDA)
    if (frame.memory != DGIQA_HOST)
        refuse(
            "the frame is not in ordinary host memory, but this build has no CUDA: "
            "build with nvcc (DGIQA_EDGE_CUDA), or give a host copy");
#endif
}

void check_size(const dgiqa_frame &frame, const FormatFacts &facts) {
    const std::string size = std::to_string(frame.width) + "x" + std::to_string(frame.height);
    if (frame.width < 1 || frame.height < 1) refuse("the frame is " + size + ": give its width and height in pixels");
    if (const auto flaw = limits::pixels_flaw(frame.width, frame.height)) refuse("the frame " + *flaw);
    if (facts.even_width && frame.width % 2 != 0)
        refuse("the frame is " + size + ", but " + facts.name + " needs an even width: cut off a column");
    if (facts.even_height && frame.height % 2 != 0)
        refuse("the frame is " + size + ", but " + facts.name + " needs an even height: cut off a row");
}

}  // namespace

int plane_count(dgiqa_pixel_format format) { return kFacts[format].planes; }

PlaneSize plane_size(dgiqa_pixel_format format, int plane, int width, int height) {
    const auto columns = static_cast<std::size_t>(width);
    switch (format) {
        case DGIQA_BGR:
        case DGIQA_RGB:
            return {columns * 3, height};
        case DGIQA_BGRA:
        case DGIQA_RGBA:
            return {columns * 4, height};
        case DGIQA_YUYV:
            return {columns * 2, height};
        case DGIQA_NV12:
            return {columns, plane == 0 ? height : height / 2};
        case DGIQA_I420:
            return plane == 0 ? PlaneSize{columns, height} : PlaneSize{columns / 2, height / 2};
        case DGIQA_GREY:
            break;
    }
    return {columns, height};
}

Layout checked_layout(const dgiqa_frame &frame) {
    check_kinds(frame);
    const FormatFacts &facts = kFacts[frame.format];
    check_size(frame, facts);
    Layout layout{};
    layout.width = frame.width;
    layout.height = frame.height;
    for (int plane = 0; plane < facts.planes; ++plane) {
        const std::size_t row_bytes = plane_size(frame.format, plane, frame.width, frame.height).row_bytes;
        const std::string where = "planes[" + std::to_string(plane) + "]";
        if (frame.planes[plane] == nullptr)
            refuse(where + " is NULL: " + facts.name + " has " + std::to_string(facts.planes) + " plane(s), give all");
        if (frame.strides[plane] != 0 && frame.strides[plane] < row_bytes)
            refuse("strides[" + std::to_string(plane) + "] is " + std::to_string(frame.strides[plane]) +
                   " bytes, but a row of " + where + " has " + std::to_string(row_bytes) +
                   ": give the bytes from one row to the next, or 0 for rows without gaps");
        // Beyond it the last row's address would leave the address space: a number that is no stride, or a negative
        // one.
        if (frame.strides[plane] > limits::most_stride_bytes)
            refuse("strides[" + std::to_string(plane) + "] is " + std::to_string(frame.strides[plane]) +
                   " bytes: at most " + std::to_string(limits::most_stride_bytes) +
                   " from one row to the next are taken");
        layout.planes[plane] = frame.planes[plane];
        layout.strides[plane] = frame.strides[plane] != 0 ? frame.strides[plane] : row_bytes;
    }
    return layout;
}

}  // namespace dgiqa
