"""What is said of rungs on several backends, whose names are those of both."""

from dgiqa_edge.export.ladder.climb import Step, Terms, settle
from dgiqa_edge.export.ladder.rungs import FP32, RUNGS
from dgiqa_edge.export.options.accuracy_budget import AccuracyBudget

TERMS = Terms("this machine", AccuracyBudget(), None, photos=8, held_out=True, threads=2)
RUNS = (5.0,) * 20


def test_of_one_rung_on_two_backends_neither_is_the_more_precise():
    int8 = RUNGS[0]
    steps = [Step(rung, backend, 50, runs_ms=RUNS) for rung in (int8, FP32) for backend in ("a", "b")]
    taken, record = settle(steps, TERMS)
    assert taken is steps[3]
    assert [rung.reason for rung in record.rungs] == [
        "no faster than fp32 on b, which is more precise",
        "no faster than fp32 on b, which is more precise",
        "no faster than fp32 on b",
        "the fastest within the budget",
    ]
