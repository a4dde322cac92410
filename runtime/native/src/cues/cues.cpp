#include "cues/cues.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "cues/grey.hpp"
#include "cues/half_size.hpp"
#include "cues/level_counts.hpp"
#include "cues/tiles.hpp"
#include "frames/neighbourhood.hpp"

namespace dgiqa {
namespace {

constexpr int LEAST_SIDE = 64;
constexpr int SHADOW_LEVEL = 32;
constexpr int CLIPPED_LEVEL = 250;
constexpr int FILLED_STEP = 8;
constexpr std::size_t LEAST_EXPOSED_TILES = 16;
constexpr double NOISE_FINENESS = 2.0;
constexpr float FLAT_VARIANCE = 9.0f;
constexpr double PI = 3.141592653589793;

double share(std::uint64_t count, std::size_t total) { return static_cast<double>(count) / static_cast<double>(total); }

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

// Mean difference between the largest and the least channel.
double chroma(const Picture &samples) {
    const std::size_t total = samples.pixels.size() / 3;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < total; ++i) {
        const std::uint8_t *pixel = samples.pixels.data() + 3 * i;
        sum += static_cast<std::uint64_t>(std::max({pixel[0], pixel[1], pixel[2]}) -
                                          std::min({pixel[0], pixel[1], pixel[2]}));
    }
    return share(sum, total);
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

// Only between pixels that the mask counts, by their number. No value where it counts none.
std::optional<GradientEnergy> gradient_energy(const Picture &grey, const Picture &mask) {
    const auto squared = [](int difference) { return static_cast<std::uint64_t>(difference * difference); };
    std::uint64_t rows = 0, columns = 0;
    std::size_t total = 0;
    for (int y = 0; y < grey.height; ++y) {
        const std::uint8_t *row = grey.row(y), *counts = mask.row(y);
        for (int x = 0; x < grey.width; ++x) {
            if (counts[x] == 0) {
                continue;
            }
            ++total;
            rows += x > 0 && counts[x - 1] != 0 ? squared(row[x] - row[x - 1]) : 0;
            columns += y > 0 && mask.row(y - 1)[x] != 0 ? squared(row[x] - grey.row(y - 1)[x]) : 0;
        }
    }
    if (total == 0) {
        return std::nullopt;
    }
    return GradientEnergy{share(rows, total), share(columns, total)};
}

// How much of the gradient energy at half size is there at full size too, in the direction that has less. 2 squared
// levels keep pictures without structure from dividing by nothing.
std::optional<double> sharpness(const Picture &grey, const Picture &half, const Part *part) {
    const std::optional<GradientEnergy> fine = part ? gradient_energy(grey, part->inner) : gradient_energy(grey);
    const std::optional<GradientEnergy> coarse = part ? gradient_energy(half, part->half) : gradient_energy(half);
    if (!fine || !coarse) {
        return std::nullopt;
    }
    return std::min(fine->along_rows / (coarse->along_rows + 2.0), fine->along_columns / (coarse->along_columns + 2.0));
}

// Standard deviation of the noise in grey levels, by Immerkaer's operator (1996) in the quietest tiles of three strips;
// tiles at black or white, where noise is cut off, do not count.
std::optional<double> noise(const Picture &grey, const Part *part) {
    const double scale = std::sqrt(PI / 2.0) / 6.0;
    const NoiseTiles tiles = noise_tiles(grey);
    std::vector<std::uint8_t> all, exposed;
    for (std::size_t tile = 0; tile < tiles.response.size(); ++tile) {
        if (part != nullptr && part->noise_tiles[tile] == 0) {
            continue;
        }
        all.push_back(tiles.response[tile]);
        if (tiles.level[tile] > 8 && tiles.level[tile] < 247) {
            exposed.push_back(tiles.response[tile]);
        }
    }
    if (all.empty()) {
        return std::nullopt;
    }
    const LevelCounts responses(exposed.size() >= LEAST_EXPOSED_TILES ? exposed : all);
    return responses.quantile(0.1) * scale / NOISE_FINENESS;
}

// How veiled even the darkest places are: 5th percentile of the dark channel (He et al. 2009), in [0, 1].
std::optional<double> dark_channel(const Picture &small, const Part *part) {
    Picture darkest(small.height, small.width, 1);
    for (std::size_t i = 0; i < darkest.pixels.size(); ++i) {
        const std::uint8_t *pixel = small.pixels.data() + 3 * i;
        darkest.pixels[i] = std::min({pixel[0], pixel[1], pixel[2]});
        if (part != nullptr && part->small.pixels[i] == 0) {
            darkest.pixels[i] = 255;
        }
    }
    Picture around = darkest_around(darkest);
    if (part != nullptr) {
        around = counted(around, part->small);
    }
    if (around.pixels.empty()) {
        return std::nullopt;
    }
    return LevelCounts(around.pixels).quantile(0.05) / 255.0;
}

// What a decoder made up: lines repeated downwards, or the green of an H.264 picture whose chroma was never decoded (Y, U
// and V all 0), of sampled pixels.
std::optional<double> smeared_share(const Picture &bgr, const Picture &grey, const Part *part) {
    const std::vector<std::uint8_t> tiles = repeated_tiles(grey);
    std::size_t repeated = 0, all_tiles = 0, filled = 0, all_pixels = 0;
    for (std::size_t i = 0; i < tiles.size(); ++i) {
        const bool counts = part == nullptr || part->smear_tiles[i] != 0;
        all_tiles += counts;
        repeated += counts && tiles[i] != 0;
    }
    for (int y = 0; y < bgr.height; y += FILLED_STEP) {
        for (int x = 0; x < bgr.width; x += FILLED_STEP) {
            const bool counts = part == nullptr || part->mask.row(y)[x] != 0;
            const std::uint8_t *pixel = bgr.row(y) + 3 * x;
            all_pixels += counts;
            filled += counts && pixel[1] > 100 && pixel[0] < 6 && pixel[2] < 6;
        }
    }
    if (all_tiles == 0 || all_pixels == 0) {
        return std::nullopt;
    }
    return std::min(1.0, share(repeated, all_tiles) + share(filled, all_pixels));
}

}  // namespace

const Part *CueMeter::part_for(const Picture &bgr) {
    if (!regions_.any()) {
        return nullptr;
    }
    if (!part_ || part_->mask.height != bgr.height || part_->mask.width != bgr.width) {
        part_ = part_of(regions_.mask(bgr.height, bgr.width), std::min(bgr.height, bgr.width) >= LEAST_SIDE);
        change_.restart();
    }
    return &*part_;
}

Cues CueMeter::measure(const Picture &bgr) {
    const Part *part = part_for(bgr);
    Cues cues;
    cues.change = change_.measure(bgr, part ? &part->mask : nullptr);
    if (std::min(bgr.height, bgr.width) < LEAST_SIDE) {
        return cues;
    }
    const Picture grey = grey_of(bgr);
    const Picture samples = every(bgr, SAMPLE_STEP);
    const Picture small = small_of(samples), half = half_size(grey);
    if (view_) {
        const Difference found = view_->measure(view_of(grey, samples, view_->rows(), view_->columns()));
        cues.moved = found.moved;
        cues.likeness = found.likeness;
        cues.cast = found.cast;
    }
    Picture levels = every(grey, SAMPLE_STEP), pixels = samples;
    if (part != nullptr) {
        const Picture mask = every(part->mask, SAMPLE_STEP);
        levels = counted(levels, mask);
        pixels = counted(pixels, mask);
        if (levels.pixels.empty()) {
            return cues;
        }
    }
    const LevelCounts counts(levels.pixels);
    const double dark = counts.lowest_level_of(0.05), bright = counts.lowest_level_of(0.95);
    cues.luminance = bright;
    cues.shadows = share(counts.below(SHADOW_LEVEL), counts.total());
    cues.clipped = clipped_share(pixels);
    cues.sharpness = sharpness(grey, half, part);
    cues.noise = noise(grey, part);
    cues.haze = dark_channel(small, part);
    cues.contrast = bright - dark;
    // Of means of 4x4 pixels or more: a covered lens has no structure, and grain, which samples would show, is none.
    const Picture means = small_grey(half_size(half));
    cues.occlusion = share_of_flat_surroundings(means, FLAT_VARIANCE, part ? &part->surroundings : nullptr);
    cues.smear = smeared_share(bgr, grey, part);
    cues.chroma = chroma(pixels);
    return cues;
}

void CueMeter::follow(ReferenceView reference) {
    ViewMeter view(reference.view);  // first what may throw
    view_ = std::move(view);
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
