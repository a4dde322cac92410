"""Verdicts on whole reports: quiet where nothing changed, loud where something did, honest where nobody can tell."""

import numpy as np
import pytest

from dgiqa_edge.benchmarks.compare.limits import Limit, parse_limits
from dgiqa_edge.benchmarks.compare.verdicts import Verdict, compare, decide
from dgiqa_edge.calibration.significance import Change
from dgiqa_edge.runtime.errors import ConfigurationError

BLOCKS, PER_BLOCK = 70, 10


def latencies(seed, factor=1.0, mood=None, level=20.0):
    """One measurement; ``mood`` multiplies each block as the machine's neighbours do."""
    random = np.random.default_rng(seed)
    mood = np.ones(BLOCKS) if mood is None else mood
    return level * factor * np.repeat(mood, PER_BLOCK) * np.exp(0.02 * random.standard_normal(BLOCKS * PER_BLOCK))


def moods(seed, spread=0.15):
    return np.exp(spread * np.random.default_rng(seed).standard_normal(BLOCKS))


def session(index):
    return {"id": "abc", "index": index, "bundles": 2}


def verdicts(comparison):
    return {row.metric.name: row.verdict for row in comparison.rows}


@pytest.mark.parametrize("seed", range(10))
def test_ten_equal_pairs_on_a_moody_machine_stay_quiet(make_report, seed):
    mood = moods(seed)
    first = make_report(latencies(seed, mood=mood), session=session(0))
    second = make_report(latencies(seed + 100, mood=mood), session=session(1))
    comparison = compare(first, second, parse_limits("p50=+5%,p90=+5%,p99=+5%"))
    assert comparison.paired
    assert not comparison.failed
    assert {Verdict.WORSE, Verdict.BETTER}.isdisjoint(verdicts(comparison).values())


@pytest.mark.parametrize("seed", range(3))
def test_a_tenth_is_flagged_on_the_same_moody_machine(make_report, seed):
    mood = moods(seed)
    first = make_report(latencies(seed, mood=mood), session=session(0))
    second = make_report(latencies(seed + 100, factor=1.1, mood=mood), session=session(1))
    comparison = compare(first, second, parse_limits("p50=+5%,mean=+5%"))
    assert comparison.failed
    assert verdicts(comparison)["p50"] is Verdict.WORSE
    assert verdicts(compare(second, first))["p50"] is Verdict.BETTER


def test_a_machine_that_was_slower_as_a_whole_is_not_the_bundles_fault(make_report):
    slow = 1.25 * moods(3, 0.01)
    first = make_report(latencies(1), yardstick=np.full(BLOCKS, 5.0))
    second = make_report(latencies(2, mood=slow), yardstick=5.0 * slow)
    comparison = compare(first, second, parse_limits("p50=+5%"))
    row = comparison.rows[0]
    assert row.verdict is Verdict.UNDECIDED
    assert "the machine itself changed" in row.reason
    assert any("25% slower" in caution for caution in comparison.cautions)
    assert not comparison.failed


def test_a_bundle_that_is_slower_than_the_machine_explains_is_flagged(make_report):
    first = make_report(latencies(1), yardstick=5.0)
    second = make_report(latencies(2, factor=1.25), yardstick=5.0)
    comparison = compare(first, second, parse_limits("p50=+5%"))
    assert comparison.rows[0].verdict is Verdict.WORSE
    assert comparison.rows[0].fails


def test_a_difference_below_the_limit_is_the_same(make_report):
    comparison = compare(make_report(latencies(1)), make_report(latencies(2, factor=1.01)))
    assert verdicts(comparison)["p50"] is Verdict.SAME


def test_percentiles_without_queries_are_absent_with_the_reason(make_report):
    short = make_report(latencies(1)[:100])
    comparison = compare(short, make_report(latencies(2)))
    rows = {row.metric.name: row for row in comparison.rows}
    assert rows["p99"].verdict is Verdict.ABSENT
    assert "needs 662 queries" in rows["p99"].reason
    assert rows["power"].verdict is Verdict.ABSENT


def test_power_and_energy_are_compared(make_report):
    random = np.random.default_rng(0)
    first = make_report(latencies(1, level=90.0), power_w=random.normal(6.0, 0.1, 120))
    second = make_report(latencies(2, level=90.0), power_w=random.normal(9.0, 0.1, 120))
    rows = {row.metric.name: row for row in compare(first, second, parse_limits("power=+10%")).rows}
    assert rows["power"].verdict is Verdict.WORSE
    assert rows["power"].fails
    assert rows["j_per_frame"].change == pytest.approx(0.5, abs=0.1)


def test_a_less_exact_engine_is_flagged_photo_by_photo(make_report):
    scores = np.random.default_rng(0).random(40)
    exact = [(float(s), float(s) + 0.001) for s in scores]
    rough = [(float(s), float(s) + 0.008) for s in scores]
    comparison = compare(
        make_report(latencies(1), per_image=exact),
        make_report(latencies(2), per_image=rough),
        parse_limits("score_mae=+0.002"),
    )
    rows = {row.metric.name: row for row in comparison.rows}
    assert rows["score_mae"].verdict is Verdict.WORSE
    assert rows["score_mae"].change == pytest.approx(0.007)
    assert comparison.failed


def accuracy(noise, mos=None):
    human = np.linspace(0.1, 0.9, 60) if mos is None else mos
    scores = human + noise * np.random.default_rng(5).standard_normal(60)
    rows = zip(human, scores, strict=True)
    return {"photos": [{"photo": str(m), "mos": float(m), "scores": {"bundle": float(s)}} for m, s in rows]}


def test_agreement_with_people_is_compared_on_the_same_photos(make_report):
    first = make_report(latencies(1), accuracy=accuracy(0.02))
    rows = {row.metric.name: row for row in compare(first, make_report(latencies(2), accuracy=accuracy(0.6))).rows}
    assert rows["srcc"].verdict is Verdict.WORSE
    other = make_report(latencies(2), accuracy=accuracy(0.02, np.linspace(0.2, 0.8, 60)))
    rows = {row.metric.name: row for row in compare(first, other).rows}
    assert "different photos" in rows["srcc"].reason


def test_other_machines_frames_and_scenarios_are_refused(make_report):
    first = make_report(latencies(1))
    elsewhere = make_report(latencies(2), facts={"cpu": "Another CPU"})
    with pytest.raises(ConfigurationError, match=r"different machines \(cpu Test CPU and Another CPU\)"):
        compare(first, elsewhere)
    assert any("different machine" in line for line in compare(first, elsewhere, across_machines=True).cautions)
    larger = make_report(latencies(2))
    larger["subject"] = {**larger["subject"], "frame": {"width": 1280, "height": 720}}
    with pytest.raises(ConfigurationError, match="frame sizes"):
        compare(first, larger)
    offline = make_report(latencies(2))
    offline["latency"] = {**offline["latency"], "scenario": "offline"}
    with pytest.raises(ConfigurationError, match="scenarios"):
        compare(first, offline)


def test_other_software_and_a_busy_machine_are_cautioned(make_report):
    first = make_report(latencies(1), facts={"onnxruntime": "1.31"})
    second = make_report(latencies(2), facts={"onnxruntime": "1.32"})
    second["warnings"] = [{"code": "machine-busy", "message": "others used 60 %", "value": 60.0, "limit": 10.0}]
    cautions = compare(first, second).cautions
    assert "different software: onnxruntime 1.31 and 1.32" in cautions
    assert "second report: others used 60 %" in cautions


@pytest.mark.parametrize(
    ("value", "low", "high", "lower_is_better", "verdict"),
    [
        (0.10, 0.05, 0.15, True, Verdict.WORSE),
        (-0.10, -0.15, -0.05, True, Verdict.BETTER),
        (0.10, 0.05, 0.15, False, Verdict.BETTER),
        (-0.10, -0.15, -0.05, False, Verdict.WORSE),
        (0.01, -0.02, 0.03, True, Verdict.SAME),
        (0.02, 0.01, 0.03, True, Verdict.SAME),
        (0.10, -0.01, 0.20, True, Verdict.UNDECIDED),
        (0.03, 0.01, 0.09, True, Verdict.UNDECIDED),
    ],
)
def test_three_things_make_a_verdict(value, low, high, lower_is_better, verdict):
    change = Change(value, low, high, np.array([]))
    assert decide(change, Limit(0.05, True), lower_is_better) is verdict
