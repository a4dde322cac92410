"""A picture made so small that a camera's view is compared by it: grey levels of about 64x36 cells, colours of 16x9.

Sums of whole cells in whole numbers, so that every language gives the same bits.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.int64]

LONG_SIDE = 64
LEAST_CELLS = 16
COLOUR_CELLS = 4
"""Cells of grey levels beside each other that share one cell of colours."""
FINENESS = 16
"""Steps per grey level in which cells are kept."""
MOST_LEVEL = 255 * FINENESS


@dataclass(frozen=True, eq=False)
class View:
    """One picture's cells; or of many pictures the median of each.

    Attributes:
        levels: mean grey levels, sixteenths, int64 [rows, columns].
        colours: mean blue, green and red, sixteenths of a level, int64 [rows // 4, columns // 4, 3].
    """

    levels: Cells
    colours: Cells


def cells_of(width: int, height: int) -> tuple[int, int]:
    """Rows and columns of a picture's cells: 64 along its longer side, at least 16 along the other."""
    longer, shorter = max(width, height), min(width, height)
    cells = max(LEAST_CELLS, (LONG_SIDE * shorter + longer // 2) // longer)
    return (LONG_SIDE, cells) if height > width else (cells, LONG_SIDE)


def view_of(grey: NDArray[np.uint8], samples: NDArray[np.uint8], cells: tuple[int, int] | None = None) -> View:
    """The cells of a frame.

    Args:
        grey: its grey levels, uint8 [H, W], at least 64 on a side.
        samples: every fourth pixel of every fourth row, uint8 [H // 4, W // 4, 3] BGR, sides rounded up.
        cells: rows and columns, those of another view to compare with; None for the frame's own.
    """
    rows, columns = cells or cells_of(grey.shape[1], grey.shape[0])
    return View(_means(grey, rows, columns), _means(samples, rows // COLOUR_CELLS, columns // COLOUR_CELLS))


def _means(picture: NDArray[np.uint8], rows: int, columns: int) -> Cells:
    """Of each cell, sixteenths of a level rounded half up; cells end at the whole pixel below."""
    down = np.arange(rows + 1) * picture.shape[0] // rows
    along = np.arange(columns + 1) * picture.shape[1] // columns
    # Sums may pass 32 bits in a large picture; their differences do not, and unsigned ones wrap around.
    sums = cv2.integral(picture).view(np.uint32)[np.ix_(down, along)]
    cells = np.diff(np.diff(sums, axis=0), axis=1).astype(np.int64)
    pixels = np.diff(down)[:, None] * np.diff(along)
    if cells.ndim == 3:
        pixels = pixels[..., None]
    return np.asarray((2 * FINENESS * cells + pixels) // (2 * pixels), np.int64)
