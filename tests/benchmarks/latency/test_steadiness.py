"""Warnings from numbers alone, on both sides of every limit."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.steadiness import (
    busy_warning,
    enqueue_warning,
    transfer_warning,
    variation_percent,
    variation_warning,
    yardstick_warning,
)


@pytest.mark.parametrize(("spread", "warned"), [(0.1, False), (4.0, True)])
def test_variation_is_warned_of_above_two_and_a_half_percent(spread, warned):
    values = 100.0 + spread * np.random.default_rng(0).standard_normal(500)
    found = variation_warning(values)
    assert (found is not None) == warned
    if found:
        assert found.code == "variation"
        assert found.value == pytest.approx(variation_percent(values))


def test_one_value_does_not_vary():
    assert variation_percent(np.array([3.0])) == 0.0


@pytest.mark.parametrize(("enqueue", "warned"), [(0.79, False), (0.81, True)])
def test_enqueue_bound_from_eight_tenths_of_the_compute_time(enqueue, warned):
    found = enqueue_warning(np.full(9, enqueue), np.full(9, 1.0))
    assert (found is not None) == warned


@pytest.mark.parametrize(
    ("copy_in", "copy_out", "direction"), [(0.9, 0.9, None), (1.0, 0.1, "copy in"), (0.1, 1.5, "copy out")]
)
def test_transfer_bound_names_the_longer_direction(copy_in, copy_out, direction):
    found = transfer_warning(np.full(5, copy_in), np.full(5, copy_out), np.full(5, 1.0))
    assert (found.message.startswith(direction) if found else None) == (True if direction else None)


@pytest.mark.parametrize(("others", "warned"), [(None, False), (9.0, False), (40.0, True)])
def test_a_busy_machine_is_said(others, warned):
    assert (busy_warning(others) is not None) == warned


def test_a_yardstick_that_moves_is_said():
    steady = np.full(20, 5.0)
    assert yardstick_warning(steady) is None
    assert yardstick_warning(np.concatenate([steady, steady * 1.2])) is not None
    assert yardstick_warning(np.array([1.0, 9.0])) is None  # two readings tell nothing
