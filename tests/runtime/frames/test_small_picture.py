"""Pictures for people keep their shape, are no larger than asked, and can be read back."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.frames.small_picture import encode_jpeg, shrink


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [
        ((480, 640), 320, (240, 320)),
        ((640, 480), 320, (320, 240)),
        ((48, 64), 320, (48, 64)),
        ((2, 1000), 100, (1, 100)),
    ],
)
def test_a_picture_is_made_smaller_and_never_larger(size, longest, expected):
    picture = np.full((*size, 3), 7, np.uint8)
    small = shrink(picture, longest)
    assert small.shape == (*expected, 3) and (small == 7).all()
    small[:] = 0
    assert (picture == 7).all()  # a copy, also where nothing was to do


def test_a_jpeg_is_that_of_the_picture():
    picture = np.full((32, 48, 3), (10, 120, 240), np.uint8)
    read = cv2.imdecode(np.frombuffer(encode_jpeg(picture, 90), np.uint8), cv2.IMREAD_COLOR)
    assert read.shape == picture.shape and np.abs(read.astype(int) - picture).max() <= 4
