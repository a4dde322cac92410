"""Image files: what is read, how it is converted, what is refused, and which files an argument means."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.frames.images import expand_images, quiet_decoder, read_image, refuse_overwriting

COLOUR = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)
GREY16 = (np.arange(35, dtype=np.uint16) * 1800).reshape(5, 7)


def write(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, image)[1].tobytes())
    return path


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (COLOUR, COLOUR),
        (COLOUR[:, :, 0], np.dstack([COLOUR[:, :, 0]] * 3)),
        (np.dstack([COLOUR, COLOUR[:, :, 0]]), COLOUR),
        (GREY16, np.dstack([(GREY16 >> 8).astype(np.uint8)] * 3)),
    ],
    ids=["colour", "grey", "alpha", "16-bit"],
)
def test_every_kind_becomes_bgr_uint8(image: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    found = read_image(write(tmp_path / "image.png", image))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["zażółć gęślą.png", "写真.png", "with space.png", "emoji 📷.png"])
def test_any_file_name_is_read(name: str, tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(write(tmp_path / name, COLOUR)), COLOUR)


def test_the_exif_orientation_is_applied(tmp_path: Path) -> None:
    """The same JPEG with the tag 'rotate by 90 degrees clockwise' (6) comes out turned."""
    photo = cv2.resize(COLOUR, (32, 16))
    plain = cv2.imencode(".jpg", photo)[1].tobytes()
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
    exif = b"Exif\x00\x00" + tiff
    tagged = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]
    (tmp_path / "plain.jpg").write_bytes(plain)
    (tmp_path / "tagged.jpg").write_bytes(tagged)
    upright = read_image(tmp_path / "plain.jpg")
    assert upright.shape == (16, 32, 3)
    np.testing.assert_array_equal(read_image(tmp_path / "tagged.jpg"), cv2.rotate(upright, cv2.ROTATE_90_CLOCKWISE))


def make_missing(path: Path) -> None:
    path.unlink(missing_ok=True)


def make_cut_off(path: Path) -> None:
    content = cv2.imencode(".jpg", cv2.resize(COLOUR, (200, 150)))[1].tobytes()
    path.write_bytes(content[: len(content) * 2 // 3])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (make_missing, "does not exist"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_text("not an image at all"), "not an image that OpenCV decodes"),
        (lambda path: path.mkdir(), "is a directory without images"),
        (make_cut_off, "is cut off"),
        (lambda path: path.write_bytes(cv2.imencode(".png", COLOUR)[1].tobytes()[:40]), "damaged"),
    ],
)
def test_what_cannot_be_read_is_told_apart(make: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    path = tmp_path / "image.jpg"
    make(path)
    with pytest.raises(SourceError, match=words) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_forbidden_file(tmp_path: Path) -> None:
    path = write(tmp_path / "image.png", COLOUR)
    path.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        read_image(path)


def test_a_progressive_jpeg_with_a_thumbnail_is_not_taken_for_a_cut_off_one(tmp_path: Path) -> None:
    photo = cv2.resize(COLOUR, (64, 48))
    thumbnail = cv2.imencode(".jpg", photo)[1].tobytes()
    content = cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes()
    assert content.count(b"\xff\xda") > 1
    segment = b"\xff\xe2" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    path = tmp_path / "photo.jpg"
    path.write_bytes(content[:2] + segment + content[2:] + b"trailing bytes of a camera")
    assert read_image(path).shape == (48, 64, 3)
    path.write_bytes((content[:2] + segment + content[2:])[:-200])
    with pytest.raises(SourceError, match="cut off"):
        read_image(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ["b.jpg", "a.PNG", "deep/c.webp", "notes.txt", "odd[1].png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["b.jpg"], ["b.jpg"]),
        (["."], ["a.PNG", "b.jpg", "odd[1].png"]),
        (["deep"], ["deep/c.webp"]),
        (["*.jpg", "*.PNG"], ["b.jpg", "a.PNG"]),
        (["**/*.webp"], ["deep/c.webp"]),
        (["b.jpg", ".", "./b.jpg", "deep/../b.jpg"], ["b.jpg", "a.PNG", "odd[1].png"]),
        (["missing.jpg", "b.jpg"], ["missing.jpg", "b.jpg"]),
        (["*.gif"], ["*.gif"]),
        (["odd[1].png"], ["odd[1].png"]),
        (["notes.txt"], ["notes.txt"]),
    ],
)
def test_arguments_are_expanded_in_order_and_once(folder: Path, arguments: list[str], expected: list[str]) -> None:
    assert [path.as_posix() for path in expand_images(arguments)] == expected


def test_an_absolute_glob(folder: Path) -> None:
    assert expand_images([f"{folder}/*.jpg"]) == [folder / "b.jpg"]


def test_a_glob_without_matches_says_so() -> None:
    with pytest.raises(SourceError, match="matches no file"):
        read_image("nothing-*.jpg")


def test_an_empty_directory_is_reported_when_read(tmp_path: Path) -> None:
    (only,) = expand_images([tmp_path])
    with pytest.raises(SourceError, match="directory without images"):
        read_image(only)


def test_the_decoders_own_log_is_silenced_in_either_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet_decoder()  # the installed version
    levels: list[int] = []
    monkeypatch.setattr(cv2, "setLogLevel", levels.append, raising=False)  # where OpenCV 4 has it
    quiet_decoder()
    assert levels == [0]


@pytest.mark.parametrize(("outputs", "refused"), [(["c.png"], False), (["c.png", "sub/../b.jpg"], True)])
def test_an_output_that_is_an_image_is_refused(folder: Path, outputs: list[str], refused: bool) -> None:
    with pytest.raises(ConfigurationError, match="would overwrite") if refused else contextlib.nullcontext():
        refuse_overwriting([folder / "b.jpg"], [folder / output for output in outputs])
