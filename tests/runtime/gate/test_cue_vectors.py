"""The cues are those that the vectors keep; the native runtime is held to the same ones."""

import platform

import pytest
from places import VECTORS
from vectors.cues import make_vectors

FOLDER = VECTORS / "cues"
EXACT = 1e-12
# OpenCV's kernels for aarch64 sum in another order; the C++ library measures there what it does elsewhere.
OPENCV = {"sharpness": 1e-5} if platform.machine() == "aarch64" else {}


@pytest.fixture(scope="module")
def kept():
    return make_vectors.read(FOLDER)


def test_every_cue_is_the_kept_one(kept):
    pictures, sequences = kept
    assert len(sequences) > 30
    for name, steps in sequences.items():
        planned = [make_vectors.Step(step["picture"], step["spread"], step["restart"]) for step in steps]
        for step, answer in zip(steps, make_vectors.measured(pictures, planned), strict=True):
            assert answer["cues"].keys() == step["cues"].keys()
            for cue, value in answer["cues"].items():
                exact = pytest.approx(step["cues"][cue], rel=OPENCV.get(cue, EXACT), abs=EXACT)
                assert value == exact, (name, cue)


def test_the_sequences_are_those_of_the_script(kept):
    pictures, sequences = kept
    plan = make_vectors.sequences(list(pictures))
    assert set(plan) == set(sequences)
    assert {name: picture.shape for name, picture in make_vectors.pictures().items()} == {
        name: picture.shape for name, picture in pictures.items()
    }


def test_the_frames_reach_both_ends_of_the_cues(kept):
    found = [step["cues"] for steps in kept[1].values() for step in steps]
    largest = {name: max(cues.get(name, 0.0) for cues in found) for name in found[0]}
    assert largest["smear"] > 0.3 and largest["clipped"] == 1.0 and largest["occlusion"] == 1.0
    assert largest["noise"] > 10.0 and largest["haze"] > 0.5 and largest["shadows"] == 1.0
    assert any("change" in cues and cues["change"] == 0.0 for cues in found)
