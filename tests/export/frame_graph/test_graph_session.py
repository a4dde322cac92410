"""What a build says of the latencies that it timed in turn."""

import time

import numpy as np
import pytest

from dgiqa_edge.export.frame_graph.graph_session import Latency, time_in_turn


def busy(seed, factor=1.0, runs=15, spread=0.1):
    """Both graphs' times on a machine whose mood changes from run to run and hits both."""
    random = np.random.default_rng(seed)
    mood = random.lognormal(0.0, 0.3, runs)
    return 20.0 * mood * random.lognormal(0.0, spread, runs), 20.0 * factor * mood * random.lognormal(0.0, spread, runs)


@pytest.mark.parametrize("seed", range(40))
def test_a_tie_on_a_busy_machine_is_never_called_slower(seed):
    fp32, own = busy(seed)
    remark = Latency.of(fp32, own, 2).remark("int8")
    assert remark is None or "no difference in latency shown between int8 and fp32" in remark


@pytest.mark.parametrize(("factor", "words"), [(1.5, "int8 is slower than fp32 on this machine (+"), (0.6, None)])
def test_a_real_difference_is_said(factor, words):
    latency = Latency.of(*busy(3, factor, spread=0.02), 2)
    remark = latency.remark("int8")
    assert remark is None if words is None else remark.startswith(words) and "15 alternating runs" in remark
    assert set(latency.record()) == {"fp32_p50_ms", "p50_ms", "runs", "threads"}


def test_a_certain_difference_too_small_to_matter_is_none():
    fp32, own = busy(1, 1.01, spread=0.0001)
    assert "no difference" in Latency.of(fp32, own, 2).remark("fp16")


@pytest.mark.parametrize(
    ("least_s", "budget_s", "rounds"), [(0.0, 9.0, range(5, 6)), (0.05, 9.0, range(6, 500)), (9.0, 0.0, range(3, 4))]
)
def test_turns_go_on_for_a_while_and_not_for_ever(least_s, budget_s, rounds):
    def a_millisecond(frame):
        time.sleep(0.001)

    times = time_in_turn([a_millisecond] * 2, np.zeros(1), runs=5, least_s=least_s, budget_s=budget_s)
    assert [len(one) in rounds for one in times] == [True, True]
    assert all((one >= 1.0).all() for one in times)


def test_too_few_runs_show_nothing():
    assert "3 alternating runs are too few" in Latency.of(*busy(0, 2.0, runs=3), 2).remark("int8")
