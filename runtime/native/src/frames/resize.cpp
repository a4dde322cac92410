#include "frames/resize.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace dgiqa {
namespace {

constexpr float kLinearOne = 2048.0f;
constexpr double kSliver = 1e-3;  // of a pixel: a smaller part at a cell's edge is left out, as OpenCV does

// Written as OpenCV computes it: the reciprocal of a reciprocal can differ from the plain quotient in the last bit.
double scale_of(int from, int to) { return 1.0 / (static_cast<double>(to) / from); }

bool is_whole(double scale) { return std::abs(scale - std::nearbyint(scale)) < DBL_EPSILON; }

std::vector<AreaSpan> area_spans(int from, int to, std::vector<float> &weights) {
    const double scale = scale_of(from, to);
    std::vector<AreaSpan> spans;
    spans.reserve(static_cast<std::size_t>(to));
    for (int d = 0; d < to; ++d) {
        const double start = d * scale;
        const double end = start + scale;
        const double cell = std::min(scale, from - start);
        const int last = std::min(static_cast<int>(std::floor(end)), from - 1);
        const int first = std::min(static_cast<int>(std::ceil(start)), last);
        AreaSpan span{first, 0, static_cast<int>(weights.size())};
        if (first - start > kSliver) {
            --span.first;
            weights.push_back(static_cast<float>((first - start) / cell));
        }
        for (int s = first; s < last; ++s) weights.push_back(static_cast<float>(1.0 / cell));
        if (end - last > kSliver)
            weights.push_back(static_cast<float>(std::min(std::min(end - last, 1.0), cell) / cell));
        span.count = static_cast<int>(weights.size()) - span.weight;
        spans.push_back(span);
    }
    return spans;
}

std::vector<LinearTap> linear_taps(int from, int to) {
    const double scale = scale_of(from, to);
    std::vector<LinearTap> taps;
    taps.reserve(static_cast<std::size_t>(to));
    for (int d = 0; d < to; ++d) {
        float rest = static_cast<float>((d + 0.5) * scale - 0.5);
        const int at = static_cast<int>(std::floor(rest));
        rest -= static_cast<float>(at);
        taps.push_back({std::clamp(at, 0, from - 1), std::clamp(at + 1, 0, from - 1),
                        static_cast<int>(std::nearbyint((1.0f - rest) * kLinearOne)),
                        static_cast<int>(std::nearbyint(rest * kLinearOne))});
    }
    return taps;
}

// Columns beyond the border take that pixel whole; rows blend it with itself, which can round differently.
void settle_border_columns(std::vector<LinearTap> &taps) {
    for (LinearTap &tap : taps)
        if (tap.first == tap.second) tap.first_weight = static_cast<int>(kLinearOne), tap.second_weight = 0;
}

}  // namespace

ResizePlan resize_plan(int from_height, int from_width, int height, int width) {
    ResizePlan plan;
    if (from_height < height || from_width < width) {
        plan.rule = ResizeRule::kLinear;
        plan.taps_x = linear_taps(from_width, width);
        plan.taps_y = linear_taps(from_height, height);
        settle_border_columns(plan.taps_x);
        return plan;
    }
    const double scale_x = scale_of(from_width, width);
    const double scale_y = scale_of(from_height, height);
    if (is_whole(scale_x) && is_whole(scale_y)) {
        plan.factor_x = static_cast<int>(std::nearbyint(scale_x));
        plan.factor_y = static_cast<int>(std::nearbyint(scale_y));
        plan.rule = plan.factor_x == 2 && plan.factor_y == 2 ? ResizeRule::kHalve : ResizeRule::kWholeFactor;
        return plan;
    }
    plan.rule = ResizeRule::kArea;
    plan.spans_x = area_spans(from_width, width, plan.weights);
    plan.spans_y = area_spans(from_height, height, plan.weights);
    return plan;
}

}  // namespace dgiqa
