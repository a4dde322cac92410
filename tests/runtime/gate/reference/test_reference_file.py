"""A reference view comes back as it was written; a file that is none is refused with the reason."""

import json

import numpy as np
import pytest

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import GateError
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker
from dgiqa_edge.runtime.gate.reference.reference_file import load_reference, save_reference


@pytest.fixture
def kept(tmp_path):
    taker = ReferenceTaker()
    taker.add(read_image(SHIPPED_PHOTOS / "pagoda.jpg"))
    reference, file = taker.take(), tmp_path / "front.reference.json"
    save_reference(file, reference)
    return reference, file


def test_it_comes_back(kept):
    reference, file = kept
    found = load_reference(file)
    assert (found.width, found.height, found.frames) == (reference.width, reference.height, 1)
    assert np.array_equal(found.view.levels, reference.view.levels)
    assert np.array_equal(found.view.colours, reference.view.colours)


@pytest.mark.parametrize(
    "change, why",
    [
        ({"kind": "dgiqa-edge camera baseline"}, "it holds something else"),
        ({"version": 2}, "its version is 2, this program reads 1"),
        ({"width": 10}, "width is no whole number from 64"),
        ({"frames": True}, "frames is no whole number"),
        ({"levels": [[1, 2], [3]]}, "levels are not"),
        ({"colours": [[[0, 0, 9999]]]}, "colours are not"),
        ({"levels": None}, "levels are not"),
    ],
)
def test_what_is_no_reference_is_refused(kept, change, why):
    _, file = kept
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(GateError, match=why):
        load_reference(file)


def test_a_flat_one_is_refused(kept):
    _, file = kept
    document = json.loads(file.read_text())
    document["levels"] = [[2000 for _ in row] for row in document["levels"]]
    file.write_text(json.dumps(document))
    with pytest.raises(GateError, match="uniform"):
        load_reference(file)


@pytest.mark.parametrize("text", ["", "[", '{"a": 1, "a": 2}'])
def test_what_is_no_json_is_refused(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(GateError, match="take it anew with 'dgiqa-edge gate reference'"):
        load_reference(file)
