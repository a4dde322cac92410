"""What the self-check counts."""

import numpy as np

from dgiqa_edge.benchmarks.compare.selfcheck import SelfCheck, Trial, neighbours, trial
from dgiqa_edge.benchmarks.compare.verdicts import Verdict


def latencies(seed, factor=1.0):
    return 20.0 * factor * np.exp(0.02 * np.random.default_rng(seed).standard_normal(700))


def session(index):
    return {"id": "s", "index": index, "bundles": 2}


def test_equal_runs_are_quiet_and_the_slower_one_is_seen(make_report):
    equal = trial(
        "A/A", 1.0, make_report(latencies(1), session=session(0)), make_report(latencies(2), session=session(1))
    )
    slower = trial(
        "slower", 1.1, make_report(latencies(1), session=session(0)), make_report(latencies(2, 1.1), session=session(1))
    )
    assert set(equal.verdicts) == {"p50", "p90", "p99", "mean"}
    assert equal.alarms == ()
    assert slower.verdicts["p50"] is Verdict.WORSE
    check = SelfCheck((equal, slower))
    assert (check.false_alarms, check.missed, check.passed) == (0, 0, True)


def test_an_alarm_and_a_miss_fail_the_check():
    alarm = Trial("A/A", 1.0, {"p50": 0.2}, {"p50": Verdict.WORSE})
    miss = Trial("slower", 1.1, {"p50": 0.01}, {"p50": Verdict.UNDECIDED})
    check = SelfCheck((alarm, miss))
    assert (check.false_alarms, check.missed, check.passed) == (1, 1, False)
    assert neighbours([{"a": 1}, {"b": 2}, {"c": 3}]) == [({"a": 1}, {"b": 2}), ({"b": 2}, {"c": 3})]
