"""What does not count is filled with what is beside it, mirrored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.frames.filling import Filling


def filled(levels, mask):
    picture = np.repeat(np.asarray(levels, np.uint8)[..., np.newaxis], 3, -1)
    Filling(np.asarray(mask, np.uint8)).fill(picture)
    return picture[..., 0].tolist()


@pytest.mark.parametrize(
    ("levels", "mask", "expected"),
    [
        ([[1, 2, 3, 0, 0]], [[1, 1, 1, 0, 0]], [[1, 2, 3, 3, 2]]),
        ([[0, 0, 3, 4, 5]], [[0, 0, 1, 1, 1]], [[4, 3, 3, 4, 5]]),
        ([[1, 2, 0, 0, 0, 6, 7]], [[1, 1, 0, 0, 0, 1, 1]], [[1, 2, 2, 1, 6, 6, 7]]),  # halves go to the left
        ([[0, 1, 2, 0, 0, 0, 0, 0]], [[0, 1, 1, 0, 0, 0, 0, 0]], [[1, 1, 2, 2, 1, 1, 2, 2]]),  # folded
        ([[1, 2], [3, 4], [0, 0], [0, 0]], [[1, 1], [1, 1], [0, 0], [0, 0]], [[1, 2], [3, 4], [3, 4], [1, 2]]),
        ([[9, 0], [0, 0]], [[1, 0], [0, 0]], [[9, 9], [9, 9]]),  # what has nothing in its row, nor in its column
    ],
)
def test_each_pixel_takes_after_the_nearest_border(levels, mask, expected):
    assert filled(levels, mask) == expected


@given(st.integers(1, 12), st.integers(1, 12), st.randoms())
def test_what_counts_stays_and_the_rest_is_copied_from_it(height, width, random):
    mask = np.array([[random.random() < 0.4 for _ in range(width)] for _ in range(height)], np.uint8)
    mask[random.randrange(height), random.randrange(width)] = 1
    levels = np.arange(1, height * width + 1).reshape(height, width) * mask
    found = np.array(filled(levels, mask))
    assert (found[mask > 0] == levels[mask > 0]).all()
    assert set(found.ravel().tolist()) <= set(levels[mask > 0].tolist())
