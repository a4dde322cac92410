"""What was gained is told of photos that no fit saw, with the right words."""

import numpy as np
import pytest

from dgiqa_edge.calibration.agreement import Figure
from dgiqa_edge.runtime.errors import ReportError
from dgiqa_edge.training.own.fit import KEPT
from dgiqa_edge.training.own.goals import InOrder, NearScores, Scale
from dgiqa_edge.training.own.held_out import BETTER, WITHIN_NOISE, WORSE, Gain, gains, held_out
from dgiqa_edge.training.own.readout import Change, nothing

WIDTH = 12


@pytest.mark.parametrize(
    ("low", "high", "up", "verdict"),
    [
        (0.01, 0.2, True, BETTER),
        (-0.01, 0.2, True, WITHIN_NOISE),
        (-0.2, -0.01, True, WORSE),
        (0.0, 0.0, True, WITHIN_NOISE),
        (-0.2, -0.01, False, BETTER),
        (0.01, 0.2, False, WORSE),
    ],
)
def test_the_interval_of_the_change_decides(low, high, up, verdict):
    figure = Figure(0.5, 0.4, 0.6)
    assert Gain("", figure, figure, Figure((low + high) / 2, low, high), up).verdict == verdict


def test_a_real_change_is_better_and_every_figure_says_so(make_readings):
    readings = make_readings(120)
    random = np.random.default_rng(3)
    wanted = Change(0.7, tuple(random.normal(size=WIDTH) / 3.0 for _ in range(2)), (0.1, -0.2)).scores(readings)
    found = held_out(readings, NearScores(wanted), np.arange(120), 5, 0)
    told = gains(found, NearScores(wanted), Scale(0.0, 0.9), 0)
    assert [(gain.name, gain.verdict) for gain in told] == [("SRCC", BETTER), ("PLCC", BETTER), ("RMSE", BETTER)]
    assert len(found.chosen) == 5
    assert np.array_equal(found.base, nothing(readings).scores(readings))


def test_a_photo_is_judged_by_a_fit_that_did_not_see_it(make_readings):
    readings = make_readings(60)
    base = nothing(readings).scores(readings)
    wanted = np.clip(1.0 - base, 0.05, 0.95)
    found = held_out(readings, NearScores(wanted), np.arange(60), 5, 0)
    spoiled = wanted.copy()
    part = found.parts == 0
    spoiled[part] = np.random.default_rng(0).uniform(0.05, 0.95, part.sum())
    again = held_out(readings, NearScores(spoiled), np.arange(60), 5, 0)
    assert np.array_equal(found.own[part], again.own[part])
    assert not np.array_equal(found.own[~part], again.own[~part])


def test_noise_gains_nothing_and_changes_nothing(make_readings):
    readings = make_readings(80)
    noise = np.random.default_rng(1).uniform(0.05, 0.95, 80)
    found = held_out(readings, NearScores(noise), np.arange(80), 5, 0)
    assert found.chosen.count(KEPT) >= 4
    assert gains(found, NearScores(noise), Scale(0.0, 1.0), 0)[0].verdict == WITHIN_NOISE


def test_pairs_are_judged_within_a_part_and_must_be_enough(make_readings):
    readings = make_readings(60)
    random = np.random.default_rng(0)
    wanted = Change(0.7, tuple(random.normal(size=WIDTH) / 3.0 for _ in range(2)), (0.0, 0.0)).scores(readings)
    drawn = np.array([pair for pair in random.integers(0, 60, (400, 2)) if pair[0] != pair[1]])
    pairs = np.where((wanted[drawn[:, 0]] < wanted[drawn[:, 1]])[:, np.newaxis], drawn[:, ::-1], drawn)
    goal = InOrder(pairs, 60)
    found = held_out(readings, goal, np.zeros(60, int), 3, 0)
    (gain,) = gains(found, goal, None, 0)
    assert gain.verdict == BETTER
    assert gain.own.value > 0.85
    with pytest.raises(ReportError, match=r"only \d pairs have both photos in one of 10 parts"):
        held_out(readings, InOrder(pairs[:15], 60), np.zeros(60, int), 10, 0)
