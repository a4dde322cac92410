// How one size becomes another: which source pixels make up each row and column of the result, and the arithmetic of
// one pixel that the CPU and the GPU share. It gives OpenCV's values for uint8 pictures of 3 channels bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "frames/both.hpp"
#include "frames/pixel.hpp"

namespace dgiqa {

// Source pixels [first, first + count) with weights [weight, weight + count) of the plan's list.
struct AreaSpan {
    int first;
    int count;
    int weight;
};

// Two neighbours and their weights, which add up to 2048; at the border both are the same pixel.
struct LinearTap {
    int first;
    int second;
    int first_weight;
    int second_weight;
};

enum class ResizeRule { kLinear, kHalve, kWholeFactor, kArea };

struct ResizePlan {
    ResizeRule rule = ResizeRule::kLinear;
    int factor_x = 1;  // kWholeFactor
    int factor_y = 1;
    std::vector<AreaSpan> spans_x, spans_y;  // kArea
    std::vector<float> weights;
    std::vector<LinearTap> taps_x, taps_y;  // kLinear
};

// Areas are averaged where no side grows, anything else is bilinear, as in the Python package's runtime/frames/fit.py.
ResizePlan resize_plan(int from_height, int from_width, int height, int width);

// A plan's tables as plain pointers, on the machine that runs the arithmetic.
struct ResizeTables {
    ResizeRule rule;
    int factor_x, factor_y;
    const AreaSpan *spans_x, *spans_y;
    const float *weights;
    const LinearTap *taps_x, *taps_y;
};

// Rows of BGR, one so many pixels behind the other.
struct BgrRows {
    const std::uint8_t *pixels;
    int width;
    DGIQA_BOTH const std::uint8_t *at(int x, int y) const {
        return pixels + (static_cast<std::size_t>(y) * width + x) * 3;
    }
};

// Halves to even, as the default rounding mode does.
DGIQA_BOTH inline std::uint8_t rounded_byte(float value) {
    const int below = static_cast<int>(value);  // never negative here
    const float rest = value - static_cast<float>(below);
    const int rounded = below + (rest > 0.5f || (rest == 0.5f && (below & 1) != 0) ? 1 : 0);
    return static_cast<std::uint8_t>(rounded > 255 ? 255 : rounded);
}

DGIQA_BOTH inline void whole_factor_pixel(const ResizeTables &tables, const BgrRows &from, int x, int y,
                                          std::uint8_t *to) {
    const float share = 1.0f / static_cast<float>(tables.factor_x * tables.factor_y);
    int sums[3] = {0, 0, 0};
    for (int row = 0; row < tables.factor_y; ++row) {
        const std::uint8_t *pixel = from.at(x * tables.factor_x, y * tables.factor_y + row);
        for (int column = 0; column < tables.factor_x; ++column, pixel += 3)
            for (int c = 0; c < 3; ++c) sums[c] += pixel[c];
    }
    for (int c = 0; c < 3; ++c) to[c] = rounded_byte(static_cast<float>(sums[c]) * share);
}

DGIQA_BOTH inline void halved_pixel(const BgrRows &from, int x, int y, std::uint8_t *to) {
    const std::uint8_t *upper = from.at(2 * x, 2 * y);
    const std::uint8_t *lower = from.at(2 * x, 2 * y + 1);
    for (int c = 0; c < 3; ++c)
        to[c] = static_cast<std::uint8_t>((upper[c] + upper[c + 3] + lower[c] + lower[c + 3] + 2) >> 2);
}

DGIQA_BOTH inline void area_pixel(const ResizeTables &tables, const BgrRows &from, int x, int y, std::uint8_t *to) {
    const AreaSpan columns = tables.spans_x[x];
    const AreaSpan rows = tables.spans_y[y];
    float sums[3] = {0.0f, 0.0f, 0.0f};
    for (int row = 0; row < rows.count; ++row) {
        const std::uint8_t *pixel = from.at(columns.first, rows.first + row);
        float line[3] = {0.0f, 0.0f, 0.0f};
        for (int column = 0; column < columns.count; ++column, pixel += 3) {
            const float weight = tables.weights[columns.weight + column];
            for (int c = 0; c < 3; ++c) line[c] += static_cast<float>(pixel[c]) * weight;
        }
        const float weight = tables.weights[rows.weight + row];
        for (int c = 0; c < 3; ++c) sums[c] += line[c] * weight;
    }
    for (int c = 0; c < 3; ++c) to[c] = rounded_byte(sums[c]);
}

DGIQA_BOTH inline void linear_pixel(const ResizeTables &tables, const BgrRows &from, int x, int y, std::uint8_t *to) {
    const LinearTap columns = tables.taps_x[x];
    const LinearTap rows = tables.taps_y[y];
    const std::uint8_t *upper_left = from.at(columns.first, rows.first);
    const std::uint8_t *upper_right = from.at(columns.second, rows.first);
    const std::uint8_t *lower_left = from.at(columns.first, rows.second);
    const std::uint8_t *lower_right = from.at(columns.second, rows.second);
    for (int c = 0; c < 3; ++c) {
        const int upper = upper_left[c] * columns.first_weight + upper_right[c] * columns.second_weight;
        const int lower = lower_left[c] * columns.first_weight + lower_right[c] * columns.second_weight;
        const int blend = ((rows.first_weight * (upper >> 4)) >> 16) + ((rows.second_weight * (lower >> 4)) >> 16);
        const int value = (blend + 2) >> 2;
        to[c] = static_cast<std::uint8_t>(value > 255 ? 255 : value);
    }
}

DGIQA_BOTH inline void resized_pixel(const ResizeTables &tables, const BgrRows &from, int x, int y, std::uint8_t *to) {
    switch (tables.rule) {
        case ResizeRule::kHalve:
            return halved_pixel(from, x, y, to);
        case ResizeRule::kWholeFactor:
            return whole_factor_pixel(tables, from, x, y, to);
        case ResizeRule::kArea:
            return area_pixel(tables, from, x, y, to);
        case ResizeRule::kLinear:
            return linear_pixel(tables, from, x, y, to);
    }
}

}  // namespace dgiqa
