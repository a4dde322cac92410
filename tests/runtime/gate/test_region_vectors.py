"""Masks, pictures, cues and places are those that the vectors keep; the native runtime is held to the same ones."""

import json
import platform

import pytest
from places import VECTORS
from vectors.cues import make_vectors as of_cues
from vectors.regions import make_vectors

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.regions import parse_regions
from dgiqa_edge.runtime.ground.strict_text import parse_json

# OpenCV's kernels for aarch64 sum in another order; the C++ library measures there what it does elsewhere.
OPENCV = {"sharpness": 1e-5} if platform.machine() == "aarch64" else {}


@pytest.fixture(scope="module")
def kept():
    return json.loads((VECTORS / "regions" / make_vectors.INDEX).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def made():
    pictures, _ = of_cues.read(VECTORS / "cues")
    return json.loads(json.dumps(make_vectors.document(pictures)))


def test_masks_and_pictures_are_the_kept_ones(kept, made):
    assert kept["regions"] == made["regions"]
    assert kept["masks"] == made["masks"]


def test_cues_are_the_kept_ones(kept, made):
    for before, now in zip(kept["cues"], made["cues"], strict=True):
        assert (before["regions"], before["frames"]) == (now["regions"], now["frames"])
        for old, new in zip(before["cues"], now["cues"], strict=True):
            for name in {*old, *new}:
                assert new[name] == pytest.approx(old[name], rel=OPENCV.get(name, 1e-12), abs=1e-12)


def test_places_are_the_kept_ones(kept, made):
    assert kept["places"] == made["places"]


def test_what_is_refused_is_refused(kept):
    assert kept["refused"] == make_vectors.REFUSED
    for text in kept["refused"]:
        with pytest.raises((ConfigurationError, ValueError)):
            parse_regions(parse_json(text))
