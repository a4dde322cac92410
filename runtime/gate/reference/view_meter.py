"""How a frame's view differs from the reference view: moved by how much, how like it is, what colour lies over it.

Compared are directions of edges, not brightness: light of another strength or place, or little contrast, leave them.
The picture is cut into tiles, and the better half of them speaks: who walks or parks before the camera hides some, a
camera that moved spoils all. A tile's likeness at a shift is the normalised correlation of its edges. Edges along the
rows and down the columns are two votes of which the worse counts: a horizon goes on looking alike while a camera pans.

Edges are whole numbers and sums of them exact; the rest is float64 in the order written here, so that the vectors in
``tests/vectors/reference`` hold to the bit in every language.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .view import FINENESS, Cells, View

TILE = 8
LEAST_TILES = 6
"""Tiles with edges of one direction that a reference must have; a direction with fewer says nothing."""

_EDGE_UNIT = 64
_SOFT_LEVELS = 6 * FINENESS  # edges much weaker than this count for little: noise and the seams of a codec
_STRUCTURE = 3 * _EDGE_UNIT**2  # sum of squares of a tile's edges of one direction
_FLOOR = float(_EDGE_UNIT**2 // 2)
_SEARCH = 4  # shifts up to a quarter of the picture
_STILL = 0.8  # as like as this where it is, a view has not moved
_FOUND = 0.5  # as like as this elsewhere, and by _GAIN more than where it was, it has moved there
_GAIN = 0.05
_TILE_FOUND = 0.7
_TILE_GAIN = 0.15
_LEAST_VOTERS = 4
_DARK = 48 * FINENESS
_COLOUR_RANGE = (24 * 4 * FINENESS, 235 * 4 * FINENESS)
_GREY_SPREAD = FINENESS
_COLOURED_SPREAD = 10 * FINENESS
_FADED = (1.0, 0.75, 0.5, 0.25)
NO_COLOUR = 100.0


class Difference(NamedTuple):
    """As the cues of these names (``Cues`` in ``reading.py``)."""

    moved: float | None
    likeness: float | None
    cast: float | None


class _Found(NamedTuple):
    """Of each direction, tile and shift: sums of products, and of squares in the frame; whether the tile is inside."""

    products: NDArray[np.float64]
    energy: NDArray[np.float64]
    inside: NDArray[np.bool_]


class ViewMeter:
    """Compares frames with one reference view. For one thread at a time."""

    def __init__(self, reference: View) -> None:
        self._reference = reference
        self.cells: tuple[int, int] = reference.levels.shape[0], reference.levels.shape[1]
        self._corners = _corners(self.cells)
        self._at = (self._corners[:, 0], self._corners[:, 1])
        self._tiles = self._tiles_here(_edges(reference.levels))
        self._energy = _energy(self._tiles)
        rich = [energy >= _STRUCTURE for energy in self._energy]
        self._directions = [(at, rich[at]) for at in (0, 1) if np.count_nonzero(rich[at]) >= LEAST_TILES]
        self._voting = self._energy.sum(axis=0) >= 2 * _STRUCTURE
        shifts = _shifts(self.cells)
        places = self._corners[:, None] + shifts
        limits = np.array(self.cells) - TILE
        inside = np.asarray(((places >= 0) & (places <= limits)).all(axis=2), np.bool_)
        enough = np.ones(len(shifts), bool)
        for _, chosen in self._directions:
            enough &= 2 * inside[chosen].sum(axis=0) >= np.count_nonzero(chosen)
        self._shifts, self._inside, places = shifts[enough], inside[:, enough], places[:, enough]
        self._places = np.where(self._inside, places[..., 0] * (limits[1] + 1) + places[..., 1], 0)

    @property
    def tiles(self) -> int:
        """Tiles with edges, of the direction that has more; 0 where none has enough."""
        return max((int(np.count_nonzero(chosen)) for _, chosen in self._directions), default=0)

    def measure(self, view: View) -> Difference:
        """The difference of a frame of the reference's number of cells.

        A dark frame without any structure gives no shift and no likeness, for nobody can tell. One that has light and
        no structure is unlike: a wall, or a cover. Colours are compared where the view is the same.
        """
        edges = _edges(view.levels)
        frame = self._tiles_here(edges)
        energy_here = _energy(frame)
        if 2 * np.count_nonzero(energy_here.sum(axis=0) >= 2 * _STRUCTURE) < LEAST_TILES:
            return Difference(None, None if is_dark(view) else 0.0, None)
        products = (self._tiles * frame).sum(axis=2, dtype=np.float64)
        here = _Found(products[..., None], energy_here[..., None], np.ones((len(self._corners), 1), bool))
        likeness, moved = float(self._likeness(here)[0]), 0.0
        shift: float | None = moved
        if likeness < _STILL:
            likeness, shift = self._search(edges, self._of_tiles(here)[:, 0], likeness)
        return Difference(shift, likeness, self._cast(view) if likeness >= _FOUND else None)

    def _search(self, edges: Cells, here: NDArray[np.float64], likeness_here: float) -> tuple[float, float | None]:
        """Likeness at the best shift, and how far the view has moved; None where that cannot be told."""
        flat = _windows(edges).reshape(2, -1, TILE * TILE)
        products = np.stack([np.take_along_axis(self._tiles[at] @ flat[at].T, self._places, axis=1) for at in (0, 1)])
        found = _Found(products.astype(np.float64), _energy(flat)[:, self._places], self._inside)
        likeness = self._likeness(found)
        distance = (self._shifts**2).sum(axis=1)
        best = int(likeness.argmax())
        squared = []
        if likeness[best] >= _FOUND:
            squared.append(int(distance[best]) if likeness[best] - likeness_here >= _GAIN else 0)
        # A camera that was turned about its axis, or zoomed, moves each tile another way.
        by_shift = np.where(self._inside[self._voting], self._of_tiles(found), -2.0)
        of_tile = by_shift.argmax(axis=1)
        value = by_shift[np.arange(len(by_shift)), of_tile]
        votes = np.sort(np.where(value - here >= _TILE_GAIN, distance[of_tile], 0)[value >= _TILE_FOUND])
        if len(votes) >= _LEAST_VOTERS and 3 * len(votes) >= len(by_shift):
            squared.append(int(votes[(len(votes) - 1) // 2]))
        moved = math.sqrt(max(squared)) / self.cells[1] if squared else None
        return float(likeness[best]), moved

    def _tiles_here(self, edges: Cells) -> NDArray[np.float32]:
        """The tiles where the reference has them: float32 [2, n, 64]."""
        return _windows(edges)[:, self._at[0], self._at[1]].reshape(2, -1, TILE * TILE)

    def _likeness(self, found: "_Found") -> NDArray[np.float64]:
        """Of the picture at each shift: of the two directions the worse."""
        worst = np.full(found.inside.shape[1], math.inf)
        for at, chosen in self._directions:
            energies = (self._energy[at, chosen, None] + _FLOOR) * (found.energy[at, chosen] + _FLOOR)
            values = found.products[at, chosen] / np.sqrt(energies)
            worst = np.minimum(worst, _better_half(values, found.inside[chosen]))
        return worst

    def _of_tiles(self, found: "_Found") -> NDArray[np.float64]:
        """Of each tile at each shift, by both directions together."""
        own = self._energy.sum(axis=0)[self._voting, None] + 2.0 * _FLOOR
        energies = own * (found.energy.sum(axis=0)[self._voting] + 2.0 * _FLOOR)
        return np.asarray(found.products.sum(axis=0)[self._voting] / np.sqrt(energies), np.float64)

    def _cast(self, view: View) -> float | None:
        """Distance of the colours, percent of the grey level: the median of the cells, so that a red car is no cast.

        Haze and glare take colour away and add none: of the distances to the reference and to faded copies of it the
        least counts. A picture without any colour is ``NO_COLOUR`` away from a reference that has some.
        """
        lit, reference_lit = _light(view.colours), _light(self._reference.colours)
        lowest, highest = _COLOUR_RANGE
        usable = (lit >= lowest) & (lit <= highest) & (reference_lit >= lowest) & (reference_lit <= highest)
        if 4 * np.count_nonzero(usable) < usable.size:
            return None
        if _spread(view.colours[usable]) <= _GREY_SPREAD and _spread(self._reference.colours) >= _COLOURED_SPREAD:
            return NO_COLOUR
        now = _hue(view.colours[usable], lit[usable])
        meant = _hue(self._reference.colours[usable], reference_lit[usable])
        squared = []
        for faded in _FADED:
            blue, red = (_middle(now[:, channel] - faded * meant[:, channel]) for channel in (0, 1))
            squared.append(blue * blue + red * red)
        return 100.0 * math.sqrt(min(squared))


def is_dark(view: View) -> bool:
    """Whether 95 % of the cells are darker than grey level 48."""
    ordered = np.sort(view.levels, axis=None)
    return bool(ordered[19 * len(ordered) // 20] < _DARK)


def _edges(levels: Cells) -> Cells:
    """Differences across each cell over its edge's strength, in 1/64: int64 [2, rows, columns], 0 at the border."""
    along, down = np.zeros_like(levels), np.zeros_like(levels)
    along[1:-1, 1:-1] = levels[1:-1, 2:] - levels[1:-1, :-2]
    down[1:-1, 1:-1] = levels[2:, 1:-1] - levels[:-2, 1:-1]
    strength = np.sqrt(along * along + down * down) + _SOFT_LEVELS
    edges = [np.floor(_EDGE_UNIT * part / strength + 0.5) for part in (along, down)]
    return np.asarray(edges, np.int64)


def _windows(edges: Cells) -> NDArray[np.float32]:
    """The tile at each place: float32 [2, rows - 7, columns - 7, 8, 8]. Whole numbers: sums of products are exact."""
    return np.lib.stride_tricks.sliding_window_view(edges.astype(np.float32), (TILE, TILE), axis=(1, 2))


def _energy(tiles: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.einsum("...k,...k->...", tiles, tiles), np.float64)


def _corners(cells: tuple[int, int]) -> Cells:
    """Upper left corners of the tiles, which lie in the middle: int64 [n, 2], row and column, by rows."""
    (first_row, rows), (first_column, columns) = (((side % TILE) // 2, side // TILE) for side in cells)
    grid = np.indices((rows, columns)).reshape(2, -1).T
    return np.asarray(grid * TILE + (first_row, first_column), np.int64)


def _shifts(cells: tuple[int, int]) -> Cells:
    """All shifts, int64 [n, 2], the shortest first; of equally short ones by row, then by column."""
    rows, columns = cells[0] // _SEARCH, cells[1] // _SEARCH
    grid = np.indices((2 * rows + 1, 2 * columns + 1)).reshape(2, -1).T - (rows, columns)
    return np.asarray(grid[np.argsort((grid**2).sum(axis=1), kind="stable")], np.int64)


def _better_half(values: NDArray[np.float64], inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Per column the mean of the better half of those inside, rounded up; added from the best one on."""
    half = (inside.sum(axis=0) + 1) // 2
    sums = np.cumsum(np.sort(np.where(inside, values, -2.0), axis=0)[::-1], axis=0)
    return np.asarray(sums[half - 1, np.arange(values.shape[1])] / half, np.float64)


def _light(colours: Cells) -> Cells:
    return np.asarray(colours[..., 0] + 2 * colours[..., 1] + colours[..., 2], np.int64)


def _hue(colours: Cells, light: Cells) -> NDArray[np.float64]:
    """Blue and red over grey, less 1: float64 [n, 2]."""
    return np.asarray(4 * colours[:, (0, 2)] / light[:, None] - 1.0, np.float64)


def _spread(colours: Cells) -> int:
    """From the least to the most of the three colours: what nine tenths of the cells do not exceed."""
    spreads = np.sort((colours.max(axis=-1) - colours.min(axis=-1)), axis=None)
    return int(spreads[9 * (len(spreads) - 1) // 10])


def _middle(values: NDArray[np.float64]) -> float:
    return float(np.sort(values)[(len(values) - 1) // 2])
