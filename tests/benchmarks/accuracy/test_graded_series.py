"""Shares of pairs in order, and their intervals, by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.accuracy.graded_series import GradedSeries, order_of, pooled_order, share_in_order, wilson

SERIES = GradedSeries("a", ((0.0, "clean"), (0.3, "weak"), (0.3, "weak too"), (1.0, "strong")))


def test_pairs_of_a_series():
    assert SERIES.clean_pairs() == [("clean", "weak"), ("clean", "weak too"), ("clean", "strong")]
    assert SERIES.step_pairs() == [("clean", "weak"), ("weak too", "strong")]
    assert SERIES.only(1.0).pictures == ((0.0, "clean"), (1.0, "strong"))
    assert GradedSeries("b", ((0.5, "x"), (0.7, "y"))).clean_pairs() == []


@pytest.mark.parametrize(
    ("scores", "clean", "steps"),
    [
        ({"clean": 0.9, "weak": 0.5, "weak too": 0.6, "strong": 0.1}, (3, 3), (2, 2)),
        ({"clean": 0.5, "weak": 0.5, "weak too": 0.4, "strong": 0.45}, (2, 3), (0, 2)),  # a tie is not in order
        ({"clean": 0.5, "weak": 0.4, "strong": 0.6}, (1, 2), (1, 1)),  # a picture without a score makes no pair
    ],
)
def test_shares_count_pairs_that_both_have_scores(scores, clean, steps):
    order = order_of([SERIES], scores)
    assert (order.clean.in_order, order.clean.pairs) == clean
    assert (order.steps.in_order, order.steps.pairs) == steps
    assert order.clean.pairs + order.clean.missing == 3
    assert order.steps.pairs + order.steps.missing == 2


def test_no_pair_makes_no_share():
    assert order_of([SERIES], {"clean": 1.0}).clean is None
    assert share_in_order([], {}) is None


def test_pooling_counts_a_scene_once_for_all_its_kinds():
    kinds = [[GradedSeries(scene, ((0.0, scene), (1.0, scene + kind))) for scene in "ab"] for kind in "xyz"]
    order = pooled_order(kinds, {"a": 1.0, "b": 1.0, "ax": 0.0, "ay": 0.0, "az": 2.0, "bx": 0.0, "by": 0.0})
    assert (order.clean.in_order, order.clean.pairs, order.clean.missing, order.clean.scenes) == (4, 5, 1, 2)


@pytest.mark.parametrize(
    ("share", "count", "low", "high"),  # by R's prop.test(correct = FALSE)
    [(1.0, 10, 0.7225, 1.0), (0.5, 10, 0.2366, 0.7634), (0.0, 4, 0.0, 0.4899), (0.95, 100, 0.8882, 0.9785)],
)
def test_wilson(share, count, low, high):
    assert wilson(share, count) == pytest.approx((low, high), abs=1e-4)


@given(st.floats(0, 1), st.integers(1, 10_000))
def test_wilson_holds_the_share_and_narrows(share, count):
    low, high = wilson(share, count)
    assert 0.0 <= low <= share + 1e-12
    assert share - 1e-12 <= high <= 1.0
    wider_low, wider_high = wilson(share, max(1, count // 2))
    assert wider_high - wider_low >= high - low - 1e-12
