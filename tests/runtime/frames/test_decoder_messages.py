"""What a decoder says of damage is told of the picture that has it, and nothing is printed."""

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import decode_image, read_image

PHOTO = (SHIPPED_PHOTOS / "cat.jpg").read_bytes()
PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)


def encoded(suffix: str, image: np.ndarray = PICTURE, *options: int) -> bytes:
    return cv2.imencode(suffix, image, options)[1].tobytes()


def damaged(content: bytes, at: float = 0.5, count: int = 300) -> bytes:
    """Zeros in the middle, as a lost disk block or packet leaves them; start and end are whole."""
    start = int(len(content) * at)
    return content[:start] + bytes(count) + content[start + count :]


@pytest.mark.parametrize("at", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("progressive", [0, 1])
def test_a_jpeg_damaged_in_its_middle_is_damaged(
    at: float, progressive: int, capfd: pytest.CaptureFixture[str]
) -> None:
    content = encoded(
        ".jpg", cv2.imdecode(np.frombuffer(PHOTO, np.uint8), 1), cv2.IMWRITE_JPEG_PROGRESSIVE, progressive
    )
    decode_image(content)
    with pytest.raises(SourceError, match="is damaged"):
        decode_image(damaged(content, at))
    assert capfd.readouterr().err == ""


def test_the_damaged_file_is_named_and_nothing_else_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.jpg").write_bytes(damaged(PHOTO))
    with pytest.raises(SourceError, match=r"broken\.jpg is damaged \(.+\): copy the file again"):
        read_image(tmp_path / "broken.jpg")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("padding", "whole"), [(b"", True), (b"\0" * 7, True), (b"\xff\x00" * 3, False)])
def test_a_camera_that_pads_its_pictures_is_no_damage(padding: bytes, whole: bool) -> None:
    content = PHOTO[: PHOTO.rfind(b"\xff\xd9")] + padding + b"\xff\xd9"
    if whole:
        assert decode_image(content).shape == decode_image(PHOTO).shape
    else:
        with pytest.raises(SourceError, match="extraneous"):
            decode_image(content)


def test_a_png_with_a_wrong_checksum_is_damaged(capfd: pytest.CaptureFixture[str]) -> None:
    content = bytearray(encoded(".png"))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(SourceError, match="damaged"):
        decode_image(bytes(content))
    assert capfd.readouterr().err == ""


def test_threads_that_decode_at_once_each_hear_of_their_own_picture() -> None:
    good, bad, wrong = PHOTO, damaged(PHOTO), []

    def work(content: bytes, expected: bool) -> None:
        for _ in range(20):
            try:
                decode_image(content)
                found = True
            except SourceError:
                found = False
            if found is not expected:
                wrong.append(expected)

    threads = [threading.Thread(target=work, args=(one, one is good)) for one in (good, bad) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
