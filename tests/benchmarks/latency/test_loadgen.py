"""MLPerf's LoadGen drives a real bundle; its own summary says whether the run was valid."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dgiqa_edge.benchmarks.latency.latency import LatencyPlan
from dgiqa_edge.benchmarks.latency.loadgen import (
    ScenarioSettings,
    is_installed,
    measure_with_loadgen,
    summary_from_text,
)
from dgiqa_edge.benchmarks.latency.samples import FrameServer
from dgiqa_edge.benchmarks.latency.yardstick import Yardstick
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError

needs_loadgen = pytest.mark.skipif(not is_installed(), reason="mlcommons-loadgen is not installed (x86-64 only)")
SHORT = LatencyPlan(duration_s=0.5, min_queries=100, warm_up_s=0.0, block_s=0.05)


@needs_loadgen
def test_single_stream_is_valid_by_its_own_summary(bundle_dir, feed):
    with Scorer(bundle_dir) as scorer:
        server = FrameServer(scorer, feed, Yardstick(), SHORT.block_s)
        run, summary = measure_with_loadgen([server], len(feed), "single-stream", SHORT, ScenarioSettings())
    assert summary.valid, summary.text
    assert summary.figures["Scenario"] == "SingleStream"
    assert summary.figures["min_query_count"] == "100"
    assert "Early stopping 90.0th percentile estimate" in summary.figures
    assert len(run.queries_ms) == len(run.samples) >= 100
    assert (run.scenario, run.driver) == ("single-stream", "loadgen")
    # LoadGen's clock and ours saw the same queries.
    assert float(summary.figures["Min latency (ns)"]) / 1e6 >= run.samples.latency_ms.min()


@needs_loadgen
@pytest.mark.parametrize(("scenario", "queries"), [("multi-stream", 100), ("offline", 1), ("server", 100)])
def test_other_scenarios_answer_every_query(bundle_dir, feed, scenario, queries):
    plan = LatencyPlan(duration_s=0.2, min_queries=100, warm_up_s=0.0, block_s=0.05)
    with Scorer(bundle_dir) as scorer:
        server = FrameServer(scorer, feed, None, plan.block_s)
        run, summary = measure_with_loadgen([server], len(feed), scenario, plan, ScenarioSettings(streams=2))
    assert "Min queries satisfied" in summary.figures
    assert len(run.queries_ms) >= queries
    if scenario == "multi-stream":
        assert len(run.samples) == 2 * len(run.queries_ms)


@needs_loadgen
def test_servers_side_by_side_share_the_offline_query(bundle_dir, feed):
    plan = LatencyPlan(duration_s=0.2, min_queries=100, warm_up_s=0.0, block_s=0.05)
    with Scorer(bundle_dir, threads=1) as first, Scorer(bundle_dir, threads=1) as second:
        servers = [FrameServer(one, feed, None, plan.block_s, cpu_clock=time.thread_time) for one in (first, second)]
        run, summary = measure_with_loadgen(servers, len(feed), "offline", plan, ScenarioSettings())
    samples = run.samples
    assert "Min queries satisfied" in summary.figures
    assert (run.at_once, len(run.queries_ms)) == (2, 1)
    assert len(samples) == sum(len(server.samples()) for server in servers)
    assert all(len(server.samples()) > 0 for server in servers)
    assert (np.diff(samples.start_s) >= 0).all()
    assert sorted(set(samples.block)) == list(range(len(samples.yardstick_ms)))
    assert samples.cpu_ms.sum() < 1.5 * samples.latency_ms.sum(), "each frame is charged its own thread's time"


ABANDON = """
import signal, sys, threading
import dgiqa_edge.benchmarks.commands.bench.latency as command
from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.errors import FidelityError
from dgiqa_edge.runtime.scoring.scorer import Scorer as RealScorer

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run as a shell's background job
calls, score = [], RealScorer.score

def failing(self, frame):
    calls.append(1)
    if len(calls) > 20:
        {reaction}
    return score(self, frame)

RealScorer.score = failing
sys.exit(cli.main(sys.argv[1:]))
"""


@needs_loadgen
@pytest.mark.parametrize(
    ("reaction", "code", "words"),
    [
        ("raise FidelityError('the score is not a number')", 3, "the score is not a number"),
        ("Gate.update = None", 1, "internal error"),  # a bug between the queries
        ("signal.raise_signal(signal.SIGINT)", 130, "interrupted"),
    ],
)
def test_a_run_that_ends_early_ends_at_once_with_its_own_exit_code(bundle_dir, photo_folder, reaction, code, words):
    finished = subprocess.run(
        [
            sys.executable, "-c", ABANDON.format(reaction=reaction),
            "bench", "latency", "--bundle", str(bundle_dir), "--photos", str(photo_folder), "--duration", "3600",
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert finished.returncode == code, finished.stderr
    assert words in finished.stderr
    assert "terminate called" not in finished.stderr


SAYS_WHEN_IT_RUNS = """
import signal, sys, threading
from dgiqa_edge.benchmarks.latency.samples import FrameServer
from dgiqa_edge.runtime.commands import cli

signal.signal(signal.SIGINT, signal.default_int_handler)
serve, served = FrameServer.serve, []

def telling(self):
    if threading.current_thread() is not threading.main_thread():  # which serves the warm-up
        served.append(1)
    if len(served) == 100:
        print("running", flush=True)
    return serve(self)

FrameServer.serve = telling
sys.exit(cli.main(sys.argv[1:]))
"""


@needs_loadgen
@pytest.mark.parametrize(
    ("scenario", "number", "code", "word"),
    [
        ("single-stream", signal.SIGINT, 130, "interrupted"),
        ("multi-stream", signal.SIGTERM, 143, "terminated"),
        ("offline", signal.SIGINT, 130, "interrupted"),
        ("server", signal.SIGTERM, 143, "terminated"),
    ],
)
def test_a_signal_ends_every_scenario_in_one_line(bundle_dir, photo_folder, tmp_path, scenario, number, code, word):
    """LoadGen's threads cannot be stopped: shutting the interpreter down beside them aborted the process (rc -6)."""
    report = tmp_path / "report.json"
    arguments = ["--bundle", bundle_dir, "--photos", photo_folder, "--json", report, "--scenario", scenario]
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS_WHEN_IT_RUNS, "bench", "latency", *map(str, arguments), "--duration", "60"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    said = process.stdout.readline()
    assert said == "running\n", process.communicate()[1]
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (code, f"dgiqa-edge: {word}\n")
    assert not report.exists()
    assert not list(tmp_path.glob("dgiqa-loadgen-*"))


def test_an_unknown_scenario_and_a_missing_package_are_said(bundle_dir, feed, monkeypatch):
    with Scorer(bundle_dir) as scorer:
        server = FrameServer(scorer, feed, None, 1.0)
        with pytest.raises(ConfigurationError, match="no scenario 'burst'"):
            measure_with_loadgen([server], 3, "burst", SHORT, ScenarioSettings())
        monkeypatch.setitem(sys.modules, "mlperf_loadgen", None)
        assert not is_installed()
        with pytest.raises(MachineError, match="--driver loop"):
            measure_with_loadgen([server], 3, "single-stream", SHORT, ScenarioSettings())


@pytest.mark.parametrize(("result", "valid"), [("VALID", True), ("INVALID", False)])
def test_the_summary_is_read_by_name(result, valid):
    text = (
        f"Scenario : SingleStream\nResult is : {result}\n  Min duration satisfied : Yes\n"
        " * Early stopping 90.0th percentile estimate: 4202079\n90.00 percentile latency (ns)   : 4168277\n"
    )
    found = summary_from_text(text, "6")
    assert found.valid is valid
    assert found.figures["90.00 percentile latency (ns)"] == "4168277"
    assert found.figures["Early stopping 90.0th percentile estimate"] == "4202079"
