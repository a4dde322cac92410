#include "cues/cues.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "cues/grey.hpp"
#include "cues/half_size.hpp"
#include "cues/level_counts.hpp"
#include "cues/neighbourhood.hpp"
#include "cues/tiles.hpp"
#include "frames/convert.hpp"

namespace dgiqa {
namespace {

constexpr int LEAST_SIDE = 64;
constexpr int SHADOW_LEVEL = 32;
constexpr int CLIPPED_LEVEL = 250;
constexpr int FILLED_STEP = 8;
constexpr int SMALL_WIDTH = 160;
constexpr std::size_t LEAST_EXPOSED_TILES = 16;
constexpr double NOISE_FINENESS = 2.0;
constexpr float FLAT_VARIANCE = 9.0f;
constexpr double PI = 3.141592653589793;

double share(std::size_t count, std::size_t total) { return static_cast<double>(count) / static_cast<double>(total); }

// Share of pixels with a channel at its end: colour is lost there before grey is white.
double clipped_share(const Picture &samples) {
    const std::size_t total = samples.pixels.size() / 3;
    std::size_t clipped = 0;
    for (std::size_t i = 0; i < total; ++i) {
        const std::uint8_t *pixel = samples.pixels.data() + 3 * i;
        clipped += std::max({pixel[0], pixel[1], pixel[2]}) >= CLIPPED_LEVEL;
    }
    return share(clipped, total);
}

std::uint64_t squared_difference(const std::uint8_t *one, const std::uint8_t *other, int count) {
    constexpr int PIECE = 16384;  // whose sum of squares fits 32 bits, which is several times faster than 64
    std::uint64_t total = 0;
    for (int start = 0; start < count; start += PIECE) {
        const int end = std::min(count, start + PIECE);
        int sum = 0;
        for (int i = start; i < end; ++i) {
            const std::int16_t difference = static_cast<std::int16_t>(one[i] - other[i]);
            sum += difference * difference;
        }
        total += static_cast<std::uint64_t>(sum);
    }
    return total;
}

// Mean squared difference of neighbours.
struct GradientEnergy {
    double along_rows;
    double along_columns;
};

GradientEnergy gradient_energy(const Picture &grey) {
    std::uint64_t rows = 0, columns = 0;
    for (int y = 0; y < grey.height; ++y) {
        const std::uint8_t *row = grey.row(y);
        rows += squared_difference(row + 1, row, grey.width - 1);
        if (y > 0) {
            columns += squared_difference(row, grey.row(y - 1), grey.width);
        }
    }
    return {share(rows, grey.pixels.size()), share(columns, grey.pixels.size())};
}

// How much of the gradient energy at half size is there at full size too, in the direction that has less. 2 squared
// levels keep pictures without structure from dividing by nothing.
double sharpness(const Picture &grey) {
    const GradientEnergy fine = gradient_energy(grey);
    const GradientEnergy coarse = gradient_energy(half_size(grey));
    return std::min(fine.along_rows / (coarse.along_rows + 2.0), fine.along_columns / (coarse.along_columns + 2.0));
}

// Standard deviation of the noise in grey levels, by Immerkaer's operator (1996) in the quietest tiles of three strips;
// tiles at black or white, where noise is cut off, do not count.
double noise(const Picture &grey) {
    const double scale = std::sqrt(PI / 2.0) / 6.0;
    const int third = grey.height / 3;
    const int rows = std::max(NOISE_TILE, third / 2);
    NoiseTiles tiles;
    for (const int start : {0, third, 2 * third}) {
        add_noise_tiles(grey, start, rows, tiles);
    }
    std::vector<std::uint8_t> exposed;
    for (std::size_t tile = 0; tile < tiles.response.size(); ++tile) {
        if (tiles.level[tile] > 8 && tiles.level[tile] < 247) {
            exposed.push_back(tiles.response[tile]);
        }
    }
    const LevelCounts responses(exposed.size() >= LEAST_EXPOSED_TILES ? exposed : tiles.response);
    return responses.quantile(0.1) * scale / NOISE_FINENESS;
}

// At most 160 wide, for what needs no detail.
Picture small_of(const Picture &samples) {
    if (samples.width <= SMALL_WIDTH) {
        return samples;
    }
    const double height = static_cast<double>(samples.height) * SMALL_WIDTH / samples.width;
    return fitted(samples, std::max(1, static_cast<int>(std::nearbyint(height))), SMALL_WIDTH);
}

// How veiled even the darkest places are: 5th percentile of the dark channel (He et al. 2009), in [0, 1].
double dark_channel(const Picture &small) {
    Picture darkest(small.height, small.width, 1);
    for (std::size_t i = 0; i < darkest.pixels.size(); ++i) {
        const std::uint8_t *pixel = small.pixels.data() + 3 * i;
        darkest.pixels[i] = std::min({pixel[0], pixel[1], pixel[2]});
    }
    return LevelCounts(darkest_around(darkest).pixels).quantile(0.05) / 255.0;
}

// Share of sampled pixels in the green of an H.264 picture whose chroma was never decoded (Y, U and V all 0).
double filled_share(const Picture &bgr) {
    std::size_t filled = 0, total = 0;
    for (int y = 0; y < bgr.height; y += FILLED_STEP) {
        const std::uint8_t *row = bgr.row(y);
        for (int x = 0; x < bgr.width; x += FILLED_STEP, ++total) {
            const std::uint8_t *pixel = row + 3 * x;
            filled += pixel[1] > 100 && pixel[0] < 6 && pixel[2] < 6;
        }
    }
    return share(filled, total);
}

}  // namespace

Cues CueMeter::measure(const Picture &bgr) {
    Cues cues;
    cues.change = change_.measure(bgr);
    if (std::min(bgr.height, bgr.width) >= LEAST_SIDE) {
        const Picture grey = grey_of(bgr);
        const LevelCounts levels(every(grey, SAMPLE_STEP).pixels);
        const double dark = levels.lowest_level_of(0.05), bright = levels.lowest_level_of(0.95);
        const Picture samples = every(bgr, SAMPLE_STEP);
        const Picture small = small_of(samples);
        cues.luminance = bright;
        cues.shadows = share(levels.below(SHADOW_LEVEL), levels.total());
        cues.clipped = clipped_share(samples);
        cues.sharpness = sharpness(grey);
        cues.noise = noise(grey);
        cues.haze = dark_channel(small);
        cues.contrast = bright - dark;
        cues.occlusion = share_of_flat_surroundings(grey_of(small), FLAT_VARIANCE);
        // What a decoder made up: lines repeated downwards, or what it fills lost slices with.
        cues.smear = std::min(1.0, repeated_share(grey) + filled_share(bgr));
        if (view_) {
            const Difference found = view_->measure(view_of(grey, samples, view_->rows(), view_->columns()));
            cues.moved = found.moved;
            cues.likeness = found.likeness;
            cues.cast = found.cast;
        }
    }
    return cues;
}

void CueMeter::follow(ReferenceView reference) {
    view_.emplace(reference.view);
    reference_ = std::move(reference);
    learner_.reset();
}

void CueMeter::learn(double minutes) {
    if (!reference_ && minutes > 0.0) {
        learner_.emplace(minutes);
    }
}

void CueMeter::passed(const Picture &bgr, double t) {
    if (!learner_ || !learner_->due(t) || std::min(bgr.height, bgr.width) < LEAST_SIDE) {
        return;
    }
    const auto [rows, columns] = cells_of(bgr.width, bgr.height);
    if (auto learned =
            learner_->add(view_of(grey_of(bgr), every(bgr, SAMPLE_STEP), rows, columns), bgr.width, bgr.height, t)) {
        follow(std::move(*learned));
    }
}

}  // namespace dgiqa
