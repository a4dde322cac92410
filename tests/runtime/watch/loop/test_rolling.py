"""Percentiles and rates of the last frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.watch.loop.rolling import WINDOW_FRAMES, RollingPercentiles, RollingRate
from dgiqa_edge.runtime.watch.status import Percentiles


def test_percentiles_are_durations_that_were_measured() -> None:
    rolling = RollingPercentiles()
    assert rolling.snapshot() == Percentiles()
    for value in range(1, 101):
        rolling.add(float(value))
    assert rolling.snapshot() == Percentiles(100, 50.0, 90.0, 99.0, 100.0)


@given(st.lists(st.floats(0.0, 1e4), min_size=1, max_size=700))
def test_percentiles_are_ordered_and_of_the_last_frames(values: list[float]) -> None:
    rolling = RollingPercentiles()
    for value in values:
        rolling.add(value)
    last = values[-WINDOW_FRAMES:]
    shown = rolling.snapshot()
    found = [shown.p50_ms, shown.p90_ms, shown.p99_ms, shown.max_ms]
    assert shown.count == len(last)
    assert found == sorted(found)
    assert set(found) <= set(last)


def test_a_rate_is_of_the_last_seconds() -> None:
    rate = RollingRate()
    assert rate.per_second == 0.0
    for second in range(60):
        rate.sample(float(second), 10 * second if second < 30 else 300)
    assert rate.per_second == 0.0
    for second in range(60, 80):
        rate.sample(float(second), 300 + 5 * (second - 59))
    assert rate.per_second == pytest.approx(5.0)


def test_a_rate_spans_ten_seconds_and_no_more() -> None:
    rate = RollingRate()
    for second in range(21):
        rate.sample(float(second), second * second)
    assert rate.per_second == (20 * 20 - 10 * 10) / 10


def test_a_rate_needs_two_moments() -> None:
    rate = RollingRate()
    rate.sample(5.0, 3)
    assert rate.per_second == 0.0
    rate.sample(5.0, 4)
    assert rate.per_second == 0.0


def test_an_old_sample_stays_only_where_the_rate_needs_one() -> None:
    rate = RollingRate()
    rate.sample(0.0, 0)
    rate.sample(20.0, 10)
    assert rate.per_second == 0.5
    rate.sample(50.0, 100)
    assert rate.per_second == 3.0
