// How a frame's view differs from the reference view: moved by how much, how like it is, what colour lies over it. A
// port of the Python package's runtime/gate/reference/view_meter.py, to the bit; the method is described there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "reference/view.hpp"

namespace dgiqa {

// Tiles with edges, along the rows or down the columns, that a reference must have; a direction with fewer says nothing.
inline constexpr std::size_t LEAST_TILES = 6;

// As the cues of these names.
struct Difference {
    std::optional<double> moved;
    std::optional<double> likeness;
    std::optional<double> cast;
};

// Directions of edges, in 1/64: those along the rows, then those down the columns.
struct Edges {
    int rows = 0;
    int columns = 0;
    std::vector<std::int16_t> values;  // [2, rows, columns]
};

// Compares frames with one reference view. For one thread at a time.
class ViewMeter {
public:
    explicit ViewMeter(View reference);

    // Of a frame of the reference's number of cells.
    Difference measure(const View &view) const;

    int rows() const { return reference_.rows; }
    int columns() const { return reference_.columns; }
    std::size_t tiles() const;  // with edges, of the direction that has more; 0 where none has enough

private:
    struct Shift {
        int down;
        int along;
        int squared() const { return down * down + along * along; }
    };
    // Of one direction in one tile: a sum of products, and of the frame's squares.
    struct Match {
        int product;
        int energy;
    };
    struct Tile {
        int row;
        int column;
        int energy[2];
        bool counts[2];  // whether it has enough edges of the direction, and the reference enough such tiles
        bool votes() const;
    };
    // Sums of squares of each direction in the tile at each place, [2, rows - 7, columns - 7].
    using Energies = std::vector<int>;

    // Likeness at the best shift, and how far the view has moved; none where that cannot be told.
    std::pair<double, std::optional<double>> search(const Edges &frame, const Energies &energies,
                                                    double likeness_here) const;
    // Of the picture at a shift: of the two directions the worse.
    double likeness(const Edges &frame, const Energies &energies, Shift shift) const;
    // Of a tile at a shift, by both directions together.
    double likeness(const Edges &frame, const Energies &energies, const Tile &tile, Shift shift) const;
    Match match(const Edges &frame, const Energies &energies, const Tile &tile, Shift shift, int direction) const;
    std::optional<double> cast(const View &view) const;
    bool inside(const Tile &tile, Shift shift) const;

    View reference_;
    Edges edges_;
    std::vector<Tile> tiles_;
    std::vector<Shift> shifts_;
};

// Whether 95 % of the cells are darker than grey level 48.
bool is_dark(const View &view);

}  // namespace dgiqa
