"""What the scorer sees of a frame of which only regions count, and where in the frame it finds a fault.

What is excluded is filled (``frames/filling.py``), and the picture keeps its size: cut to what is included it would be
scored at another scale, which hides blur and changes what every threshold means.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..frames.filling import Filling
from ..gate.regions import WHOLE, Regions
from ..gate.verdict import Verdict
from ..gate.vocabulary import head_of
from ..ground.framing import Box, Size
from ..quality import PROBABLE, Quality

Rows = tuple[tuple[float, ...], ...]

_CELL = 16  # pixels a side of a cell, of which those included are counted
_DECIMALS = 4
_MOSTLY = 0.6  # of the picture


class Seen:
    """For one camera; remembers how frames of one size are filled. For one thread at a time."""

    def __init__(self, regions: Regions = WHOLE) -> None:
        self.regions = regions
        self._size: tuple[int, ...] = ()
        self._filling: Filling | None = None

    def picture(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame, uint8 [H, W, 3], as it is scored: the frame itself where all of it counts, else a filled copy."""
        if not self.regions:
            return frame
        if frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            mask = self.regions.mask(*self._size)
            self._filling = Filling(mask) if mask.any() else None  # so small that no pixel's centre is included
        picture = frame.copy()
        if self._filling is not None:
            self._filling.fill(picture)
        return picture

    def placed(self, verdict: Verdict, quality: Quality, size: Size) -> Verdict:
        """The verdict with ``where`` in a frame of this size the fault of its reason is."""
        return replace(verdict, where=where(quality, head_of(verdict.reason), size, self.regions))


def where(quality: Quality, fault: str | None, size: Size, regions: Regions = WHOLE) -> Rows | None:
    """A fault's probability in each cell of the frame, times the share of the cell that is included and was seen.

    Args:
        fault: as the bundle calls it; None: the bundle has no name for it.

    Returns:
        rows from the top, each from the left, as many as the bundle's coverage has; None where it reads no such fault.
    """
    if quality.coverage is None or fault is None or fault not in quality.faults:
        return None
    cells = np.asarray(quality.coverage, np.float64)[:, :, list(quality.faults).index(fault)]
    rows, columns = cells.shape
    height, width = size[:2]
    box = quality.frame_box or Box(0, 0, width, height)
    picture = quality.depth_box or Box(0, 0, quality.depth.shape[1], quality.depth.shape[0])
    whole = quality.depth.shape
    down = _overlaps(rows, (box.top / height, box.height / height), (picture.top, picture.height), whole[0])
    across = _overlaps(columns, (box.left / width, box.width / width), (picture.left, picture.width), whole[1])
    seen = np.outer(down.sum(1), across.sum(1))
    probable = down @ cells @ across.T / np.maximum(seen, 1e-9)
    if regions:
        mask = regions.mask(rows * _CELL, columns * _CELL).reshape(rows, _CELL, columns, _CELL)
        seen = np.minimum(seen, mask.mean(axis=(1, 3)) / 255.0)
    return tuple(tuple(row) for row in np.round(probable * seen, _DECIMALS).tolist())


def _overlaps(count: int, box: tuple[float, float], picture: tuple[int, int], whole: int) -> NDArray[np.float64]:
    """How much of each cell of the frame each cell that was scored takes, [count, count]; along one side.

    Args:
        box: begin and length of the frame's part that was scored, as shares of the frame.
        picture: begin and length of that part in what was scored, which is ``whole`` long: more, where it was padded.
    """
    scale = box[1] / picture[1]
    edges = box[0] + (np.arange(count + 1) * whole / count - picture[0]) * scale
    edges = np.clip(edges, box[0], box[0] + box[1])
    cells = np.arange(count + 1) / count
    first = np.maximum(cells[:-1, np.newaxis], edges[np.newaxis, :-1])
    last = np.minimum(cells[1:, np.newaxis], edges[np.newaxis, 1:])
    return np.maximum(last - first, 0.0) * count


def in_words(rows: Sequence[Sequence[float]] | None) -> str:
    """Where cells are more probable than not: ``top left``, ``right``, ``in the middle``, ``all over``; else empty.

    Example:
        >>> in_words([[0.9, 0.1, 0.0], [0.2, 0.0, 0.0], [0.0, 0.0, 0.0]])
        'top left'
    """
    cells = np.asarray(rows if rows is not None else (), np.float64)
    probable = cells >= PROBABLE
    if not probable.any():
        return ""
    if probable.mean() >= _MOSTLY:
        return "all over"
    down, across = (
        float((places + 0.5).mean() / length)
        for places, length in zip(np.nonzero(probable), probable.shape, strict=True)
    )
    words = [names[int(place * 3)] for place, names in ((down, ("top", "", "bottom")), (across, ("left", "", "right")))]
    return " ".join(filter(None, words)) or "in the middle"
