"""Drift and throttling in series whose truth is known."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.drift import find_clock_drops, find_drift, window_medians

TIMES = np.linspace(0.0, 3600.0, 3000)


def noisy(level, seed=0, spread=0.05):
    return level * (1.0 + spread * np.random.default_rng(seed).standard_normal(len(TIMES)))


def test_a_slow_rise_is_found_in_noise_larger_than_itself():
    found = find_drift(TIMES, noisy(20.0) * np.linspace(1.0, 1.06, len(TIMES)))
    assert found.found is True
    assert found.change_percent == pytest.approx(6.0, abs=1.0)


@pytest.mark.parametrize("seed", range(20))
def test_noise_without_a_trend_is_no_drift(seed):
    assert find_drift(TIMES, noisy(20.0, seed)).found is False


def test_single_slow_frames_at_the_end_are_no_drift():
    values = noisy(20.0)
    values[-40::4] *= 20.0
    assert find_drift(TIMES, values).found is False


def test_a_trend_too_small_to_matter_is_no_drift():
    found = find_drift(TIMES, noisy(20.0, spread=0.001) * np.linspace(1.0, 1.01, len(TIMES)))
    assert found.p_value < 0.01
    assert found.found is False


def test_a_series_too_short_is_not_decided():
    assert find_drift(TIMES[:5], np.arange(5.0) + 1.0).found is None
    assert find_drift(np.array([]), np.array([])).found is None


def test_a_constant_series_has_no_drift():
    found = find_drift(TIMES, np.full(len(TIMES), 40.0))
    assert (found.found, found.change_percent) == (False, 0.0)


def test_windows_without_values_are_left_out():
    middles, medians = window_medians(np.array([0.0, 1.0, 99.0, 100.0]), np.array([1.0, 3.0, 7.0, 9.0]), windows=10)
    assert middles.tolist() == [5.0, 95.0]
    assert medians.tolist() == [2.0, 8.0]


def test_a_clock_that_falls_under_load_is_throttled():
    clock = np.array([300.0, 1300, 1300, 1300, 1300, 900, 900, 900, 900, 1300, 1300])
    times = np.arange(len(clock)) * 2.0
    (drop,) = find_clock_drops(times, clock, np.full(len(clock), 95.0))
    assert (drop.start_s, drop.end_s, drop.from_mhz, drop.to_mhz) == (10.0, 16.0, 1300.0, 900.0)


def test_a_clock_that_falls_without_load_or_for_an_instant_is_not():
    clock = np.array([1300.0] * 5 + [300.0] * 5)
    times = np.arange(10.0)
    assert find_clock_drops(times, clock, np.array([95.0] * 5 + [3.0] * 5)) == []
    assert find_clock_drops(times, np.array([1300.0] * 5 + [900.0] + [1300.0] * 4)) == []
    assert find_clock_drops(times[:2], clock[:2]) == []


def test_throttling_that_lasts_to_the_end_is_found():
    clock = np.array([1300.0] * 6 + [1000.0] * 6)
    (drop,) = find_clock_drops(np.arange(12.0), clock)
    assert (drop.start_s, drop.end_s) == (6.0, 11.0)
