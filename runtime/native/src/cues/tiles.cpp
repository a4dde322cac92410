#include "cues/tiles.hpp"

#include <algorithm>
#include <cstdlib>

#include "cues/grey.hpp"
#include "frames/resize.hpp"

namespace dgiqa {
namespace {

constexpr int NOISE_TILE = 16;
constexpr int NOISE_FINENESS = 2;
constexpr int SMEAR_TILE = 32;
constexpr int SMEAR_FINENESS = 32;
constexpr double LARGEST_DOWN = 0.04 * SMEAR_FINENESS;

constexpr float PER_TILE = 1.0f / 256.0f;  // tiles of both kinds have 256 values
static_assert(NOISE_TILE * NOISE_TILE == 256 && SMEAR_TILE * SMEAR_TILE / SAMPLE_STEP == 256, "PER_TILE");

std::uint8_t tile_mean(int sum) { return rounded_byte(static_cast<float>(sum) * PER_TILE); }

int second_difference(int before, int here, int after) { return before - 2 * here + after; }

int cut_off(int value) { return std::min(value, 255); }

// The response to one row whose second differences down the columns are given.
void respond(const std::vector<std::int16_t> &down, std::vector<std::uint8_t> &response) {
    const std::size_t last = down.size() - 1;
    const auto level = [](int before, int here, int after) {
        return static_cast<std::uint8_t>(cut_off(NOISE_FINENESS * std::abs(second_difference(before, here, after))));
    };
    response[0] = level(down[1], down[0], down[1]);
    for (std::size_t x = 1; x < last; ++x) {
        response[x] = level(down[x - 1], down[x], down[x + 1]);
    }
    response[last] = level(down[last - 1], down[last], down[last - 1]);
}

void add_row(const std::uint8_t *row, std::vector<int> &sums) {
    for (std::size_t tile = 0; tile < sums.size(); ++tile) {
        int sum = 0;
        for (std::size_t x = 0; x < NOISE_TILE; ++x) {
            sum += row[tile * NOISE_TILE + x];
        }
        sums[tile] += sum;
    }
}

void finish_row_of_tiles(std::vector<int> &sums, std::vector<std::uint8_t> &means) {
    std::transform(sums.begin(), sums.end(), std::back_inserter(means), tile_mean);
    std::fill(sums.begin(), sums.end(), 0);
}

// The whole tiles of the strip of `rows` rows from `start` on.
void add_strip(const Picture &grey, int start, int rows, NoiseTiles &tiles) {
    const std::size_t width = static_cast<std::size_t>(grey.width);
    std::vector<std::int16_t> down(width);
    std::vector<std::uint8_t> response(width);
    std::vector<int> response_sums(width / NOISE_TILE), level_sums(width / NOISE_TILE);
    for (int y = 0; y < rows / NOISE_TILE * NOISE_TILE; ++y) {
        const std::uint8_t *above = grey.row(start + (y == 0 ? 1 : y - 1));
        const std::uint8_t *here = grey.row(start + y);
        const std::uint8_t *below = grey.row(start + (y + 1 == rows ? y - 1 : y + 1));
        for (std::size_t x = 0; x < width; ++x) {
            down[x] = static_cast<std::int16_t>(second_difference(above[x], here[x], below[x]));
        }
        respond(down, response);
        add_row(response.data(), response_sums);
        add_row(here, level_sums);
        if (y % NOISE_TILE == NOISE_TILE - 1) {
            finish_row_of_tiles(response_sums, tiles.response);
            finish_row_of_tiles(level_sums, tiles.level);
        }
    }
}

// Differences of neighbours in one row of sampled columns, added to their tiles.
void add_differences(const std::uint8_t *above, const std::uint8_t *row, std::vector<int> &down,
                     std::vector<int> &along) {
    constexpr std::size_t COLUMNS = SMEAR_TILE / SAMPLE_STEP;
    const auto scaled = [](int one, int other) { return cut_off(SMEAR_FINENESS * std::abs(one - other)); };
    for (std::size_t tile = 0; tile < down.size(); ++tile) {
        for (std::size_t x = tile * COLUMNS; x < (tile + 1) * COLUMNS; ++x) {
            down[tile] += scaled(row[x + 1], above[x + 1]);
            along[tile] += scaled(row[x + 1], row[x]);
        }
    }
}

// Whole tiles of a frame, and the columns of it that are looked at.
struct SmearGrid {
    explicit SmearGrid(const Picture &picture)
        : samples((picture.width + SAMPLE_STEP - 1) / SAMPLE_STEP), rows((picture.height - 1) / SMEAR_TILE),
          columns(static_cast<std::size_t>((samples - 1) / (SMEAR_TILE / SAMPLE_STEP))) {}

    int samples;
    int rows;
    std::size_t columns;
};

void sample_row(const std::uint8_t *row, std::vector<std::uint8_t> &samples) {
    for (std::size_t x = 0; x < samples.size(); ++x) {
        samples[x] = row[x * SAMPLE_STEP];
    }
}

}  // namespace

NoiseTiles noise_tiles(const Picture &grey) {
    NoiseTiles tiles;
    const int third = grey.height / 3;
    for (const int start : {0, third, 2 * third}) {
        add_strip(grey, start, std::max(NOISE_TILE, third / 2), tiles);
    }
    return tiles;
}

std::vector<std::uint8_t> repeated_tiles(const Picture &grey) {
    const SmearGrid grid(grey);
    std::vector<std::uint8_t> above(static_cast<std::size_t>(grid.samples)), row(above.size()), repeated;
    std::vector<int> down(grid.columns), along(grid.columns);
    sample_row(grey.row(0), above);
    for (int y = 0; y < grid.rows * SMEAR_TILE; ++y) {
        sample_row(grey.row(y + 1), row);
        add_differences(above.data(), row.data(), down, along);
        std::swap(above, row);
        if (y % SMEAR_TILE == SMEAR_TILE - 1) {
            for (std::size_t tile = 0; tile < grid.columns; ++tile) {
                repeated.push_back(tile_mean(down[tile]) <= LARGEST_DOWN && tile_mean(along[tile]) >= SMEAR_FINENESS);
            }
            std::fill(down.begin(), down.end(), 0);
            std::fill(along.begin(), along.end(), 0);
        }
    }
    return repeated;
}

std::vector<std::uint8_t> whole_smear_tiles(const Picture &mask) {
    constexpr int COLUMNS = SMEAR_TILE / SAMPLE_STEP;
    const SmearGrid grid(mask);
    std::vector<std::uint8_t> whole(static_cast<std::size_t>(grid.rows) * grid.columns, 1);
    for (int y = 0; y < grid.rows * SMEAR_TILE; ++y) {
        const std::uint8_t *above = mask.row(y), *row = mask.row(y + 1);
        for (int x = 0; x < static_cast<int>(grid.columns) * COLUMNS; ++x) {
            const int here = (x + 1) * SAMPLE_STEP;
            if (row[here] == 0 || above[here] == 0 || row[here - SAMPLE_STEP] == 0) {
                whole[static_cast<std::size_t>(y / SMEAR_TILE) * grid.columns + static_cast<std::size_t>(x / COLUMNS)] = 0;
            }
        }
    }
    return whole;
}

}  // namespace dgiqa
