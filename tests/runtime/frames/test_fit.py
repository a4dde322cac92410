"""Frames: accepted channels and dtypes, and the size rule."""

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.bundle.manifest import FrameSize
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.fit import as_bgr, fit_to

NOISE = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
BGR = np.ascontiguousarray(NOISE[:, :, :3])


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (BGR, BGR),
        (NOISE, BGR),
        (BGR[:, :, 0], np.dstack([BGR[:, :, 0]] * 3)),
        (BGR[:, :, :1], np.dstack([BGR[:, :, 0]] * 3)),
        (BGR[:, ::-1, ::-1], np.ascontiguousarray(BGR[:, ::-1, ::-1])),
    ],
    ids=["bgr", "bgra", "grey", "grey with an axis", "mirrored view"],
)
def test_channels_become_bgr(frame: np.ndarray, expected: np.ndarray) -> None:
    found = as_bgr(frame)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (BGR.astype(np.float32) / 255, "must be uint8 .* not float32"),
        (BGR.astype(np.uint16), "not uint16"),
        (BGR > 3, "not bool"),
        (BGR.tolist(), "must be a numpy array, not list"),
        (None, "not NoneType"),
        (BGR[np.newaxis], r"not \[1, 30, 40, 3\]"),
        (BGR[:, :, :2], r"not \[30, 40, 2\]"),
        (BGR[0, :, 0], r"not \[40\]"),
        (BGR[:0], "empty"),
    ],
)
def test_other_frames_are_refused(frame: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        as_bgr(frame)


@pytest.mark.parametrize(
    ("height", "width", "interpolation"),
    [
        (13, 18, cv2.INTER_AREA),
        (7, 39, cv2.INTER_AREA),
        (60, 80, cv2.INTER_LINEAR),
        (15, 80, cv2.INTER_LINEAR),
        (60, 20, cv2.INTER_LINEAR),
    ],
)
def test_the_size_rule(height: int, width: int, interpolation: int) -> None:
    found = fit_to(BGR, FrameSize(height, width))
    np.testing.assert_array_equal(found, cv2.resize(BGR, (width, height), interpolation=interpolation))
    other = cv2.INTER_AREA if interpolation == cv2.INTER_LINEAR else cv2.INTER_LINEAR
    assert not np.array_equal(found, cv2.resize(BGR, (width, height), interpolation=other))


def test_the_right_size_is_left_alone_and_another_refused_when_strict() -> None:
    assert fit_to(BGR, FrameSize(30, 40), strict_size=True) is BGR
    with pytest.raises(SourceError, match="the frame is 40x30, the bundle takes 64x48"):
        fit_to(BGR, FrameSize(48, 64), strict_size=True)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 70), st.integers(1, 70))
def test_nothing_is_padded(height: int, width: int, to_height: int, to_width: int) -> None:
    """A frame of one colour stays that colour everywhere: bars would show."""
    frame = np.full((height, width, 3), (10, 120, 250), np.uint8)
    found = fit_to(frame, FrameSize(to_height, to_width))
    assert found.shape == (to_height, to_width, 3)
    assert (found == (10, 120, 250)).all()
