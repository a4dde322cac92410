"""ROC curves and cuts against figures worked out by hand, and against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.policy import Side
from dgiqa_edge.runtime.tuning.roc import TOLERANCE, effect, middle_cut, roc

GOOD = np.array([0.5, 0.6, 0.7, 0.8])
BAD = np.array([0.1, 0.2, 0.55, 0.3])
samples = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=15).map(np.array)
sides = st.sampled_from(list(Side))


def test_the_area_is_the_share_of_pairs_in_order():
    assert roc(GOOD, BAD, Side.BELOW).area == 15 / 16
    assert roc(GOOD, BAD, Side.ABOVE).area == 1 / 16


@pytest.mark.parametrize(
    ("good", "bad", "bound", "threshold"),
    [
        (GOOD, BAD, 1.0, 0.4),  # as good as 0.575, which rejects a good photo more
        (GOOD, BAD[:2], 1.0, 0.35),  # apart: the middle of the gap
        ([0.6, *[0.7] * 30], [*[0.2] * 30, 0.58], 1.0, 0.45),  # one bad photo at the edge of the good ones
        ([0.22, *[0.7] * 30], [*[0.2] * 30, 0.1], 1.0, 0.45),  # one good one at the edge of the bad
        ([0.22, *[0.7] * 30], [*[0.2] * 30, 0.1], 0.0, 0.21),
    ],
)
def test_the_cut_is_in_the_middle_of_the_gap(good, bad, bound, threshold):
    cut = middle_cut(np.array(good), np.array(bad), Side.BELOW, bound)
    assert cut.threshold == pytest.approx(threshold)
    mirrored = middle_cut(-np.array(good), -np.array(bad), Side.ABOVE, bound)
    assert (mirrored.threshold, mirrored.caught) == (pytest.approx(-threshold), cut.caught)


def test_a_value_that_tells_nothing_rejects_nothing():
    same = np.array([0.5, 0.5])
    cut = middle_cut(same, same, Side.ABOVE)
    assert (cut.false_reject, cut.caught) == (0.0, 0.0)


@given(samples, samples, sides)
def test_every_cut_does_what_it_says(good, bad, side):
    curve = roc(good, bad, side)
    for cut in curve.cuts:
        assert effect(good, bad, side, cut.threshold) == cut
    assert (curve.cuts[0].false_reject, curve.cuts[0].caught) == (0.0, 0.0)
    assert (curve.cuts[-1].false_reject, curve.cuts[-1].caught) == (1.0, 1.0)
    sign = 1.0 if side is Side.BELOW else -1.0
    pairs = np.sign(sign * (good[:, None] - bad[None]))
    assert curve.area == pytest.approx(np.mean((pairs + 1) / 2))


@given(samples, samples, sides, st.floats(0.0, 1.0))
def test_the_middle_cut_keeps_its_bound_and_nearly_the_best_gain(good, bad, side, bound):
    cut = middle_cut(good, bad, side, bound)
    assert cut.false_reject <= bound
    gains = [other.caught - other.false_reject for other in roc(good, bad, side).cuts if other.false_reject <= bound]
    assert cut.caught - cut.false_reject >= (1.0 - TOLERANCE) * max(gains) - 1e-9
