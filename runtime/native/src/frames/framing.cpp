#include "frames/framing.hpp"

#include <algorithm>
#include <cstdint>

namespace dgiqa {
namespace {

// number * by / of to the nearest whole one, halves up.
int scaled(std::int64_t number, std::int64_t by, std::int64_t of) {
    return static_cast<int>((2 * number * by + of) / (2 * of));
}

int side(int number, int by, int of) { return std::max(1, scaled(number, by, of)); }

dgiqa_box centred(int inner_height, int inner_width, int height, int width) {
    return {(width - inner_width) / 2, (height - inner_height) / 2, inner_width, inner_height};
}

}  // namespace

Framing framing(int height, int width, int to_height, int to_width, dgiqa_fit fit) {
    const bool wider = static_cast<std::int64_t>(width) * to_height > static_cast<std::int64_t>(height) * to_width;
    const int inside_height = wider ? side(height, to_width, width) : to_height;
    const int inside_width = wider ? to_width : side(width, to_height, height);
    Framing placed{{0, 0, width, height}, {0, 0, to_width, to_height}};
    if (inside_height == to_height && inside_width == to_width) return placed;
    if (fit == DGIQA_FIT_PAD) placed.at = centred(inside_height, inside_width, to_height, to_width);
    if (fit == DGIQA_FIT_CROP)
        placed.shown = wider ? centred(height, side(height, to_width, to_height), height, width)
                             : centred(side(width, to_height, to_width), width, height, width);
    return placed;
}

dgiqa_box scaled_box(const dgiqa_box &box, int height, int width, int to_height, int to_width) {
    const int left = std::min(scaled(box.left, to_width, width), to_width - 1);
    const int top = std::min(scaled(box.top, to_height, height), to_height - 1);
    const int right = std::max(scaled(box.left + box.width, to_width, width), left + 1);
    const int bottom = std::max(scaled(box.top + box.height, to_height, height), top + 1);
    return {left, top, right - left, bottom - top};
}

}  // namespace dgiqa
