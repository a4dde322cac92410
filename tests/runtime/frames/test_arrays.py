"""Every kind of picture that a caller may hold gives the same BGR frame; what is none is refused in words."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.arrays import as_bgr

NOISE = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
BGR = np.ascontiguousarray(NOISE[:, :, :3])
RGB = np.ascontiguousarray(BGR[:, :, ::-1])
GREY = BGR[:, :, 0]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (BGR, BGR),
        (NOISE, BGR),
        (GREY, np.dstack([GREY] * 3)),
        (BGR[:, :, :1], np.dstack([GREY] * 3)),
        (BGR[:, ::-1, ::-1], np.ascontiguousarray(BGR[:, ::-1, ::-1])),
        *[(BGR.astype(kind) / kind(255), BGR) for kind in (np.float16, np.float32, np.float64)],
        (GREY.astype(np.float32) / 255, np.dstack([GREY] * 3)),
        (np.array([[[-1e-6, 0.5, 1.000001]]]), np.array([[[0, 128, 255]]], np.uint8)),
    ],
    ids=["bgr", "bgra", "grey", "grey with an axis", "mirrored", "half", "float", "double", "float grey", "rounded"],
)
def test_an_array_becomes_bgr(frame: np.ndarray, expected: np.ndarray) -> None:
    found = as_bgr(frame)
    np.testing.assert_array_equal(found, expected)
    assert found.flags.c_contiguous
    assert found.dtype == np.uint8


def test_a_bgr_frame_is_not_copied() -> None:
    assert np.shares_memory(as_bgr(BGR), BGR)


@pytest.mark.parametrize(
    "frame", [RGB, RGB.astype(np.float32) / 255, np.dstack([RGB, GREY])], ids=["uint8", "float", "rgba"]
)
def test_an_rgb_array_is_turned_round_where_that_is_said(frame: np.ndarray) -> None:
    found = as_bgr(frame, rgb=True)
    np.testing.assert_array_equal(found, BGR)
    assert found.flags.c_contiguous


@given(st.integers(0, 255), st.sampled_from([np.float16, np.float32, np.float64]))
def test_every_level_survives_the_way_through_floats(level: int, kind: type) -> None:
    assert as_bgr(np.full((2, 2), level / 255, kind)).max() == level


@pytest.fixture
def of_file(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), BGR)
    return path


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path_is_read(of_file: Path, kind: Callable[[Path], Any]) -> None:
    np.testing.assert_array_equal(as_bgr(kind(of_file)), BGR)
    np.testing.assert_array_equal(as_bgr(kind(of_file), rgb=True), BGR)  # a file has an order of its own


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK", "LA"])
def test_a_pil_image_is_taken_in_every_mode_of_8_bits(mode: str) -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    image = pil.fromarray(RGB).convert(mode)
    expected = np.asarray(image.convert("RGB"))[:, :, ::-1]
    np.testing.assert_array_equal(as_bgr(image), expected)
    if mode in ("RGB", "RGBA"):
        np.testing.assert_array_equal(as_bgr(image), BGR)


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_photo_that_pil_opened_stands_as_its_file_does(tmp_path: Path, orientation: int) -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    exif = pil.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.jpg"
    pil.fromarray(cv2.GaussianBlur(RGB, (0, 0), 3)).save(path, exif=exif, quality=100, subsampling=0)
    found, expected = as_bgr(pil.open(path)), as_bgr(path)
    assert found.shape == expected.shape == ((30, 40, 3) if orientation != 6 else (40, 30, 3))
    assert np.abs(found.astype(int) - expected).max() <= 2  # two decoders


@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_a_pil_image_of_other_bits_is_refused(mode: str) -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    with pytest.raises(SourceError, match=f"mode {mode} has no 8 bits"):
        as_bgr(pil.new(mode, (4, 4)))


def test_a_cut_off_file_that_pil_opened_is_refused() -> None:
    pil = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    whole = io.BytesIO()
    pil.fromarray(RGB).save(whole, "JPEG")
    image = pil.open(io.BytesIO(whole.getvalue()[:-200]))
    with pytest.raises(SourceError, match="cannot be decoded"):
        as_bgr(image)


@pytest.mark.parametrize(
    "change",
    [
        lambda tensor: tensor,
        lambda tensor: tensor[None],
        lambda tensor: tensor.float() / 255,
        lambda tensor: (tensor.float() / 255).half(),
        lambda tensor: (tensor.float() / 255).requires_grad_(),
        lambda tensor: tensor.permute(1, 2, 0).contiguous().permute(2, 0, 1),
    ],
    ids=["uint8", "batch of one", "float", "half", "of a network", "channels last"],
)
@pytest.mark.parametrize("rgb", [False, True])
def test_a_tensor_is_rgb(change: Callable[[Any], Any], rgb: bool) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    np.testing.assert_array_equal(as_bgr(change(torch.from_numpy(RGB.transpose(2, 0, 1).copy())), rgb), BGR)


def test_a_bfloat16_tensor_is_as_near_as_it_can_be() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    found = as_bgr((torch.from_numpy(RGB.transpose(2, 0, 1).copy()).float() / 255).bfloat16())
    assert np.abs(found.astype(int) - BGR).max() <= 1


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((2, 3, 30, 40), r"not \[2, 3, 30, 40\]: give a batch to score_many"),
        ((30, 40, 3), r"must be \[3, H, W\] or \[1, 3, H, W\] in RGB, not \[30, 40, 3\]"),
        ((30, 40), r"not \[30, 40\]"),
        ((3, 0, 4), r"empty"),
    ],
)
def test_a_tensor_of_another_shape_is_refused(shape: tuple[int, ...], words: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    with pytest.raises(SourceError, match=words):
        as_bgr(torch.zeros(shape))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (BGR.astype(np.float32), r"must be in 0..1, but this one goes from 0 to 255: divide"),
        (np.full((2, 2), -0.1), "from -0.1 to -0.1"),
        (np.full((2, 2), np.nan), "from nan to nan"),
        (np.full((2, 2), np.inf), "from inf to inf"),
        (BGR.astype(np.uint16), r"uint8 \(0..255\) or float \(0..1\), not uint16"),
        (BGR > 3, "not bool"),
        (BGR.tolist(), "a path, a PIL image, a numpy array .* or a torch tensor .*, not list"),
        (None, "not NoneType"),
        (BGR[np.newaxis], r"not \[1, 30, 40, 3\]"),
        (BGR[:, :, :2], r"not \[30, 40, 2\]"),
        (BGR[0, :, 0], r"not \[40\]"),
        (BGR[:0], "empty"),
        ("absent.png", "absent.png does not exist"),
    ],
)
def test_other_frames_are_refused(frame: Any, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        as_bgr(frame)
