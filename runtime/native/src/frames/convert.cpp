#include "frames/convert.hpp"

#include <cstring>
#include <string>

#include "errors.hpp"
#include "frames/framing.hpp"
#include "frames/layout.hpp"
#include "frames/pixel.hpp"
#include "frames/resize.hpp"
#if defined(DGIQA_WITH_CUDA)
#include "frames/kernels.hpp"
#endif

namespace dgiqa {
namespace {

struct HostConversion {
    const Layout &from;
    const YuvFactors factors;
    Picture &to;

    template <dgiqa_pixel_format format>
    void run() {
        for (int y = 0; y < from.height; ++y) {
            std::uint8_t *row = to.row(y);
            if constexpr (format == DGIQA_BGR) {
                std::memcpy(row, from.planes[0] + y * from.strides[0], static_cast<std::size_t>(from.width) * 3);
                continue;
            }
            for (int x = 0; x < from.width; ++x, row += 3) {
                const Bgr pixel = pixel_of<format>(from, factors, x, y);
                row[0] = pixel.b;
                row[1] = pixel.g;
                row[2] = pixel.r;
            }
        }
    }
};

// Fills what lies around the box with the picture in it, mirrored at its edges.
void mirror_around(const dgiqa_box &box, Picture &picture) {
    const std::size_t row_bytes = static_cast<std::size_t>(picture.width) * 3;
    for (int y = box.top; y < box.top + box.height; ++y) {
        std::uint8_t *row = picture.row(y);
        for (int x = 0; x < picture.width; ++x) {
            const int from = box.left + mirrored(x - box.left, box.width);
            if (from != x) std::memcpy(row + 3 * x, row + 3 * from, 3);
        }
    }
    for (int y = 0; y < picture.height; ++y) {
        const int from = box.top + mirrored(y - box.top, box.height);
        if (from != y) std::memcpy(picture.row(y), picture.row(from), row_bytes);
    }
}

}  // namespace

Picture to_bgr(const dgiqa_frame &frame) {
    const Layout layout = checked_layout(frame);
#if defined(DGIQA_WITH_CUDA)
    if (frame.memory == DGIQA_DEVICE) return picture_from_device(frame);
#endif
    Picture picture(frame.height, frame.width, 3);
    with_format(frame.format, HostConversion{layout, yuv_factors(frame.matrix), picture});
    return picture;
}

Picture fitted(const Picture &bgr, int height, int width, dgiqa_fit fit) {
    if (bgr.channels != 3 || bgr.height < 1 || bgr.width < 1 || height < 1 || width < 1)
        throw Error(DGIQA_ERROR_SOURCE, "cannot resize " + std::to_string(bgr.width) + "x" +
                                            std::to_string(bgr.height) + " pixels of " + std::to_string(bgr.channels) +
                                            " channels to " + std::to_string(width) + "x" + std::to_string(height) +
                                            ": give BGR pixels and a size of at least 1x1");
    if (bgr.height == height && bgr.width == width) return bgr;
    const auto [shown, at] = framing(bgr.height, bgr.width, height, width, fit);
    const ResizePlan plan = resize_plan(shown.height, shown.width, at.height, at.width);
    const ResizeTables tables{plan.rule,           plan.factor_x,       plan.factor_y,      plan.spans_x.data(),
                              plan.spans_y.data(), plan.weights.data(), plan.taps_x.data(), plan.taps_y.data()};
    const BgrRows from{bgr.row(shown.top) + 3 * shown.left, bgr.width};
    Picture picture(height, width, 3);
    for (int y = 0; y < at.height; ++y) {
        std::uint8_t *to = picture.row(at.top + y) + 3 * at.left;
        for (int x = 0; x < at.width; ++x, to += 3) resized_pixel(tables, from, x, y, to);
    }
    if (at.height < height || at.width < width) mirror_around(at, picture);
    return picture;
}

}  // namespace dgiqa
