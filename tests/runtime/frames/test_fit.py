"""The size rule, and the three ways in which a frame of another shape takes the bundle's."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.fit import fit_frame, fit_to, scaled_frame
from dgiqa_edge.runtime.ground.framing import FITS, Fit, FrameSize, framing

BGR = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)


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


SIDES = st.integers(1, 70)


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(FITS))
def test_no_fit_adds_a_colour(height: int, width: int, to_height: int, to_width: int, fit: Fit) -> None:
    """A frame of one colour stays that colour everywhere: bars would show."""
    frame = np.full((height, width, 3), (10, 120, 250), np.uint8)
    found = fit_to(frame, FrameSize(to_height, to_width), fit)
    assert found.shape == (to_height, to_width, 3)
    assert (found == (10, 120, 250)).all()


def reflected(index: int, length: int) -> int:
    """The pixel that a walk to ``index`` ends on, which turns round at the first and the last one."""
    place, step = 0, 1 if index > 0 else -1
    for _ in range(abs(index) if length > 1 else 0):
        if not 0 <= place + step < length:
            step = -step
        place += step
    return place


@given(SIDES, SIDES, SIDES, SIDES)
def test_padding_mirrors_the_picture_as_often_as_needed(height: int, width: int, to_height: int, to_width: int) -> None:
    frame = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = scaled_frame(frame, to_height, to_width, "pad")
    at = framing(frame.shape, (to_height, to_width), "pad").at
    assert picture.shape[:2] == (at.height, at.width)
    rows = [reflected(row - at.top, at.height) for row in range(to_height)]
    columns = [reflected(column - at.left, at.width) for column in range(to_width)]
    np.testing.assert_array_equal(fit_frame(frame, to_height, to_width, "pad"), picture[np.ix_(rows, columns)])


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(FITS))
def test_a_scaled_frame_is_fitted_as_the_frame_is(
    height: int, width: int, to_height: int, to_width: int, fit: Fit
) -> None:
    frame = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    scaled = scaled_frame(frame, to_height, to_width, fit)
    fitted = fit_frame(frame, to_height, to_width, fit)
    np.testing.assert_array_equal(fit_frame(scaled, to_height, to_width, fit), fitted)
    assert fitted.flags.c_contiguous


def test_cropping_resizes_the_middle_alone() -> None:
    tall = np.vstack([np.zeros((30, 40, 3), np.uint8), BGR, np.zeros((31, 40, 3), np.uint8)])
    np.testing.assert_array_equal(fit_to(tall, FrameSize(30, 40), "crop"), BGR)
    np.testing.assert_array_equal(
        fit_to(tall, FrameSize(15, 20), "crop"), cv2.resize(BGR, (20, 15), interpolation=cv2.INTER_AREA)
    )


@pytest.mark.parametrize(("height", "width"), [(60, 80), (15, 20), (384, 511)])
def test_a_frame_of_the_bundles_aspect_gives_the_same_bytes_by_every_fit(height: int, width: int) -> None:
    frame = np.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=np.uint8)
    expected = fit_to(frame, FrameSize(30, 40), "stretch")
    for fit in ("pad", "crop"):
        np.testing.assert_array_equal(fit_to(frame, FrameSize(30, 40), fit), expected)
