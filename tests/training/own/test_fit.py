"""The fit: it finds a change that is there, leaves alone what is none, and never divides a group."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from dgiqa_edge.calibration.agreement import srcc
from dgiqa_edge.training.own.fit import KEPT, SCALED, STRENGTHS, _Standard, candidates, chosen, divided, fitted, folds
from dgiqa_edge.training.own.goals import InOrder, NearScores, Scale
from dgiqa_edge.training.own.readout import Change, nothing

WIDTH = 12


def another_taste(seed=3):
    """A change of every weight that turns much of the order."""
    random = np.random.default_rng(seed)
    return Change(0.7, tuple(random.normal(size=WIDTH) / 3.0 for _ in range(2)), (0.1, -0.2))


def in_order_of(scores, count, seed=0):
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(scores), (count, 2))
    drawn = drawn[scores[drawn[:, 0]] != scores[drawn[:, 1]]]
    turned = scores[drawn[:, 0]] < scores[drawn[:, 1]]
    return InOrder(np.where(turned[:, np.newaxis], drawn[:, ::-1], drawn), len(scores))


def test_a_known_change_is_recovered(make_readings):
    readings, change = make_readings(200), another_taste()
    wanted = change.scores(readings)
    assert srcc(nothing(readings).scores(readings), wanted) < 0.8
    known, others = np.arange(150), np.arange(150, 200)
    found = fitted(readings.of(known), NearScores(wanted[known]))[STRENGTHS[-1]]
    off = np.abs(found.scores(readings) - wanted)
    assert off[known].mean() < 0.01
    assert off[others].mean() < 0.03
    assert srcc(found.scores(readings)[others], wanted[others]) > 0.98


def test_scores_and_pairs_without_noise_agree(make_readings):
    readings = make_readings(120)
    wanted = another_taste().scores(readings)
    by_scores = fitted(readings, NearScores(wanted))[STRENGTHS[-1]].scores(readings)
    by_pairs = fitted(readings, in_order_of(wanted, 2000))[STRENGTHS[-1]].scores(readings)
    assert srcc(by_scores, wanted) > 0.98
    assert srcc(by_pairs, wanted) > 0.95
    assert srcc(by_scores, by_pairs) > 0.95


def test_looser_fits_come_nearer_and_the_stiffest_is_the_base_on_another_scale(make_readings):
    readings = make_readings(120)
    goal = NearScores(another_taste().scores(readings))
    changes = fitted(readings, goal)
    assert list(changes) == list(candidates(goal))
    losses = [goal.loss(change.scores(readings))[0] for change in changes.values()]
    assert losses == sorted(losses, reverse=True)
    assert not any(step.any() for step in changes[SCALED].steps)
    assert (changes[KEPT].scale, changes[KEPT].shifts) == (1.0, (0.0, 0.0))


@pytest.mark.parametrize("seed", range(3))
def test_of_noise_nothing_is_learned(make_readings, seed):
    readings = make_readings(100, seed)
    noise = np.random.default_rng(seed + 50).uniform(0.05, 0.95, 100)
    assert chosen(readings, NearScores(noise), np.arange(100), seed) == KEPT
    assert chosen(readings, in_order_of(noise, 300), np.zeros(100, int), seed) == KEPT


def test_scores_that_the_base_gives_already_change_at_most_the_scale(make_readings):
    readings = make_readings(100)
    base = nothing(readings).scores(readings)
    goal = NearScores(Scale(float(base.min()), float(base.max())).mapped(base))
    found = fitted(readings, goal)[chosen(readings, goal, np.arange(100), 0)]
    assert srcc(found.scores(readings), base) > 0.995


def test_another_taste_is_worth_a_change_and_the_same_seed_takes_the_same(make_readings):
    readings = make_readings(120)
    goal = NearScores(another_taste().scores(readings))
    first, second = (chosen(readings, goal, np.arange(120), 1) for _ in range(2))
    assert first == second
    assert isinstance(first, float)
    one, other = (fitted(readings, goal, [first])[first] for _ in range(2))
    assert all(np.array_equal(*pair) for pair in zip(one.steps, other.steps, strict=True))


@pytest.mark.parametrize("pairs", [False, True])
def test_the_gradient_is_that_of_the_loss(make_readings, pairs):
    readings = make_readings(30)
    wanted = another_taste().scores(readings)
    standard = _Standard(readings, in_order_of(wanted, 60) if pairs else NearScores(wanted))
    at = np.random.default_rng(0).normal(size=2 + 2 * WIDTH) / 5.0
    numbers = optimize.approx_fprime(at, lambda x: standard._loss(x, 0.01)[0], 1e-6)
    assert np.allclose(standard._loss(at, 0.01)[1], numbers, atol=1e-5)


def test_an_input_that_never_varied_keeps_its_weight(make_readings):
    readings = make_readings(60)
    readings.layers[0].inputs[:, :, 0] = 0.0
    change = fitted(readings, NearScores(another_taste().scores(readings)))[STRENGTHS[-1]]
    assert change.steps[0][0] == 0.0
    assert np.isfinite(change.steps[0]).all()


def test_weights_give_the_logits_of_the_change(make_readings):
    readings, change = make_readings(20), another_taste()
    random = np.random.default_rng(0)
    weight, bias = random.normal(size=(1, WIDTH)), random.normal(size=1)
    inputs = readings.layers[1].inputs
    new_weight, new_bias = change.weights(1, weight, bias)
    expected = change.scale * (inputs @ weight[0] + bias) + inputs @ change.steps[1] + change.shifts[1]
    assert np.allclose(inputs @ new_weight[0] + new_bias, expected)


@settings(max_examples=50, deadline=None)
@given(
    groups=st.lists(st.integers(0, 30), min_size=20, max_size=80),
    count=st.integers(2, 6),
    seed=st.integers(0, 1000),
)
def test_folds_hold_every_photo_out_once_and_divide_no_group_that_fits(groups, count, seed):
    groups = np.array(groups)
    parts = folds(groups, count, seed)
    assert np.array_equal(parts, folds(groups, count, seed))
    held = np.concatenate([held for _, held in divided(parts)])
    assert sorted(held.tolist()) == list(range(len(groups)))
    for rest, out in divided(parts):
        assert not set(rest.tolist()) & set(out.tolist())
    for group in np.unique(groups):
        if (groups == group).sum() <= 2 * len(groups) / count:
            assert len(set(parts[groups == group].tolist())) == 1


def test_one_group_of_all_photos_is_divided_after_all():
    assert len(set(folds(np.zeros(50, int), 5, 0).tolist())) == 5
