"""Percentiles against the figures of MLPerf's rules and against simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.benchmarks.latency.percentiles import fewest_queries, interval_ranks, percentile, percentiles
from dgiqa_edge.calibration.statistics import nearest_rank


@pytest.mark.parametrize(("percent", "queries"), [(50.0, 11), (90.0, 64), (99.0, 662), (99.9, 6636)])
def test_the_fewest_queries_are_those_of_loadgens_early_stopping(percent, queries):
    assert fewest_queries(percent) == queries


def test_the_last_percentile_needs_a_limit():
    with pytest.raises(ValueError, match="between 0 and 100"):
        fewest_queries(100.0)


def test_no_p99_from_661_queries_and_one_from_662():
    values = np.arange(662, dtype=float)
    missing = percentile(values[:661], 99.0)
    assert (missing.value_ms, missing.low_ms, missing.high_ms) == (None, None, None)
    assert (missing.queries, missing.needed) == (661, 662)
    assert percentile(values, 99.0).value_ms == 655.0


def test_nearest_rank_is_exact_where_the_share_is_whole():
    assert [nearest_rank(100, 90.0), nearest_rank(101, 90.0), nearest_rank(10, 0.1)] == [90, 91, 1]


def test_a_percentile_of_known_values_and_its_ends():
    found = percentile(np.random.default_rng(1).permutation(1000).astype(float), 50.0)
    assert found.value_ms == 499.0
    assert found.name == "p50"
    assert found.low_ms is not None
    assert found.high_ms is not None
    assert 460 < found.low_ms < 499 < found.high_ms < 540


def test_too_few_queries_leave_the_upper_end_open():
    found = percentile(np.arange(64, dtype=float), 90.0)
    assert found.value_ms is not None
    low, high = interval_ranks(20, 90.0)
    assert high == 21
    assert low < 18


@pytest.mark.parametrize("percent", [50.0, 90.0, 99.0])
def test_intervals_cover_the_true_percentile_as_often_as_they_promise(percent):
    random = np.random.default_rng(7)
    truth = -np.log(1.0 - percent / 100.0)
    covered = 0
    for _ in range(400):
        found = percentile(random.exponential(size=700), percent)
        assert found.low_ms is not None
        covered += found.low_ms <= truth <= (np.inf if found.high_ms is None else found.high_ms)
    assert covered / 400 >= 0.93


@given(st.lists(st.floats(0.01, 1e4), min_size=64, max_size=200))
def test_percentiles_are_values_that_occurred_and_rise(values):
    found = [entry.value_ms for entry in percentiles(np.array(values), (50.0, 90.0))]
    assert all(value in values for value in found)
    assert found[0] <= found[1]
