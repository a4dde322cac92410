"""Every encoding against OpenCV's own conversion the other way, and against what publishers get wrong."""

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.ros2.pictures import compressed_picture, picture

BGR = np.random.default_rng(5).integers(0, 256, (6, 8, 3), np.uint8)
GREY = cv2.cvtColor(BGR, cv2.COLOR_BGR2GRAY)
OPAQUE = np.dstack([BGR, np.full((6, 8), 255, np.uint8)])


def message(pixels: np.ndarray, encoding: str, padding: int = 0, **changes: Any) -> SimpleNamespace:
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    fields = {"height": height, "width": width, "encoding": encoding, "step": rows.shape[1], "is_bigendian": 0}
    return SimpleNamespace(**{**fields, "data": rows.tobytes(), **changes})


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    ("encoding", "pixels", "expected"),
    [
        ("bgr8", BGR, BGR),
        ("8UC3", BGR, BGR),
        ("rgb8", BGR[:, :, ::-1].copy(), BGR),
        ("bgra8", OPAQUE, BGR),
        ("rgba8", OPAQUE[:, :, [2, 1, 0, 3]].copy(), BGR),
        ("mono8", GREY, np.repeat(GREY[:, :, None], 3, axis=2)),
        ("mono16", GREY.astype("<u2") * 256 + 17, np.repeat(GREY[:, :, None], 3, axis=2)),
    ],
)
def test_an_encoding_that_loses_nothing(encoding: str, pixels: np.ndarray, expected: np.ndarray, padding: int) -> None:
    read = picture(message(pixels, encoding, padding))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, expected)


def test_sixteen_bits_the_other_way_round() -> None:
    read = picture(message((GREY.astype(np.uint16) * 256 + 17).astype(">u2"), "mono16", is_bigendian=1))
    np.testing.assert_array_equal(read[:, :, 0], GREY)


COLOURED = np.zeros((6, 8, 3), np.uint8) + np.array([200, 90, 30], np.uint8)  # one colour: no encoding blurs it


def bayer(order: str) -> np.ndarray:
    """A sensor's picture of ``COLOURED``, its filters in this order, row by row."""
    value = {"b": 200, "g": 90, "r": 30}
    return np.tile(np.array([value[one] for one in order], np.uint8).reshape(2, 2), (3, 4))


def yuv(luma_first: bool) -> np.ndarray:
    """``COLOURED`` as BT.601 has it, studio range, two pixels in four bytes."""
    blue, green, red = COLOURED[0, 0].astype(float)
    luma = 0.114 * blue + 0.587 * green + 0.299 * red
    y = round(16 + luma * 219 / 255)
    u, v = (round(128 + (one - luma) * by * 224 / 255) for one, by in ((blue, 0.564), (red, 0.713)))
    pair = (y, u, y, v) if luma_first else (u, y, v, y)
    return np.tile(np.array(pair, np.uint8), (6, 4)).reshape(6, 8, 2)


@pytest.mark.parametrize(
    ("encoding", "pixels"),
    [
        *((f"bayer_{order}8", bayer(order)) for order in ("rggb", "bggr", "gbrg", "grbg")),
        *((name, yuv(luma_first=True)) for name in ("yuyv", "yuv422_yuy2")),
        *((name, yuv(luma_first=False)) for name in ("uyvy", "yuv422")),
    ],
)
def test_an_encoding_of_sensors(encoding: str, pixels: np.ndarray) -> None:
    np.testing.assert_allclose(picture(message(pixels, encoding)).astype(int), COLOURED, atol=4)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (message(GREY, "32FC1"), "encoding '32FC1' are not read: publish bgr8"),
        (message(GREY, "16UC1"), "not read"),
        (message(BGR, "bgr8", data=b"short"), "has 5 bytes"),
        (message(BGR, "bgr8", step=3), "a step of 3"),
        (message(BGR, "bgr8", height=0), "its publisher is wrong"),
        (message(np.zeros((2, 3, 2), np.uint8), "uyvy"), "an image of 3x2 uyvy"),
    ],
)
def test_what_is_no_picture_is_said(wrong: Any, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        picture(wrong)


def test_compressed_pictures() -> None:
    content = cv2.imencode(".png", BGR)[1]
    np.testing.assert_array_equal(compressed_picture(SimpleNamespace(data=content)), BGR)
    with pytest.raises(SourceError):
        compressed_picture(SimpleNamespace(data=b"\xff\xd8 no jpeg"))
