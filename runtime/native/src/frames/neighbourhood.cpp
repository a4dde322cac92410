#include "frames/neighbourhood.hpp"

#include <algorithm>
#include <vector>

namespace dgiqa {
namespace {

constexpr int WINDOW = 2 * REACH + 1;

// The place inside of [0, count) that shows at `place` when the picture is mirrored at its edges.
int mirrored(int place, int count) {
    if (count == 1) {
        return 0;
    }
    while (place < 0 || place >= count) {
        place = place < 0 ? -place : 2 * (count - 1) - place;
    }
    return place;
}

// Sums of levels and of squared levels, exact: at most 81 * 255^2.
struct Sums {
    int levels = 0;
    int squares = 0;
};

// Per pixel of a row, the sums over the nine pixels around it in this row.
std::vector<Sums> sums_along(const std::uint8_t *row, const std::vector<int> &places, int width) {
    std::vector<Sums> sums(static_cast<std::size_t>(width));
    Sums running;
    const auto add = [&](int place, int sign) {
        const int level = row[places[static_cast<std::size_t>(place)]];
        running.levels += sign * level;
        running.squares += sign * level * level;
    };
    for (int place = 0; place < WINDOW - 1; ++place) {
        add(place, 1);
    }
    for (int x = 0; x < width; ++x) {
        add(x + WINDOW - 1, 1);
        sums[static_cast<std::size_t>(x)] = running;
        add(x, -1);
    }
    return sums;
}

std::vector<int> mirrored_places(int count) {
    std::vector<int> places;
    for (int place = -REACH; place < count + REACH; ++place) {
        places.push_back(mirrored(place, count));
    }
    return places;
}

}  // namespace

Picture darkest_around(const Picture &picture, int reach) {
    const int height = picture.height, width = picture.width;
    Picture across(height, width, 1), darkest(height, width, 1);
    for (int y = 0; y < height; ++y) {
        const std::uint8_t *row = picture.row(y);
        for (int x = 0; x < width; ++x) {
            const int first = std::max(0, x - reach), last = std::min(width - 1, x + reach);
            across.row(y)[x] = *std::min_element(row + first, row + last + 1);
        }
    }
    for (int y = 0; y < height; ++y) {
        const int first = std::max(0, y - reach), last = std::min(height - 1, y + reach);
        std::uint8_t *to = darkest.row(y);
        std::copy_n(across.row(first), width, to);
        for (int line = first + 1; line <= last; ++line) {
            const std::uint8_t *row = across.row(line);
            for (int x = 0; x < width; ++x) {
                to[x] = std::min(to[x], row[x]);
            }
        }
    }
    return darkest;
}

std::optional<double> share_of_flat_surroundings(const Picture &picture, float variance_limit, const Picture *mask) {
    constexpr double SCALE = 1.0 / (WINDOW * WINDOW);
    const int height = picture.height, width = picture.width;
    const std::vector<int> columns = mirrored_places(width), rows = mirrored_places(height);
    std::vector<std::vector<Sums>> along;
    for (int y = 0; y < height; ++y) {
        along.push_back(sums_along(picture.row(y), columns, width));
    }
    std::vector<Sums> running(static_cast<std::size_t>(width));
    const auto add = [&](int place, int sign) {
        const std::vector<Sums> &line = along[static_cast<std::size_t>(rows[static_cast<std::size_t>(place)])];
        for (std::size_t x = 0; x < running.size(); ++x) {
            running[x].levels += sign * line[x].levels;
            running[x].squares += sign * line[x].squares;
        }
    };
    for (int place = 0; place < WINDOW - 1; ++place) {
        add(place, 1);
    }
    std::size_t flat = 0, total = 0;
    for (int y = 0; y < height; ++y) {
        add(y + WINDOW - 1, 1);
        for (std::size_t x = 0; x < running.size(); ++x) {
            if (mask != nullptr && mask->row(y)[x] == 0) {
                continue;
            }
            const Sums &sums = running[x];
            const float mean = static_cast<float>(sums.levels * SCALE);
            const float variance = static_cast<float>(sums.squares * SCALE) - mean * mean;
            flat += variance < variance_limit;
            ++total;
        }
        add(y, -1);
    }
    if (total == 0) {
        return std::nullopt;
    }
    return static_cast<double>(flat) / static_cast<double>(total);
}

}  // namespace dgiqa
