"""Baselines are learned by rank, and taken of a camera that is alive."""

import pytest

from dgiqa_edge.runtime.errors import UnsuitableReferenceError
from dgiqa_edge.runtime.gate.baseline import FEWEST, Baseline, BaselineLearner, BaselineTaker, Spread, spread
from dgiqa_edge.runtime.gate.policy import CHECKS, BaselinePolicy, FrozenPolicy


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([3.0], Spread(3.0, 3.0, 3.0)),
        ([2.0, 1.0], Spread(1.0, 2.0, 2.0)),
        ([float(value) for value in range(100, -1, -1)], Spread(10.0, 50.0, 90.0)),
    ],
)
def test_quantiles_are_samples_by_rank(samples, expected):
    assert spread(samples) == expected


def test_a_few_wild_frames_do_not_move_the_median():
    assert spread([0.6] * 80 + [0.0] * 9).median == 0.6


def test_samples_are_taken_no_faster_than_the_policy_says_and_gaps_do_not_count():
    learner = BaselineLearner(BaselinePolicy(learn_minutes=0.05, sample_every_s=1.0))
    assert learner.needed == 3
    offered = [(0.0, 0.1), (0.5, 0.9), (1.0, 0.2), (1.9, 0.9), (100.0, 0.3)]
    results = [learner.add({"score": value}, t) for t, value in offered]
    assert results[:-1] == [None] * 4
    assert results[-1] == Baseline(3, {"score": Spread(0.1, 0.2, 0.3)})


def test_a_quantity_that_some_samples_lack_is_left_out():
    learner = BaselineLearner(BaselinePolicy(learn_minutes=2 / 60))
    learner.add({"score": 0.5, "haze": 0.1}, 0.0)
    assert set(learner.add({"score": 0.5}, 1.0).spreads) == {"score"}


BLACK, COVERED, TORN = CHECKS["luminance"].worst, CHECKS["occlusion"].worst, CHECKS["smear"].default.reject
STILL = FrozenPolicy().change_at_most
HEALTHY = {"luminance": BLACK, "occlusion": COVERED, "smear": TORN, "change": STILL, "score": 0.7, "noise": 2.0}


def taken(*values):
    taker = BaselineTaker()
    for each in values:
        taker.add({**HEALTHY, **each})
    return taker.take()


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ([{"change": 9.0}] * (FEWEST - 1), "4 frames are too few, 5 are needed"),
        ([{}] * FEWEST, "it is frozen"),
        ([{"change": None}] + [{}] * FEWEST, "it is frozen"),
        ([{"change": 9.0, "luminance": BLACK - 0.1}] * 3 + [{"luminance": 200.0}] * 2, "it is black"),
        ([{"change": 9.0, "occlusion": COVERED + 0.01}] * FEWEST, "it is covered"),
        ([{"change": 9.0, "smear": TORN + 0.01}] * FEWEST, "it is torn"),
        ([{"luminance": None, "smear": TORN + 0.01}] * FEWEST, "it is torn"),
    ],
)
def test_a_dead_camera_is_no_normal(frames, why):
    with pytest.raises(UnsuitableReferenceError, match=why):
        taken(*frames)


def test_a_normal_is_that_of_all_frames_and_of_what_all_of_them_measure():
    """At a threshold is not beyond it, one frame that is new is enough, and so few changes tell nothing."""
    found = taken(*[{"noise": None if at == 2 else 2.0, "change": STILL + 0.1 * (at == 0)} for at in range(FEWEST)])
    assert found.samples == FEWEST
    assert found.spreads["score"] == Spread(0.7, 0.7, 0.7)
    assert "noise" not in found.spreads and "change" not in found.spreads
    assert taken(*[{"change": None if at == 0 else STILL} for at in range(FEWEST)]).samples == FEWEST
