"""ROC curves and cuts against figures worked out by hand, and against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate_policy import Side
from dgiqa_edge.runtime.roc import Cut, best_cut, effect, roc

GOOD = np.array([0.5, 0.6, 0.7, 0.8])
BAD = np.array([0.1, 0.2, 0.55, 0.3])
samples = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=15).map(np.array)
sides = st.sampled_from(list(Side))


def test_the_area_is_the_share_of_pairs_in_order():
    assert roc(GOOD, BAD, Side.BELOW).area == 15 / 16
    assert roc(GOOD, BAD, Side.ABOVE).area == 1 / 16


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, Cut(0.4, 0.0, 0.75)),  # as good as 0.575, which rejects a good photo more
        ({"max_false_reject": 0.0}, Cut(0.4, 0.0, 0.75)),
        ({"gain_share": 0.6}, Cut(0.25, 0.0, 0.5)),
    ],
)
def test_the_best_cut(settings, expected):
    assert best_cut(roc(GOOD, BAD, Side.BELOW), **settings) == Cut(
        pytest.approx(expected.threshold), expected.false_reject, expected.caught
    )


def test_a_value_that_tells_nothing_rejects_nothing():
    same = np.array([0.5, 0.5])
    cut = best_cut(roc(same, same, Side.ABOVE))
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


@given(samples, samples, sides, st.floats(0.0, 1.0), st.floats(0.1, 1.0))
def test_the_best_cut_keeps_its_bound_and_its_share_of_the_gain(good, bad, side, bound, share):
    curve = roc(good, bad, side)
    cut = best_cut(curve, bound, share)
    assert cut.false_reject <= bound
    gains = [other.caught - other.false_reject for other in curve.cuts if other.false_reject <= bound]
    assert cut.caught - cut.false_reject >= share * max(gains) - 1e-9
