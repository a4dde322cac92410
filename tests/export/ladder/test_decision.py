"""The ladder's decision as a table and as laws that hold for every table."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.export.ladder.decision import STATUSES, Tried, decide
from dgiqa_edge.export.options.accuracy_budget import Miss
from dgiqa_edge.runtime.bundle.ladder_table import STATUS_WORDS

OVER = (Miss("score_mae", 0.02, 0.01),)
FAR = (Miss("score_mae", 0.2, 0.01), Miss("srcc", 0.5, 0.99))


def failed(name):
    return Tried(name, untried="failed", reason="the parser does not know Foo")


@pytest.mark.parametrize(
    ("tried", "target_ms", "winner", "statuses"),
    [
        ([Tried("int8", 5.0), Tried("fp32", 9.0)], None, "int8", ["accepted", "slower"]),
        ([Tried("int8", 9.0), Tried("fp32", 5.0)], None, "fp32", ["slower", "accepted"]),
        ([Tried("int8", 5.0), Tried("fp32", 5.0)], None, "fp32", ["slower", "accepted"]),
        ([Tried("int8", 5.0, OVER), Tried("fp32", 9.0)], None, "fp32", ["over_budget", "accepted"]),
        ([failed("int8"), Tried("fp32", 9.0)], None, "fp32", ["failed", "accepted"]),
        ([Tried("int8", 5.0), Tried("fp32", 9.0)], 6.0, "int8", ["accepted", "slower"]),
        ([Tried("int8", 5.0), Tried("fp32", 9.0)], 4.0, "", ["too_slow", "too_slow"]),
        ([Tried("int8", 5.0, OVER), Tried("fp32", 9.0)], 6.0, "", ["over_budget", "too_slow"]),
        ([Tried("int8", 5.0, OVER), Tried("fp32", 9.0, FAR)], None, "", ["over_budget", "over_budget"]),
        ([failed("int8"), failed("fp32")], None, "", ["failed", "failed"]),
    ],
)
def test_the_table(tried, target_ms, winner, statuses):
    decision = decide(tried, target_ms)
    assert decision.winner == winner
    assert [ruling.status for ruling in decision.rulings] == statuses
    assert bool(decision.nearest_miss) == (not winner)


STEADY = tuple(5.0 + 0.01 * (n % 3) for n in range(20))


def on(backend, mib, factor, misses=()):
    """INT8 on a backend that takes so much room, at ``factor`` times 5 ms."""
    times = tuple(factor * one for one in STEADY)
    return Tried(f"int8 on {backend}", times[0], misses, runs_ms=times, install_bytes=mib << 20)


@pytest.mark.parametrize(
    ("tried", "target_ms", "winner", "statuses"),
    [
        ([on("a", 50, 1.0), on("b", 90, 0.5)], None, "int8 on b", ["slower", "accepted"]),
        ([on("a", 50, 1.0), on("b", 90, 0.97)], None, "int8 on a", ["accepted", "near_tie"]),
        ([on("a", 90, 1.0), on("b", 50, 0.97)], None, "int8 on b", ["slower", "accepted"]),
        ([on("a", 50, 1.0, OVER), on("b", 90, 0.97)], None, "int8 on b", ["over_budget", "accepted"]),
        ([on("a", 50, 1.0), on("b", 90, 0.97)], 4.9, "int8 on b", ["slower", "accepted"]),
        (
            [on("a", 50, 1.02), on("b", 40, 1.01), on("c", 90, 1.0)],
            None,
            "int8 on b",
            ["slower", "accepted", "near_tie"],
        ),
        (
            [on("a", 50, 1.04), replace(on("b", 90, 1.02), name="fp32 on b"), on("b", 90, 1.0)],
            None,
            "int8 on a",
            ["accepted", "slower", "near_tie"],
        ),
    ],
)
def test_of_near_ties_the_smaller_install_is_taken(tried, target_ms, winner, statuses):
    decision = decide(tried, target_ms)
    assert decision.winner == winner
    assert [ruling.status for ruling in decision.rulings] == statuses


def test_of_one_install_the_fastest_is_taken_whichever_of_its_rungs_the_tie_was_with():
    wild = tuple(5.0 * (1.14 if n < 11 else 0.9) for n in range(20))  # 14 % more, and none shown
    int8, fp32 = Tried("int8 on a", 5.7, runs_ms=wild, install_bytes=50), on("a", 0, 1.12)
    fp32 = replace(fp32, name="fp32 on a", install_bytes=50)
    steady, slow = on("b", 90, 1.0), replace(on("b", 90, 1.17), name="fp32 on b")
    decision = decide([int8, steady, fp32, slow])
    assert decision.winner == "fp32 on a"
    assert [ruling.status for ruling in decision.rulings] == ["slower", "near_tie", "accepted", "slower"]
    assert decision.rulings[2].reason.startswith(
        "faster than int8 on a, which is not shown to be slower than int8 on b (+13.8% [-"
    )
    assert decision.rulings[3].reason == "1.04 times the latency of fp32 on a"


def test_a_near_tie_says_what_was_weighed():
    reasons = [ruling.reason for ruling in decide([on("a", 50, 1.0), on("b", 90, 0.97)]).rulings]
    assert reasons[0].startswith("less than 5 % slower than int8 on b (+3.1% [+")
    assert reasons[0].endswith("%]), and its backend takes 50 instead of 90 MiB")
    assert reasons[1] == "0.97 times the latency of int8 on a, whose backend is smaller"


@pytest.mark.parametrize(
    ("tried", "winner", "reason"),
    [
        ([("int8", "a", 50), ("fp32", "a", 50)], "fp32 on a", "no faster than fp32 on a, which is more precise"),
        ([("int8", "a", 50), ("int8", "b", 50)], "int8 on b", "no faster than int8 on b"),
    ],
)
def test_of_two_equally_fast_it_is_said_which_is_more_precise_where_one_is(tried, winner, reason):
    tried = [replace(on(b, mib, 1.0), name=f"{rung} on {b}", rung=rung) for rung, b, mib in tried]
    decision = decide(tried)
    assert decision.winner == winner
    assert decision.rulings[0].reason == reason


def test_of_one_install_and_two_as_fast_the_more_precise_is_taken_in_a_tie_too():
    """The fastest is another, of a larger install."""
    int8, fp32 = (replace(on("a", 50, 1.02), name=f"{rung} on a", rung=rung) for rung in ("int8", "fp32"))
    other = replace(on("c", 70, 1.02), name="fp16 on c", rung="fp16")
    decision = decide([int8, on("b", 90, 1.0), other, fp32])
    assert decision.winner == "fp32 on a"
    assert decision.rulings[0].reason == "no faster than fp32 on a, which is more precise"
    decision = decide([int8, on("b", 90, 1.0), other])
    assert decision.rulings[2].reason == "no faster than int8 on a"


def test_every_ruling_says_why():
    decision = decide([Tried("int8", 5.0, FAR), Tried("fp16", 10.0), failed("fp16-islands"), Tried("fp32", 15.0)])
    assert [ruling.reason for ruling in decision.rulings] == [
        "score_mae 0.2, allowed 0.01; srcc 0.5, needed 0.99",
        "the fastest within the budget",
        "the parser does not know Foo",
        "1.50 times the latency of fp16",
    ]


@pytest.mark.parametrize(
    ("tried", "target_ms", "words"),
    [
        ([Tried("int8", 12.0), Tried("fp32", 30.0)], 10.0, "int8 keeps the budget at p50 12 ms, 1.20 times the target"),
        (
            [Tried("int8", 8.0, OVER), Tried("fp16", 9.0, FAR), Tried("fp32", 30.0)],
            10.0,
            "int8 is fast enough (8 ms) but score_mae 0.02, allowed 0.01",
        ),
        ([Tried("int8", 8.0, FAR), Tried("fp32", 9.0, OVER)], None, "fp32 has score_mae 0.02, allowed 0.01"),
        ([failed("int8")], None, "no rung could be run: int8: the parser does not know Foo"),
    ],
)
def test_the_nearest_miss(tried, target_ms, words):
    assert words in decide(tried, target_ms).nearest_miss


miss_lists = st.lists(
    st.builds(Miss, st.sampled_from(["score_mae", "srcc"]), st.none() | st.floats(0, 1), st.floats(0, 1)), max_size=2
)
ran = st.builds(
    lambda latency, missed: Tried("", latency, tuple(missed)),
    st.integers(1, 20).map(float) | st.floats(0.1, 1e4),
    miss_lists,
)
untried = st.builds(lambda status: Tried("", untried=status, reason="why"), st.sampled_from(STATUSES[-3:]))
ladders = st.lists(ran | untried, min_size=1, max_size=8).map(
    lambda rungs: [Tried(str(n), r.p50_ms, r.misses, r.untried, r.reason) for n, r in enumerate(rungs)]
)


@given(ladders, st.none() | st.floats(0.1, 1e4))
def test_taken_is_the_fastest_within_the_budget_and_the_target(tried, target_ms):
    decision = decide(tried, target_ms)
    within = [rung for rung in tried if not rung.untried and not rung.misses]
    keeping = [rung for rung in within if target_ms is None or rung.p50_ms <= target_ms]
    assert [ruling.name for ruling in decision.rulings] == [rung.name for rung in tried]
    assert bool(decision.winner) == bool(keeping)
    if not keeping:
        assert decision.nearest_miss
        assert not any(ruling.status == "accepted" for ruling in decision.rulings)
        return
    winner = next(rung for rung in tried if rung.name == decision.winner)
    assert winner in keeping
    assert all(winner.p50_ms <= rung.p50_ms for rung in within)
    # Never slower than the more precise rung next to it that keeps the budget; of equals the more precise one.
    above = [rung for rung in within if int(rung.name) > int(winner.name)]
    assert all(winner.p50_ms < rung.p50_ms for rung in above)
    assert [ruling.name for ruling in decision.rulings if ruling.status == "accepted"] == [winner.name]


@given(ladders, st.none() | st.floats(0.1, 1e4))
def test_every_rung_gets_the_status_that_fits_it(tried, target_ms):
    for rung, ruling in zip(tried, decide(tried, target_ms).rulings, strict=True):
        assert ruling.status in STATUSES
        assert ruling.reason
        assert (ruling.status == rung.untried) == bool(rung.untried)
        assert (ruling.status == "over_budget") == (bool(rung.misses) and not rung.untried)


def test_every_status_can_be_shown():
    assert set(STATUSES) == set(STATUS_WORDS)
