"""The vectors of pixel conversion are what OpenCV gives, and what their script writes."""

import json
import platform

import numpy as np
import pytest
from places import VECTORS
from vectors.frames import make_vectors

FOLDER = VECTORS / "frames"
SIZE_LIMIT_BYTES = 1_000_000
# OpenCV's kernels for aarch64 round a few pixels of resized frames the other way; the C++ library does not, anywhere.
OPENCV_LEVELS, OPENCV_BYTES = (1, 100) if platform.machine() == "aarch64" else (0, 0)


def test_the_files_are_those_of_the_script(tmp_path):
    make_vectors.write(tmp_path)
    assert (tmp_path / "cases.json").read_bytes() == (FOLDER / "cases.json").read_bytes()
    made, kept = (np.fromfile(folder / "pixels.bin", np.uint8) for folder in (tmp_path, FOLDER))
    np.testing.assert_allclose(made.astype(int), kept, rtol=0, atol=OPENCV_LEVELS)
    assert np.count_nonzero(made != kept) <= OPENCV_BYTES


def test_the_vectors_are_small_and_reach_every_format_and_matrix():
    document = json.loads((FOLDER / "cases.json").read_text())
    assert sum(file.stat().st_size for file in FOLDER.iterdir() if file.is_file()) < SIZE_LIMIT_BYTES
    pairs = {(case["format"], case["matrix"]) for case in document["conversions"]}
    assert pairs >= {(name, matrix) for name in make_vectors.YUV_FORMATS for matrix in make_vectors.MATRICES}
    assert {name for name, _ in pairs} == {*make_vectors.YUV_FORMATS, *make_vectors.PACKED_FORMATS}


@pytest.mark.parametrize("name", ["nv12", "yuyv", "i420"])
def test_the_fixed_point_scheme_is_that_of_opencv(name):
    planes = make_vectors.planes_of(name, 320, 240, np.random.default_rng(3))
    ours = make_vectors.yuv_to_bgr(*make_vectors.full_planes(name, planes), "bt601_limited")
    np.testing.assert_array_equal(ours, make_vectors.by_opencv(name, planes))


# Kr and Kb of the two standards; BT.601 limited is OpenCV's, rounded to three decimals, and checked against it.
@pytest.mark.parametrize(
    ("matrix", "red", "blue", "limited"),
    [
        ("bt601_full", 0.299, 0.114, False),
        ("bt709_limited", 0.2126, 0.0722, True),
        ("bt709_full", 0.2126, 0.0722, False),
    ],
)
def test_the_other_matrices_are_within_a_level_of_the_standard(matrix, red, blue, limited):
    y, u, v = np.random.default_rng(4).integers(0, 256, (3, 100, 100), dtype=np.uint8)
    black, luma, chroma = (16.0, 255 / 219, 255 / 224) if limited else (0.0, 1.0, 1.0)
    light = np.maximum(y.astype(float) - black, 0) * luma
    to_blue = (u.astype(float) - 128) * chroma * 2 * (1 - blue)
    to_red = (v.astype(float) - 128) * chroma * 2 * (1 - red)
    to_green = -(blue * to_blue + red * to_red) / (1 - red - blue)
    real = np.stack([np.clip(light + part, 0, 255) for part in (to_blue, to_green, to_red)], axis=-1)
    assert np.abs(make_vectors.yuv_to_bgr(y, u, v, matrix) - real).max() < 0.51
