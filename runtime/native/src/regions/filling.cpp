#include "regions/filling.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace dgiqa {
namespace {

constexpr std::uint32_t FAR = std::numeric_limits<std::uint32_t>::max();

// A line of pixels: where it begins, from one to the next, and how many.
struct Line {
    std::ptrdiff_t begin;
    std::ptrdiff_t step;
    int count;
};

struct Search {
    const std::vector<bool> &known;
    std::vector<std::uint32_t> best;    // distance to the pixel that is mirrored
    std::vector<std::uint32_t> source;  // that pixel's place

    // What lies before each unknown pixel of the line, mirrored at the end of the last known run and folded in it.
    void along(const Line &line) {
        int length = 0, last = -1;
        for (int i = 0; i < line.count; ++i) {
            const std::size_t place = static_cast<std::size_t>(line.begin + i * line.step);
            if (known[place]) {
                length = last == i - 1 && last >= 0 ? length + 1 : 1;
                last = i;
                continue;
            }
            const std::uint32_t distance = static_cast<std::uint32_t>(i - last);
            if (last < 0 || best[place] <= distance) {
                continue;
            }
            const int folded = (i - last - 1) % (2 * length);
            const int mirrored = last - std::min(folded, 2 * length - 1 - folded);
            best[place] = distance;
            source[place] = static_cast<std::uint32_t>(line.begin + mirrored * line.step);
        }
    }
};

}  // namespace

Filling::Filling(const Picture &mask) {
    const std::size_t count = mask.pixels.size();
    const std::ptrdiff_t width = mask.width, height = mask.height;
    std::vector<bool> known(count);
    std::vector<std::uint32_t> sources(count);
    for (std::size_t i = 0; i < count; ++i) {
        known[i] = mask.pixels[i] != 0;
        sources[i] = static_cast<std::uint32_t>(i);
    }
    // Once more for what has nothing that counts in its row and none in its column.
    while (std::find(known.begin(), known.end(), false) != known.end()) {
        Search search{known, std::vector<std::uint32_t>(count, FAR), std::vector<std::uint32_t>(count)};
        for (std::ptrdiff_t y = 0; y < height; ++y) search.along({y * width, 1, mask.width});
        for (std::ptrdiff_t y = 0; y < height; ++y) search.along({y * width + width - 1, -1, mask.width});
        for (std::ptrdiff_t x = 0; x < width; ++x) search.along({x, width, mask.height});
        for (std::ptrdiff_t x = 0; x < width; ++x) search.along({(height - 1) * width + x, -width, mask.height});
        std::vector<std::uint32_t> found = sources;
        std::vector<bool> reached = known;
        for (std::size_t i = 0; i < count; ++i) {
            if (!known[i] && search.best[i] != FAR) {
                found[i] = sources[search.source[i]];
                reached[i] = true;
            }
        }
        sources.swap(found);
        known.swap(reached);
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (mask.pixels[i] == 0) copies_.push_back({static_cast<std::uint32_t>(i), sources[i]});
    }
}

void Filling::fill(Picture &bgr) const {
    for (const Copy &copy : copies_)
        std::memcpy(bgr.pixels.data() + std::size_t{3} * copy.to, bgr.pixels.data() + std::size_t{3} * copy.from, 3);
}

}  // namespace dgiqa
