"""Smoothing rules: what they follow, what they ignore, and that the frame rate does not matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.smoothing import ExponentialAverage, LesserOfTwo, MedianWindow, Unsmoothed

values = st.lists(st.tuples(st.floats(0.0, 2.0), st.floats(-100.0, 100.0)), min_size=1, max_size=40)


@pytest.mark.parametrize("make", [lambda: ExponentialAverage(0.3), lambda: MedianWindow(0.5), LesserOfTwo, Unsmoothed])
@given(values)
def test_a_smoothed_value_stays_within_what_was_seen(make, steps):
    smoother, t, seen = make(), 0.0, []
    for dt, value in steps:
        t += dt
        seen.append(value)
        assert min(seen) - 1e-9 <= smoother.update(value, t) <= max(seen) + 1e-9


def test_half_of_a_step_is_followed_after_one_time_constant():
    smoother = ExponentialAverage(2.0)
    smoother.update(0.0, 0.0)
    assert smoother.update(1.0, 2.0) == 0.5


@pytest.mark.parametrize("fps", [10, 30, 120])
def test_a_step_takes_about_the_same_time_at_any_frame_rate(fps):
    smoother = ExponentialAverage(1.0)
    smoother.update(0.0, 0.0)
    for index in range(1, fps + 1):
        value = smoother.update(1.0, index / fps)
    assert value == pytest.approx(0.62, abs=0.02)


def test_the_median_ignores_one_wild_frame_and_forgets_by_time():
    smoother = MedianWindow(1.0)
    assert [smoother.update(value, t) for t, value in ((0.0, 5.0), (0.25, 100.0), (0.5, 5.0))] == [5.0, 52.5, 5.0]
    assert smoother.update(7.0, 1.25) == 6.0  # those of 0.0 and 0.25 are a second old or older


def test_reset_forgets():
    for smoother in (ExponentialAverage(1.0), MedianWindow(1.0), LesserOfTwo(), Unsmoothed()):
        smoother.update(-5.0, 0.0)
        smoother.reset()
        assert smoother.update(1.0, 0.1) == 1.0


def test_what_only_one_frame_shows_counts_for_nothing():
    smoother = LesserOfTwo()
    assert [smoother.update(value, float(t)) for t, value in enumerate((0.0, 0.9, 0.0, 0.5, 0.7, 0.1))] == [
        *(0.0, 0.0, 0.0, 0.0, 0.5, 0.1),
    ]
