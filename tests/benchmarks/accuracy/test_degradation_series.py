"""Which photos are degraded how, and that every copy is shown and accounted for."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy.degradation_series import DegradationPlan, choose_clean, score_degradations
from dgiqa_edge.benchmarks.accuracy.opinion_set import RatedPhoto
from dgiqa_edge.benchmarks.measures.measures import Measure, Panel
from dgiqa_edge.benchmarks.measures.score_store import ScoreStore
from dgiqa_edge.calibration.degradations.kinds import KINDS, degrade
from dgiqa_edge.calibration.images.calibration_set import pixels_sha256
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.frames.images import read_image

RATED = [RatedPhoto(Path(f"{index}.png"), mos) for index, mos in enumerate((0.1, 0.9, 0.5, 0.8, 0.2, 0.7))]
SIZE = (240, 320)
"""Large enough that no two strengths give the same pixels."""


@pytest.fixture
def photo(tmp_path, make_photo):
    path = tmp_path / "photo.png"
    cv2.imwrite(str(path), make_photo(seed=3, height=SIZE[0], width=SIZE[1]))
    return RatedPhoto(path, 0.9)


def remembering(frames):
    def run(frame):
        frames.append(frame.copy())
        return float(frame.mean())

    return Panel([Measure("mean", "", "k", run)], ScoreStore())


def test_only_the_better_half_is_degraded():
    chosen = choose_clean(RATED, 10, seed=0)
    assert [photo.path.name for photo in chosen] == ["1.png", "3.png", "5.png"]


def test_the_choice_is_the_seeds():
    choices = {choose_clean(RATED, 2, seed) for seed in range(20)}
    assert len(choices) == 3
    assert choose_clean(RATED, 2, 7) == choose_clean(RATED, 2, 7)
    assert choose_clean(RATED[:1], 3, 0) == (RATED[0],)


@pytest.mark.parametrize(
    ("kinds", "strengths", "words"),
    [
        (("hail",), (0.5,), "unknown degradation 'hail'"),
        (("noise",), (), "ascending"),
        (("noise",), (0.0, 0.5), "ascending"),
        (("noise",), (0.5, 1.5), "ascending"),
        (("noise",), (0.6, 0.3), "ascending"),
        (("noise",), (0.3, 0.3), "ascending"),
        (("noise",), (float("nan"),), "ascending"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(kinds, strengths, words):
    with pytest.raises(ConfigurationError, match=words):
        DegradationPlan((), kinds, strengths)


def test_every_copy_is_shown_once_and_named(photo):
    plan = DegradationPlan((photo,))
    frames, ticks = [], []
    panel = remembering(frames)
    depth = np.arange(48 * 64, dtype=np.float32).reshape(48, 64)
    series = score_degradations(panel, plan, read_image, lambda frame: depth, lambda: ticks.append(1))
    assert plan.frames == len(ticks) == len(frames) == 1 + len(KINDS) * 3
    clean = cv2.imread(str(photo.path))
    seed = int(pixels_sha256(clean)[:8], 16)
    np.testing.assert_array_equal(frames[0], clean)
    np.testing.assert_array_equal(frames[-1], degrade(clean, list(KINDS)[-1], 1.0, seed, depth))
    haze = 1 + 3 * list(KINDS).index("haze")
    np.testing.assert_array_equal(frames[haze], degrade(clean, "haze", 0.3, seed, depth))
    for kind in KINDS:
        (one,) = series[kind]
        assert [strength for strength, _ in one.pictures] == [0.0, 0.3, 0.6, 1.0]
        assert all(name in panel.tallies["mean"].scores for _, name in one.pictures)


def test_a_photo_that_cannot_be_read_fails_with_all_its_copies(tmp_path):
    plan = DegradationPlan((RatedPhoto(tmp_path / "gone.png", 0.5),), ("noise", "haze"), (0.5, 1.0))
    ticks = []
    panel = remembering([])
    series = score_degradations(panel, plan, read_image, lambda frame: frame[..., 0], lambda: ticks.append(1))
    assert len(ticks) == len(panel.tallies["mean"].failed) == plan.frames == 5
    assert {name for one in (*series["noise"], *series["haze"]) for _, name in one.pictures} == set(
        panel.tallies["mean"].failed
    )


def test_depth_is_asked_for_only_where_haze_needs_it(photo):
    def refuse(frame):
        raise AssertionError("depth was asked for")

    score_degradations(remembering([]), DegradationPlan((photo,), ("noise",), (0.5,)), read_image, refuse, lambda: None)
