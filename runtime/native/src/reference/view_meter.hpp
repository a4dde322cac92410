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

inline constexpr std::size_t LEAST_TILES = 6;  // with structure, that a reference must have

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
    std::size_t tiles() const { return tiles_.size(); }  // of the reference, that have structure

private:
    struct Corner {
        int row;
        int column;
    };
    struct Shift {
        int down;
        int along;
        int squared() const { return down * down + along * along; }
    };
    struct Tile {
        Corner corner;
        double energy;  // and the floor
    };
    // Likeness at the best shift, and how far the view has moved; none where that cannot be told.
    std::pair<double, std::optional<double>> search(const Edges &frame, const std::vector<double> &energies,
                                                    const std::vector<double> &here, double likeness_here) const;
    std::optional<double> cast(const View &view) const;
    bool inside(Corner corner) const;
    double likeness(const Edges &frame, const std::vector<double> &energies, const Tile &tile, Corner at) const;

    View reference_;
    Edges edges_;
    std::vector<Corner> corners_;
    std::vector<Tile> tiles_;
    std::vector<Shift> shifts_;
};

// Whether 95 % of the cells are darker than grey level 48.
bool is_dark(const View &view);

}  // namespace dgiqa
