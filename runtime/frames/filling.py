"""What does not count of a picture, filled with what is beside it, mirrored.

A patch of one colour, or one without structure, would be scored as dirt or blur; mirrored surroundings are as sharp and
as clear as the rest. Each pixel takes after the nearest border of what counts in its row or its column (left before
right before above before below) and shows what lies as far on the other side of it, folded back where that ends too.
Pixels are copied, never mixed: ``runtime/native/src/regions/filling.cpp`` copies the same ones.
"""

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
Places = NDArray[np.int64]


class Filling:
    """Of the pictures of one size of which the same part counts.

    Args:
        mask: uint8 [H, W], 0 where the picture does not count; elsewhere it does, in at least one pixel.
    """

    def __init__(self, mask: Mask) -> None:
        known = mask > 0
        sources = np.arange(mask.size).reshape(mask.shape)
        while not known.all():  # once more for what has nothing that counts in its row and none in its column
            nearest, known = _sources(known)
            sources = sources.ravel()[nearest]
        self._excluded = np.flatnonzero(mask == 0)
        self._sources = sources.ravel()[self._excluded]

    def fill(self, picture: NDArray[np.uint8]) -> None:
        """Fill a picture, uint8 [H, W, 3] without gaps, in place."""
        pixels = picture.reshape(-1, 3)
        pixels[self._excluded] = pixels[self._sources]


def _sources(known: NDArray[np.bool_]) -> tuple[Places, NDArray[np.bool_]]:
    """The place of the pixel that each is a copy of (itself, where it is known), and which are known by now."""
    place = np.arange(known.size).reshape(known.shape)
    best, source = np.where(known, 0, known.size), place.copy()
    for turn in (
        lambda array: array,
        lambda array: array[:, ::-1],
        lambda array: array.T,
        lambda array: array.T[:, ::-1],
    ):
        distance, mirrored = _from_the_left(turn(known))
        nearer = turn(best) > distance
        there = np.take_along_axis(turn(place), mirrored, 1)
        turn(source)[nearer] = there[nearer]
        turn(best)[nearer] = distance[nearer]
    return source, best < known.size


def _from_the_left(known: NDArray[np.bool_]) -> tuple[Places, Places]:
    """How far each pixel is from the last known one before it in its row, and the column that shows there mirrored."""
    columns = np.arange(known.shape[1])[np.newaxis]
    last = np.maximum.accumulate(np.where(known, columns, -1), 1)
    begins = known & ~np.pad(known, ((0, 0), (1, 0)))[:, :-1]
    length = last - np.maximum.accumulate(np.where(begins, columns, -1), 1) + 1
    distance = columns - last
    folded = (distance - 1) % (2 * np.maximum(length, 1))
    mirrored = last - np.minimum(folded, 2 * length - 1 - folded)
    return np.where(last < 0, known.size, distance), np.where(last < 0, 0, mirrored)
