#include "reference/view_meter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace dgiqa {
namespace {

constexpr int TILE = 8;
constexpr int EDGE_UNIT = 64;
constexpr int SOFT_LEVELS = 6 * CELL_FINENESS;
constexpr int STRUCTURE = 3 * EDGE_UNIT * EDGE_UNIT;
constexpr double ENERGY_FLOOR = static_cast<double>(EDGE_UNIT * EDGE_UNIT / 2);
constexpr int SEARCH = 4;
constexpr double STILL = 0.8;
constexpr double FOUND = 0.5;
constexpr double GAIN = 0.05;
constexpr double TILE_FOUND = 0.7;
constexpr double TILE_GAIN = 0.15;
constexpr std::size_t LEAST_VOTERS = 4;
constexpr int DARK = 48 * CELL_FINENESS;
constexpr int LEAST_LIGHT = 24 * 4 * CELL_FINENESS;
constexpr int MOST_LIGHT = 235 * 4 * CELL_FINENESS;
constexpr int GREY_SPREAD = CELL_FINENESS;
constexpr int COLOURED_SPREAD = 10 * CELL_FINENESS;
constexpr double FADED[] = {1.0, 0.75, 0.5, 0.25};
constexpr double NO_COLOUR = 100.0;

Edges edges_of(const View &view) {
    const int rows = view.rows, columns = view.columns;
    const std::size_t plane = static_cast<std::size_t>(rows) * columns;
    Edges found{rows, columns, std::vector<std::int16_t>(2 * plane)};
    for (int y = 1; y + 1 < rows; ++y) {
        for (int x = 1; x + 1 < columns; ++x) {
            const std::size_t at = static_cast<std::size_t>(y) * columns + x;
            const int along = view.levels[at + 1] - view.levels[at - 1];
            const int down = view.levels[at + columns] - view.levels[at - columns];
            const double strength = std::sqrt(static_cast<double>(along * along + down * down)) + SOFT_LEVELS;
            found.values[at] = static_cast<std::int16_t>(std::floor(EDGE_UNIT * along / strength + 0.5));
            found.values[plane + at] = static_cast<std::int16_t>(std::floor(EDGE_UNIT * down / strength + 0.5));
        }
    }
    return found;
}

// Sum of the products of a tile of one picture and a tile of another, or the same: edges of one direction.
int product(const Edges &one, int row, int column, const Edges &other, int other_row, int other_column, int direction) {
    const std::size_t plane = static_cast<std::size_t>(one.rows) * one.columns * direction;
    const std::int16_t *a = &one.values[plane + static_cast<std::size_t>(row) * one.columns + column];
    const std::int16_t *b = &other.values[plane + static_cast<std::size_t>(other_row) * other.columns + other_column];
    int sum = 0;
    for (int y = 0; y < TILE; ++y, a += one.columns, b += other.columns) {
        for (int x = 0; x < TILE; ++x) {
            sum += a[x] * b[x];
        }
    }
    return sum;
}

std::vector<int> energies_of(const Edges &edges) {
    std::vector<int> found;
    for (const int direction : {0, 1}) {
        for (int y = 0; y + TILE <= edges.rows; ++y) {
            for (int x = 0; x + TILE <= edges.columns; ++x) {
                found.push_back(product(edges, y, x, edges, y, x, direction));
            }
        }
    }
    return found;
}

// Mean of the better half, rounded up, added from the best one on.
double better_half(std::vector<double> &values) {
    const std::size_t half = (values.size() + 1) / 2;
    const auto end = values.begin() + static_cast<std::ptrdiff_t>(half);
    std::partial_sort(values.begin(), end, values.end(), std::greater<double>());
    double sum = 0.0;
    for (auto value = values.begin(); value != end; ++value) {
        sum += *value;
    }
    return sum / static_cast<double>(half);
}

int light(const std::vector<int> &colours, std::size_t cell) {
    return colours[3 * cell] + 2 * colours[3 * cell + 1] + colours[3 * cell + 2];
}

// From the least to the most of the three colours: what nine tenths of the cells do not exceed.
int spread(const std::vector<int> &colours, const std::vector<std::size_t> &cells) {
    std::vector<int> spreads;
    for (const std::size_t cell : cells) {
        const auto [least, most] =
            std::minmax({colours[3 * cell], colours[3 * cell + 1], colours[3 * cell + 2]});
        spreads.push_back(most - least);
    }
    std::sort(spreads.begin(), spreads.end());
    return spreads[9 * (spreads.size() - 1) / 10];
}

// Blue (0) or red (2) over grey, less 1.
double hue(const std::vector<int> &colours, std::size_t cell, std::size_t channel) {
    return static_cast<double>(4 * colours[3 * cell + channel]) / light(colours, cell) - 1.0;
}

bool has_light(int value) { return value >= LEAST_LIGHT && value <= MOST_LIGHT; }

}  // namespace

bool ViewMeter::Tile::votes() const { return energy[0] + energy[1] >= 2 * STRUCTURE; }

ViewMeter::ViewMeter(View reference) : reference_(std::move(reference)), edges_(edges_of(reference_)) {
    const int rows = reference_.rows, columns = reference_.columns;
    std::size_t rich[2] = {0, 0};
    for (int y = (rows % TILE) / 2; y + TILE <= rows; y += TILE) {
        for (int x = (columns % TILE) / 2; x + TILE <= columns; x += TILE) {
            Tile tile = {y, x, {}, {}};
            for (const int direction : {0, 1}) {
                tile.energy[direction] = product(edges_, y, x, edges_, y, x, direction);
                tile.counts[direction] = tile.energy[direction] >= STRUCTURE;
                rich[direction] += tile.counts[direction];
            }
            tiles_.push_back(tile);
        }
    }
    for (Tile &tile : tiles_) {
        for (const int direction : {0, 1}) {
            tile.counts[direction] = tile.counts[direction] && rich[direction] >= LEAST_TILES;
        }
    }
    for (int down = -(rows / SEARCH); down <= rows / SEARCH; ++down) {
        for (int along = -(columns / SEARCH); along <= columns / SEARCH; ++along) {
            const auto enough = [&](int direction) {
                std::size_t seen = 0, all = 0;
                for (const Tile &tile : tiles_) {
                    all += tile.counts[direction];
                    seen += tile.counts[direction] && inside(tile, {down, along});
                }
                return 2 * seen >= all;
            };
            if (enough(0) && enough(1)) {
                shifts_.push_back({down, along});
            }
        }
    }
    std::stable_sort(shifts_.begin(), shifts_.end(),
                     [](const Shift &one, const Shift &other) { return one.squared() < other.squared(); });
}

std::size_t ViewMeter::tiles() const {
    std::size_t most = 0;
    for (const int direction : {0, 1}) {
        const auto count = std::count_if(tiles_.begin(), tiles_.end(),
                                         [&](const Tile &tile) { return tile.counts[direction]; });
        most = std::max(most, static_cast<std::size_t>(count));
    }
    return most;
}

bool ViewMeter::inside(const Tile &tile, Shift shift) const {
    const int row = tile.row + shift.down, column = tile.column + shift.along;
    return row >= 0 && column >= 0 && row + TILE <= reference_.rows && column + TILE <= reference_.columns;
}

ViewMeter::Match ViewMeter::match(const Edges &frame, const Energies &energies, const Tile &tile, Shift shift,
                                  int direction) const {
    const int row = tile.row + shift.down, column = tile.column + shift.along;
    const std::size_t across = reference_.columns - TILE + 1;
    const std::size_t place = (static_cast<std::size_t>(direction) * (reference_.rows - TILE + 1) + row) * across + column;
    return {product(edges_, tile.row, tile.column, frame, row, column, direction), energies[place]};
}

double ViewMeter::likeness(const Edges &frame, const Energies &energies, Shift shift) const {
    double worst = std::numeric_limits<double>::infinity();
    std::vector<double> values;
    for (const int direction : {0, 1}) {
        values.clear();
        for (const Tile &tile : tiles_) {
            if (tile.counts[direction] && inside(tile, shift)) {
                const Match found = match(frame, energies, tile, shift, direction);
                values.push_back(found.product / std::sqrt((tile.energy[direction] + ENERGY_FLOOR) *
                                                           (found.energy + ENERGY_FLOOR)));
            }
        }
        if (!values.empty()) {
            worst = std::min(worst, better_half(values));
        }
    }
    return worst;
}

double ViewMeter::likeness(const Edges &frame, const Energies &energies, const Tile &tile, Shift shift) const {
    const Match along = match(frame, energies, tile, shift, 0), down = match(frame, energies, tile, shift, 1);
    return (along.product + down.product) / std::sqrt((tile.energy[0] + tile.energy[1] + 2.0 * ENERGY_FLOOR) *
                                                      (along.energy + down.energy + 2.0 * ENERGY_FLOOR));
}

Difference ViewMeter::measure(const View &view) const {
    const Edges frame = edges_of(view);
    const Energies energies = energies_of(frame);
    const auto seen = std::count_if(tiles_.begin(), tiles_.end(), [&](const Tile &tile) {
        return match(frame, energies, tile, {0, 0}, 0).energy + match(frame, energies, tile, {0, 0}, 1).energy >=
               2 * STRUCTURE;
    });
    if (2 * static_cast<std::size_t>(seen) < LEAST_TILES) {
        return {std::nullopt, is_dark(view) ? std::nullopt : std::optional<double>(0.0), std::nullopt};
    }
    std::pair<double, std::optional<double>> found = {likeness(frame, energies, {0, 0}), 0.0};
    if (found.first < STILL) {
        found = search(frame, energies, found.first);
    }
    return {found.second, found.first, found.first >= FOUND ? cast(view) : std::nullopt};
}

std::pair<double, std::optional<double>> ViewMeter::search(const Edges &frame, const Energies &energies,
                                                           double likeness_here) const {
    const auto best_of = [this](auto likeness_at) {
        std::pair<double, int> best = {-std::numeric_limits<double>::infinity(), 0};
        for (const Shift &shift : shifts_) {
            if (const double found = likeness_at(shift); found > best.first) {
                best = {found, shift.squared()};
            }
        }
        return best;
    };
    const auto [best, distance] = best_of([&](Shift shift) { return likeness(frame, energies, shift); });
    std::optional<int> squared;
    if (best >= FOUND) {
        squared = best - likeness_here >= GAIN ? distance : 0;
    }
    // A camera that was turned about its axis, or zoomed, moves each tile another way.
    std::vector<int> votes;
    std::size_t voting = 0;
    for (const Tile &tile : tiles_) {
        if (!tile.votes()) {
            continue;
        }
        ++voting;
        const auto [value, moved] = best_of([&](Shift shift) {
            return inside(tile, shift) ? likeness(frame, energies, tile, shift) : -2.0;
        });
        if (value >= TILE_FOUND) {
            votes.push_back(value - likeness(frame, energies, tile, {0, 0}) >= TILE_GAIN ? moved : 0);
        }
    }
    if (votes.size() >= LEAST_VOTERS && 3 * votes.size() >= voting) {
        squared = std::max(squared.value_or(0), lower_median(votes));
    }
    if (!squared) {
        return {best, std::nullopt};
    }
    return {best, std::sqrt(static_cast<double>(*squared)) / reference_.columns};
}

std::optional<double> ViewMeter::cast(const View &view) const {
    const std::size_t count = view.colours.size() / 3;
    std::vector<std::size_t> usable, all;
    for (std::size_t cell = 0; cell < count; ++cell) {
        all.push_back(cell);
        if (has_light(light(view.colours, cell)) && has_light(light(reference_.colours, cell))) {
            usable.push_back(cell);
        }
    }
    if (4 * usable.size() < count) {
        return std::nullopt;
    }
    if (spread(view.colours, usable) <= GREY_SPREAD && spread(reference_.colours, all) >= COLOURED_SPREAD) {
        return NO_COLOUR;
    }
    std::optional<double> least;
    for (const double faded : FADED) {
        double parts[2];
        for (const std::size_t part : {0u, 1u}) {
            std::vector<double> differences;
            for (const std::size_t cell : usable) {
                differences.push_back(hue(view.colours, cell, 2 * part) -
                                      faded * hue(reference_.colours, cell, 2 * part));
            }
            parts[part] = lower_median(differences);
        }
        const double squared = parts[0] * parts[0] + parts[1] * parts[1];
        least = least ? std::min(*least, squared) : squared;
    }
    return 100.0 * std::sqrt(*least);
}

bool is_dark(const View &view) {
    std::vector<int> ordered = view.levels;
    const auto place = ordered.begin() + static_cast<std::ptrdiff_t>(19 * ordered.size() / 20);
    std::nth_element(ordered.begin(), place, ordered.end());
    return *place < DARK;
}

}  // namespace dgiqa
