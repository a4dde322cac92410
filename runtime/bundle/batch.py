"""Several frames at once: how many an engine takes, how a batch that lacks some is filled, by which it is checked."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a manifest is read without NumPy
    import numpy as np
    from numpy.typing import NDArray

MOST_FRAMES = 64
"""At once; the schema of the manifest says the same."""


@dataclass(frozen=True)
class BatchRange:
    """Frames that the engines take at once: ``most``, or any number from ``least``, which is 1 then."""

    least: int = 1
    most: int = 1

    @property
    def fixed(self) -> bool:
        """Whether they take one number of frames only."""
        return self.least == self.most

    def __str__(self) -> str:
        return str(self.most) if self.fixed else f"{self.least}..{self.most}"


def filled(array: "NDArray[Any]", rows: int) -> "NDArray[Any]":
    """The array with its last row, along the first axis, repeated until there are so many; as it is where there are."""
    import numpy as np

    missing = rows - len(array)
    return array if missing <= 0 else np.concatenate([array, np.repeat(array[-1:], missing, axis=0)])


def batches_to_check(frame: "NDArray[np.uint8]", batch: BatchRange) -> "Iterator[tuple[NDArray[np.uint8], range]]":
    """Batches that have the golden frame in some rows, and those rows: alone, then in every row of a full batch.

    Beside it are others, as unlike it as can be, so that what a row takes from its neighbours shows.

    Args:
        frame: uint8 [1, H, W, 3].
    """
    import numpy as np

    if batch.least == 1:
        yield frame, range(1)
    if batch.most == 1:
        return
    others = np.concatenate([(255 - frame) // (1 + row % 4) for row in range(batch.most)])
    for first in (0, 1):
        rows = range(first, batch.most, 2)
        frames = others.copy()
        frames[rows.start :: rows.step] = frame
        yield frames, rows
