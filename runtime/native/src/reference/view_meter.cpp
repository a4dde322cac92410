#include "reference/view_meter.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace dgiqa {
namespace {

constexpr int TILE = 8;
constexpr int EDGE_UNIT = 64;
constexpr int SOFT_LEVELS = 6 * CELL_FINENESS;
constexpr int STRUCTURE = 6 * EDGE_UNIT * EDGE_UNIT;
constexpr double ENERGY_FLOOR = static_cast<double>(EDGE_UNIT * EDGE_UNIT);
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

// Sum of the products of a tile of one picture and a tile of another, or the same.
int product(const Edges &one, int row, int column, const Edges &other, int other_row, int other_column) {
    const std::size_t plane = static_cast<std::size_t>(one.rows) * one.columns;
    int sum = 0;
    for (std::size_t part = 0; part < 2; ++part) {
        const std::int16_t *a = &one.values[part * plane + static_cast<std::size_t>(row) * one.columns + column];
        const std::int16_t *b =
            &other.values[part * plane + static_cast<std::size_t>(other_row) * other.columns + other_column];
        for (int y = 0; y < TILE; ++y, a += one.columns, b += other.columns) {
            for (int x = 0; x < TILE; ++x) {
                sum += a[x] * b[x];
            }
        }
    }
    return sum;
}

// The sum of squares of the tile at each place, [rows - 7, columns - 7].
std::vector<double> energies_of(const Edges &edges) {
    std::vector<double> found;
    for (int y = 0; y + TILE <= edges.rows; ++y) {
        for (int x = 0; x + TILE <= edges.columns; ++x) {
            found.push_back(product(edges, y, x, edges, y, x));
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

double middle(std::vector<double> values) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), place, values.end());
    return *place;
}

bool has_light(int value) { return value >= LEAST_LIGHT && value <= MOST_LIGHT; }

}  // namespace

ViewMeter::ViewMeter(View reference) : reference_(std::move(reference)), edges_(edges_of(reference_)) {
    const int rows = reference_.rows, columns = reference_.columns;
    for (int y = (rows % TILE) / 2; y + TILE <= rows; y += TILE) {
        for (int x = (columns % TILE) / 2; x + TILE <= columns; x += TILE) {
            corners_.push_back({y, x});
            const int energy = product(edges_, y, x, edges_, y, x);
            if (energy >= STRUCTURE) {
                tiles_.push_back({{y, x}, energy + ENERGY_FLOOR});
            }
        }
    }
    for (int down = -(rows / SEARCH); down <= rows / SEARCH; ++down) {
        for (int along = -(columns / SEARCH); along <= columns / SEARCH; ++along) {
            const auto seen = std::count_if(tiles_.begin(), tiles_.end(), [&](const Tile &tile) {
                return inside({tile.corner.row + down, tile.corner.column + along});
            });
            if (2 * static_cast<std::size_t>(seen) >= tiles_.size()) {
                shifts_.push_back({down, along});
            }
        }
    }
    std::stable_sort(shifts_.begin(), shifts_.end(),
                     [](const Shift &one, const Shift &other) { return one.squared() < other.squared(); });
}

bool ViewMeter::inside(Corner corner) const {
    return corner.row >= 0 && corner.column >= 0 && corner.row + TILE <= reference_.rows &&
           corner.column + TILE <= reference_.columns;
}

double ViewMeter::likeness(const Edges &frame, const std::vector<double> &energies, const Tile &tile,
                           Corner at) const {
    const std::size_t place = static_cast<std::size_t>(at.row) * (reference_.columns - TILE + 1) + at.column;
    const int products = product(edges_, tile.corner.row, tile.corner.column, frame, at.row, at.column);
    return products / std::sqrt(tile.energy * (energies[place] + ENERGY_FLOOR));
}

Difference ViewMeter::measure(const View &view) const {
    const Edges frame = edges_of(view);
    const std::vector<double> energies = energies_of(frame);
    const auto seen = std::count_if(corners_.begin(), corners_.end(), [&](const Corner &corner) {
        const std::size_t place = static_cast<std::size_t>(corner.row) * (view.columns - TILE + 1) + corner.column;
        return energies[place] >= STRUCTURE;
    });
    if (2 * static_cast<std::size_t>(seen) < LEAST_TILES) {
        return {std::nullopt, is_dark(view) ? std::nullopt : std::optional<double>(0.0), std::nullopt};
    }
    std::vector<double> here;
    for (const Tile &tile : tiles_) {
        here.push_back(likeness(frame, energies, tile, tile.corner));
    }
    std::vector<double> sorted = here;
    std::pair<double, std::optional<double>> found = {better_half(sorted), 0.0};
    if (found.first < STILL) {
        found = search(frame, energies, here, found.first);
    }
    return {found.second, found.first, found.first >= FOUND ? cast(view) : std::nullopt};
}

std::pair<double, std::optional<double>> ViewMeter::search(const Edges &frame, const std::vector<double> &energies,
                                                           const std::vector<double> &here,
                                                           double likeness_here) const {
    std::vector<double> best_of_tile(tiles_.size(), -2.0), values;
    std::vector<int> distance_of_tile(tiles_.size(), 0);
    double best = -2.0;
    int distance = 0;
    for (const Shift &shift : shifts_) {
        values.clear();
        for (std::size_t tile = 0; tile < tiles_.size(); ++tile) {
            const Corner at = {tiles_[tile].corner.row + shift.down, tiles_[tile].corner.column + shift.along};
            if (!inside(at)) {
                continue;
            }
            const double value = likeness(frame, energies, tiles_[tile], at);
            values.push_back(value);
            if (value > best_of_tile[tile]) {
                best_of_tile[tile] = value;
                distance_of_tile[tile] = shift.squared();
            }
        }
        const double whole = better_half(values);
        if (whole > best) {
            best = whole;
            distance = shift.squared();
        }
    }
    std::optional<int> squared;
    if (best >= FOUND) {
        squared = best - likeness_here >= GAIN ? distance : 0;
    }
    // A camera that was turned about its axis, or zoomed, moves each tile another way.
    std::vector<int> votes;
    for (std::size_t tile = 0; tile < tiles_.size(); ++tile) {
        if (best_of_tile[tile] >= TILE_FOUND) {
            votes.push_back(best_of_tile[tile] - here[tile] >= TILE_GAIN ? distance_of_tile[tile] : 0);
        }
    }
    if (votes.size() >= LEAST_VOTERS && 3 * votes.size() >= tiles_.size()) {
        std::sort(votes.begin(), votes.end());
        squared = std::max(squared.value_or(0), votes[(votes.size() - 1) / 2]);
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
            parts[part] = middle(std::move(differences));
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
