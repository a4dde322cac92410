#include "cues/half_size.hpp"

#include <algorithm>
#include <vector>

#include "frames/resize.hpp"

namespace dgiqa {
namespace {

void mean_of_quads(const Picture &grey, Picture &half) {
    for (int y = 0; y < half.height; ++y) {
        const std::uint8_t *upper = grey.row(2 * y);
        const std::uint8_t *lower = grey.row(2 * y + 1);
        std::uint8_t *to = half.row(y);
        for (int x = 0; x < half.width; ++x) {
            const int sum = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1];
            to[x] = static_cast<std::uint8_t>((sum + 2) >> 2);
        }
    }
}

// Means along one row, weighted by the shares of its pixels.
void mean_along(const std::uint8_t *row, const ResizePlan &plan, std::vector<float> &line) {
    for (std::size_t x = 0; x < line.size(); ++x) {
        const AreaSpan &span = plan.spans_x[x];
        float sum = 0.0f;
        for (int i = 0; i < span.count; ++i) {
            sum += static_cast<float>(row[span.first + i]) * plan.weights[static_cast<std::size_t>(span.weight + i)];
        }
        line[x] = sum;
    }
}

void mean_of_shares(const Picture &grey, const ResizePlan &plan, Picture &half) {
    std::vector<float> line(static_cast<std::size_t>(half.width)), sum(line.size());
    for (int y = 0; y < half.height; ++y) {
        const AreaSpan &span = plan.spans_y[static_cast<std::size_t>(y)];
        std::fill(sum.begin(), sum.end(), 0.0f);
        for (int i = 0; i < span.count; ++i) {
            const float weight = plan.weights[static_cast<std::size_t>(span.weight + i)];
            mean_along(grey.row(span.first + i), plan, line);
            for (std::size_t x = 0; x < sum.size(); ++x) {
                sum[x] += weight * line[x];
            }
        }
        std::transform(sum.begin(), sum.end(), half.row(y), rounded_byte);
    }
}

}  // namespace

Picture half_size(const Picture &grey) {
    Picture half(grey.height / 2, grey.width / 2, 1);
    const ResizePlan plan = resize_plan(grey.height, grey.width, half.height, half.width);
    if (plan.rule == ResizeRule::kHalve) {
        mean_of_quads(grey, half);
    } else {
        mean_of_shares(grey, plan, half);
    }
    return half;
}

}  // namespace dgiqa
