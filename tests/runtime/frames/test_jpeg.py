"""What a JPEG's bytes say about themselves."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.frames.jpeg import jpeg_flaw, jpeg_size


def jpeg(width: int, height: int, *options: int, level: int = 0) -> bytes:
    image = np.full((height, width, 3), level, np.uint8)
    return cv2.imencode(".jpg", image, options)[1].tobytes()


@pytest.mark.parametrize("progressive", [0, 1])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (64, 48), (1920, 1080), (7680, 4320)])
def test_whole_pictures_of_one_colour_have_no_flaw(width: int, height: int, progressive: int) -> None:
    """One colour compresses best: no real picture holds more pixels to the byte."""
    content = jpeg(width, height, cv2.IMWRITE_JPEG_PROGRESSIVE, progressive, cv2.IMWRITE_JPEG_QUALITY, 1)
    assert jpeg_size(content) == (width, height)
    assert jpeg_flaw(content) is None


def test_a_grey_progressive_picture_has_no_flaw() -> None:
    content = cv2.imencode(".jpg", np.zeros((4000, 6000), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert jpeg_flaw(content) is None


def test_a_picture_that_is_cut_off() -> None:
    content = jpeg(640, 480)
    assert "cut off" in str(jpeg_flaw(content[: len(content) // 2 + 300]))


def test_a_size_that_the_bytes_cannot_hold() -> None:
    content = bytearray(jpeg(64, 48))
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    assert "claims 65535x65535 pixels" in str(jpeg_flaw(bytes(content)))


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer(content: bytes) -> None:
    jpeg_flaw(b"\xff\xd8\xff" + content)
    size = jpeg_size(b"\xff\xd8\xff" + content)
    assert size is None or (0 <= size[0] <= 65535 and 0 <= size[1] <= 65535)
