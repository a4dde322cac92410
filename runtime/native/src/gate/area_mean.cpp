#include "gate/area_mean.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace dgiqa {
namespace {

// How many source pixels go into one, in OpenCV's way of computing it: not always the quotient to the last bit.
double scale_of(int source, int target) { return 1.0 / (static_cast<double>(target) / source); }

bool is_whole(double scale) { return std::abs(scale - std::nearbyint(scale)) < std::numeric_limits<double>::epsilon(); }

// The part of a source pixel that goes into a target pixel.
struct Share {
    int source;
    int target;
    float weight;
};

// All shares along one axis, in the order of target and source. A share of less than a thousandth of a pixel is none.
std::vector<Share> shares_of(int source, int target, double scale) {
    constexpr double LEAST_SHARE = 1e-3;
    std::vector<Share> shares;
    for (int to = 0; to < target; ++to) {
        const double begin = to * scale;
        const double end = begin + scale;
        const double width = std::min(scale, source - begin);
        const int last = std::min(static_cast<int>(std::floor(end)), source - 1);
        const int first = std::min(static_cast<int>(std::ceil(begin)), last);
        if (first - begin > LEAST_SHARE) {
            shares.push_back({first - 1, to, static_cast<float>((first - begin) / width)});
        }
        for (int from = first; from < last; ++from) {
            shares.push_back({from, to, static_cast<float>(1.0 / width)});
        }
        if (end - last > LEAST_SHARE) {
            shares.push_back({last, to, static_cast<float>(std::min(std::min(end - last, 1.0), width) / width)});
        }
    }
    return shares;
}

Picture mean_of_fractions(const Picture &picture, int height, int width, double scale_y, double scale_x) {
    const int channels = picture.channels;
    const std::vector<Share> across = shares_of(picture.width, width, scale_x);
    const std::vector<Share> down = shares_of(picture.height, height, scale_y);
    Picture small(height, width, channels);
    const std::size_t count = static_cast<std::size_t>(width) * channels;
    std::vector<float> row(count), sum(count, 0.0f);
    const auto finish = [&](int target) {
        std::transform(sum.begin(), sum.end(), small.row(target), rounded_level);
        std::fill(sum.begin(), sum.end(), 0.0f);
    };
    int target = 0;
    for (const Share &share : down) {
        std::fill(row.begin(), row.end(), 0.0f);
        const std::uint8_t *source = picture.row(share.source);
        for (const Share &part : across) {
            for (int channel = 0; channel < channels; ++channel) {
                row[part.target * channels + channel] += source[part.source * channels + channel] * part.weight;
            }
        }
        if (share.target != target) {
            finish(target);
            target = share.target;
        }
        for (std::size_t i = 0; i < count; ++i) {
            sum[i] += share.weight * row[i];
        }
    }
    finish(target);
    return small;
}

Picture mean_of_blocks(const Picture &picture, int height, int width, int block_y, int block_x) {
    const int channels = picture.channels;
    const float scale = 1.0f / static_cast<float>(block_y * block_x);
    const bool quads = block_y == 2 && block_x == 2;  // OpenCV rounds these half up, all others half to even
    Picture small(height, width, channels);
    std::vector<int> sum(static_cast<std::size_t>(width) * channels);
    for (int y = 0; y < height; ++y) {
        std::fill(sum.begin(), sum.end(), 0);
        for (int line = 0; line < block_y; ++line) {
            const std::uint8_t *source = picture.row(y * block_y + line);
            for (int x = 0; x < width; ++x) {
                for (int i = 0; i < block_x * channels; ++i) {
                    sum[x * channels + i % channels] += *source++;
                }
            }
        }
        std::uint8_t *to = small.row(y);
        for (std::size_t i = 0; i < sum.size(); ++i) {
            to[i] = quads ? static_cast<std::uint8_t>((sum[i] + 2) >> 2)
                          : rounded_level(static_cast<float>(sum[i]) * scale);
        }
    }
    return small;
}

// The commonest case on its own, for it runs over whole frames.
Picture mean_of_grey_quads(const Picture &grey, int height, int width) {
    Picture small(height, width, 1);
    for (int y = 0; y < height; ++y) {
        const std::uint8_t *upper = grey.row(2 * y);
        const std::uint8_t *lower = grey.row(2 * y + 1);
        std::uint8_t *to = small.row(y);
        for (int x = 0; x < width; ++x) {
            to[x] =
                static_cast<std::uint8_t>((upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1] + 2) >> 2);
        }
    }
    return small;
}

}  // namespace

std::uint8_t rounded_level(float mean) {
    constexpr float WHOLE = 12582912.0f;  // 1.5 * 2^23: a float of this size has no digits after the point
    const float rounded = (mean + WHOLE) - WHOLE;
    return static_cast<std::uint8_t>(std::min(255.0f, std::max(0.0f, rounded)));
}

Picture area_mean(const Picture &picture, int height, int width) {
    if (height == picture.height && width == picture.width) {
        return picture;
    }
    const double scale_y = scale_of(picture.height, height), scale_x = scale_of(picture.width, width);
    if (!is_whole(scale_y) || !is_whole(scale_x)) {
        return mean_of_fractions(picture, height, width, scale_y, scale_x);
    }
    const int block_y = static_cast<int>(std::nearbyint(scale_y)), block_x = static_cast<int>(std::nearbyint(scale_x));
    if (block_y == 2 && block_x == 2 && picture.channels == 1) {
        return mean_of_grey_quads(picture, height, width);
    }
    return mean_of_blocks(picture, height, width, block_y, block_x);
}

}  // namespace dgiqa
