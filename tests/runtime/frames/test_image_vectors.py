"""The image vectors decode as they say, through the package's own reader."""

import json

import numpy as np
import pytest
from places import VECTORS

from dgiqa_edge.runtime.frames.images import read_image

FOLDER = VECTORS / "images"
CASES = json.loads((FOLDER / "cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["file"])
def test_the_file_decodes_to_its_pixels(case):
    start, length = case["bgr"]
    expected = np.frombuffer((FOLDER / "pixels.bin").read_bytes()[start : start + length], np.uint8)
    picture = read_image(FOLDER / case["file"])
    np.testing.assert_array_equal(picture, expected.reshape(case["height"], case["width"], 3))


def test_every_image_file_is_a_case():
    data = {"cases.json", "pixels.bin", "README.md", "make_vectors.py"}
    names = {file.name for file in FOLDER.iterdir() if file.is_file()} - data
    assert names == {case["file"] for case in CASES}
