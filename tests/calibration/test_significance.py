"""The bootstrap against simulated machines whose mood changes from block to block."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.calibration.significance import change_of, combined, difference_of, difference_of_means, times_drawn
from dgiqa_edge.calibration.statistics import Mean, NearestRank


def machine(seed, factor=1.0, blocks=40, mood_spread=0.08, level=20.0, shared=None):
    """Blocks of ten latencies; each block's mood multiplies all of them, as a neighbour on the machine does."""
    random = np.random.default_rng(seed)
    mood = np.exp(mood_spread * np.random.default_rng(shared if shared is not None else seed).standard_normal(blocks))
    return [level * factor * one * np.exp(0.02 * random.standard_normal(10)) for one in mood]


MEDIAN = NearestRank(50.0)


def test_a_tenth_is_seen_through_moods_as_large_as_itself_when_blocks_pair_up():
    first, second = machine(1, shared=9), machine(2, factor=1.1, shared=9)
    found = change_of(first, second, MEDIAN, paired=True)
    assert found.low > 0.05
    assert found.value == pytest.approx(0.1, abs=0.02)
    assert found.high < 0.15


def test_equal_machines_are_told_apart_hardly_ever():
    alarms = 0
    for seed in range(40):
        found = change_of(machine(seed, shared=seed), machine(seed + 1000, shared=seed), MEDIAN, paired=True, seed=seed)
        alarms += not found.low <= 0.0 <= found.high
    assert alarms <= 2  # 99 % intervals: 0.4 expected


def test_unpaired_blocks_of_equal_machines_are_told_apart_hardly_ever():
    alarms = 0
    for seed in range(40):
        found = change_of(machine(seed), machine(seed + 500), MEDIAN, paired=False, seed=seed)
        alarms += not found.low <= 0.0 <= found.high
    assert alarms <= 2


def test_single_frames_would_have_lied():
    """The reason for blocks: the same data, resampled frame by frame, calls noise a difference again and again."""
    alarms = 0
    for seed in range(40):
        first, second = (np.concatenate(machine(number)) for number in (seed, seed + 500))
        random = np.random.default_rng(seed)
        ratios = [
            np.median(random.choice(second, len(second))) / np.median(random.choice(first, len(first))) - 1.0
            for _ in range(200)
        ]
        low, high = np.percentile(ratios, (0.5, 99.5))
        alarms += not low <= 0.0 <= high
    assert alarms >= 4


def test_a_few_wild_blocks_move_the_mean_but_not_the_verdict():
    first, second = machine(1, shared=9), machine(2, shared=9)
    for number in range(0, len(second), 5):
        second[number] = second[number] * 8.0
    found = change_of(first, second, Mean(), paired=True)
    assert found.low > 0.1
    assert found.rank_p > 0.005
    assert not found.certain


def test_the_machines_are_called_different_when_interval_and_ranks_agree():
    found = change_of(machine(1, shared=9), machine(2, factor=1.1, shared=9), MEDIAN, paired=True)
    assert found.certain
    assert change_of(machine(1), machine(1), MEDIAN, paired=True).rank_p == 1.0


def test_too_few_blocks_decide_nothing():
    assert change_of(machine(1, blocks=9), machine(2, blocks=50), MEDIAN, paired=False) is None
    assert change_of(machine(1, blocks=5), machine(2, blocks=50), MEDIAN, paired=True) is None


def test_blocks_are_drawn_as_runs_of_neighbours():
    times = times_drawn(np.random.default_rng(0), 27, draws=500)
    assert times.shape == (500, 27)
    assert (times.sum(axis=1) == 27).all()
    assert times.mean(axis=0) == pytest.approx(np.ones(27), abs=0.25)
    # Runs of three: neighbours are in the same draw far more often than blocks that lie apart.
    beside = np.corrcoef(times[:, 5], times[:, 6])[0, 1]
    apart = np.corrcoef(times[:, 5], times[:, 15])[0, 1]
    assert beside > 0.4 > apart


@given(st.lists(st.floats(0.1, 100.0), min_size=2, max_size=40), st.integers(0, 5), st.sampled_from([50.0, 90.0, 99.0]))
def test_a_statistic_of_draws_is_that_of_the_values_drawn(values, seed, percent):
    values = np.array(values)
    times = np.random.default_rng(seed).multinomial(len(values), np.full(len(values), 1 / len(values)), size=3)
    for statistic in (Mean(), NearestRank(percent)):
        expected = [statistic.of(np.repeat(values, row)) for row in times]
        assert statistic.of_draws(values, times) == pytest.approx(expected)


def test_changes_of_a_product_multiply():
    power = change_of(machine(1), machine(2, factor=1.2), MEDIAN, paired=False)
    latency = change_of(machine(3), machine(4, factor=0.5), MEDIAN, paired=False)
    energy = combined(power, latency)
    assert energy.value == pytest.approx((1 + power.value) * (1 + latency.value) - 1)
    assert energy.low < energy.value < energy.high


def test_errors_on_the_same_photos_are_compared_photo_by_photo():
    random = np.random.default_rng(0)
    first = random.gamma(1.0, 0.01, 60)
    second = first + 0.002 + 0.0005 * random.standard_normal(60)
    paired = difference_of_means(first, second, paired=True)
    apart = difference_of_means(first, second, paired=False)
    assert paired.value == pytest.approx(apart.value)
    assert paired.low > 0.0 > apart.low


def test_a_correlation_changes_with_its_columns():
    human = np.linspace(0, 1, 50)
    noise = np.random.default_rng(0).standard_normal(50)
    found = difference_of(
        (human + 0.01 * noise, human), (human + noise, human), lambda a, b: float(np.corrcoef(a, b)[0, 1])
    )
    assert found.high < 0.0
