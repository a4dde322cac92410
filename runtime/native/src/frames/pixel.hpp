// One pixel of any format as BGR: the arithmetic that the CPU and the GPU share. YUV is computed in 20-bit fixed point
// as OpenCV does it, so BT.601 limited gives its values bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dgiqa_edge.h"
#include "frames/both.hpp"
#include "frames/layout.hpp"

namespace dgiqa {

struct Bgr {
    std::uint8_t b, g, r;
};

constexpr int kYuvShift = 20;

constexpr int yuv_fixed(double factor) { return static_cast<int>(factor * (1 << kYuvShift) + 0.5); }

// blue = luma * (y - black) + blue_u * (u - 128), and so on; the green ones are subtracted.
struct YuvFactors {
    int black;
    int luma;
    int blue_u;
    int green_u;
    int green_v;
    int red_v;
};

constexpr YuvFactors yuv_factors(dgiqa_colour_matrix matrix) {
    switch (matrix) {
        case DGIQA_BT601_FULL:
            return {0, yuv_fixed(1.0), yuv_fixed(1.772), yuv_fixed(0.344136), yuv_fixed(0.714136), yuv_fixed(1.402)};
        case DGIQA_BT709_LIMITED:
            return {16,
                    yuv_fixed(1.164384),
                    yuv_fixed(2.112402),
                    yuv_fixed(0.213249),
                    yuv_fixed(0.532909),
                    yuv_fixed(1.792741)};
        case DGIQA_BT709_FULL:
            return {0, yuv_fixed(1.0), yuv_fixed(1.8556), yuv_fixed(0.187324), yuv_fixed(0.468124), yuv_fixed(1.5748)};
        case DGIQA_BT601_LIMITED:
            break;
    }
    // Three decimals, because OpenCV has no more.
    return {16, yuv_fixed(1.164), yuv_fixed(2.018), yuv_fixed(0.391), yuv_fixed(0.813), yuv_fixed(1.596)};
}

DGIQA_BOTH inline std::uint8_t yuv_byte(int fixed) {
    const int value = fixed >> kYuvShift;
    return static_cast<std::uint8_t>(value < 0 ? 0 : (value > 255 ? 255 : value));
}

DGIQA_BOTH inline Bgr bgr_of_yuv(const YuvFactors &factors, int y, int u, int v) {
    const int above = y - factors.black;
    const int luma = (above > 0 ? above : 0) * factors.luma + (1 << (kYuvShift - 1));
    u -= 128;
    v -= 128;
    return {yuv_byte(luma + factors.blue_u * u), yuv_byte(luma - factors.green_u * u - factors.green_v * v),
            yuv_byte(luma + factors.red_v * v)};
}

template <dgiqa_pixel_format format>
DGIQA_BOTH inline Bgr pixel_of(const Layout &frame, const YuvFactors &factors, int x, int y) {
    const std::uint8_t *row = frame.planes[0] + static_cast<std::size_t>(y) * frame.strides[0];
    if constexpr (format == DGIQA_BGR) {
        return {row[3 * x], row[3 * x + 1], row[3 * x + 2]};
    } else if constexpr (format == DGIQA_RGB) {
        return {row[3 * x + 2], row[3 * x + 1], row[3 * x]};
    } else if constexpr (format == DGIQA_BGRA) {
        return {row[4 * x], row[4 * x + 1], row[4 * x + 2]};
    } else if constexpr (format == DGIQA_RGBA) {
        return {row[4 * x + 2], row[4 * x + 1], row[4 * x]};
    } else if constexpr (format == DGIQA_GREY) {
        return {row[x], row[x], row[x]};
    } else if constexpr (format == DGIQA_YUYV) {
        const std::uint8_t *pair = row + 4 * (x / 2);
        return bgr_of_yuv(factors, row[2 * x], pair[1], pair[3]);
    } else if constexpr (format == DGIQA_NV12) {
        const std::uint8_t *chroma = frame.planes[1] + static_cast<std::size_t>(y / 2) * frame.strides[1] + 2 * (x / 2);
        return bgr_of_yuv(factors, row[x], chroma[0], chroma[1]);
    } else {
        const std::uint8_t u = frame.planes[1][static_cast<std::size_t>(y / 2) * frame.strides[1] + x / 2];
        const std::uint8_t v = frame.planes[2][static_cast<std::size_t>(y / 2) * frame.strides[2] + x / 2];
        return bgr_of_yuv(factors, row[x], u, v);
    }
}

// Calls action.template run<format>() for a format known only at run time.
template <typename Action>
void with_format(dgiqa_pixel_format format, Action &&action) {
    switch (format) {
        case DGIQA_BGR:
            return action.template run<DGIQA_BGR>();
        case DGIQA_RGB:
            return action.template run<DGIQA_RGB>();
        case DGIQA_BGRA:
            return action.template run<DGIQA_BGRA>();
        case DGIQA_RGBA:
            return action.template run<DGIQA_RGBA>();
        case DGIQA_GREY:
            return action.template run<DGIQA_GREY>();
        case DGIQA_NV12:
            return action.template run<DGIQA_NV12>();
        case DGIQA_YUYV:
            return action.template run<DGIQA_YUYV>();
        case DGIQA_I420:
            return action.template run<DGIQA_I420>();
    }
}

}  // namespace dgiqa
