"""The accuracy budget: what a user may write, and which figures break it."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.calibration.fidelity import ImageFidelity, summarize
from dgiqa_edge.export.options.accuracy_budget import (
    FLOOR,
    NO_LIMITS,
    AccuracyBudget,
    misses,
    parse_budget,
    parse_latency,
)


def image(reference, candidate, depth_mae=0.0, correlation=1.0):
    return ImageFidelity(reference, candidate, depth_mae, depth_mae, correlation)


SOUND = summarize([image(0.2, 0.21), image(0.5, 0.5), image(0.8, 0.79)])
REVERSED = summarize([image(0.2, 0.8, 30.0, 0.5), image(0.5, 0.5, 30.0, 0.5), image(0.8, 0.2, 30.0, 0.5)])


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("score_mae=0.01,srcc=0.99", AccuracyBudget(score_mae=0.01, srcc=0.99)),
        (" score_max = 1e-3 , depth_corr=0.95", AccuracyBudget(score_max=0.001, depth_corr=0.95)),
        ("depth_mae=12", AccuracyBudget(depth_mae=12.0)),
        ("score_mae=0", AccuracyBudget(score_mae=0.0)),
    ],
)
def test_budgets_as_written(text, budget):
    assert parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no accuracy limit"),
        ("score_mae", "no accuracy limit"),
        ("mae=0.01", "with a name of score_mae, score_max, srcc"),
        ("score_mae=0.01,", "'' is no accuracy limit"),
        ("score_mae=0.01 srcc=0.9", "give a number"),
        ("score_mae=0.01,score_mae=0.02", "given twice"),
        ("srcc=99", "from 0 to 1"),
        ("srcc=nan", "from 0 to 1"),
        ("score_mae=-1", "from 0 to 1"),
        ("score_mae=inf", "from 0 to 1"),
        ("depth_mae=256", "from 0 to 255"),
    ],
)
def test_bad_budgets_say_which_part(text, words):
    with pytest.raises(argparse.ArgumentTypeError, match=words):
        parse_budget(text)


limits = st.one_of(st.none(), st.floats(0, 1))


@given(st.builds(AccuracyBudget, limits, limits, limits, limits, st.one_of(st.none(), st.floats(0, 255))))
def test_a_budget_is_read_back_as_it_is_printed(budget):
    if budget == NO_LIMITS:
        assert str(budget) == "no limits"
    else:
        assert parse_budget(str(budget)) == budget


@pytest.mark.parametrize(
    ("text", "latency_ms"), [("10ms", 10.0), ("0.5s", 500.0), (" 900 us ", 0.9), ("1e1ms", 10.0), (".5ms", 0.5)]
)
def test_latencies_as_written(text, latency_ms):
    assert parse_latency(text) == pytest.approx(latency_ms)


@pytest.mark.parametrize("text", ["", "10", "0ms", "-1ms", "ms", "10 fps", "nanms", "1e999s", "10ms10ms"])
def test_bad_latencies_ask_for_a_time_with_its_unit(text):
    with pytest.raises(argparse.ArgumentTypeError, match="with its unit"):
        parse_latency(text)


def test_a_sound_engine_breaks_nothing_and_a_broken_one_everything():
    assert misses(FLOOR, SOUND) == ()
    broken = misses(FLOOR, REVERSED)
    assert [miss.figure for miss in broken] == ["score_mae", "srcc", "depth_corr", "depth_mae"]
    assert [str(miss) for miss in broken] == [
        "score_mae 0.4, allowed 0.05",
        "srcc -1, needed 0.5",
        "depth_corr 0.5, needed 0.9",
        "depth_mae 30, allowed 10",
    ]
    assert [miss.ratio for miss in broken] == pytest.approx([8.0, 4.0, 5.0, 3.0])
    assert misses(NO_LIMITS, REVERSED) == ()


def test_a_figure_exactly_at_its_limit_keeps_it():
    assert misses(AccuracyBudget(score_mae=SOUND.score_mae, srcc=1.0, depth_corr=1.0, depth_mae=0.0), SOUND) == ()


def test_an_engine_whose_scores_do_not_move_has_no_rank_and_breaks_its_limit():
    stuck = summarize([image(0.2, 0.5), image(0.5, 0.5), image(0.8, 0.5)])
    (miss,) = misses(AccuracyBudget(srcc=0.8), stuck)
    assert str(miss) == "srcc cannot be measured on these photos"
    assert miss.ratio == float("inf")


@pytest.mark.parametrize(
    "images",
    [
        [image(0.2, 0.2), image(0.8, 0.8)],
        [image(0.5, 0.5), image(0.5, 0.51), image(0.5, 0.5)],
    ],
)
def test_what_no_engine_could_show_is_not_asked_for(images):
    assert misses(AccuracyBudget(srcc=0.99), summarize(images)) == ()


def test_a_flat_depth_map_breaks_its_limit_unless_fp32_s_is_flat_too():
    same = [image(0.2 * n, 0.2 * n, 0.0, None) for n in range(3)]
    lost = [image(0.2 * n, 0.2 * n, 80.0, None) for n in range(3)]
    assert misses(AccuracyBudget(depth_corr=0.9), summarize(same)) == ()
    assert [miss.figure for miss in misses(AccuracyBudget(depth_corr=0.9), summarize(lost))] == ["depth_corr"]


def test_what_a_budget_does_not_name_is_held_to_the_floor():
    assert AccuracyBudget(score_mae=0.2).over(FLOOR) == AccuracyBudget(0.2, None, 0.5, 0.9, 10.0)
    assert AccuracyBudget(srcc=0.0).over(FLOOR).srcc == 0.0
