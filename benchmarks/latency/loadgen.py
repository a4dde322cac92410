"""MLPerf's LoadGen as the driver of a measurement: it decides when queries come and whether the run is valid.

LoadGen runs in a thread of its own, so that an interrupt or an engine's error ends the measurement at once instead of
after its minimum duration: LoadGen cannot be told to stop, so the process then ends around it. Rules and settings:
MLPerf inference rules, LoadGen's ``test_settings.h``.
"""

import queue
import re
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.runtime.commands import abrupt_exit
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.ground.ahead import ahead
from dgiqa_edge.runtime.machine.packages import version_of

from ..telemetry.machine_load import load_share, read_cpu_times
from .latency import LatencyPlan, LatencyRun, Progress, warm_up
from .samples import FrameServer, merged

SCENARIOS = {
    "single-stream": "SingleStream",
    "multi-stream": "MultiStream",
    "offline": "Offline",
    "server": "Server",
}
RULE_DURATION_S = 600.0  # what the MLPerf rules ask of a submission
_SUMMARY = "mlperf_log_summary.txt"
_OFFLINE_MARGIN = 1.2  # LoadGen sizes the one offline query by the expected rate, and calls it invalid if too short


@dataclass(frozen=True)
class ScenarioSettings:
    """What only some scenarios use: frames per query (multi-stream), rate and latency bound (server)."""

    streams: int = 8
    target_qps: float | None = None
    latency_bound_ms: float = 100.0


@dataclass(frozen=True)
class LoadGenSummary:
    """LoadGen's own verdict: ``valid`` and the lines of its summary, names as it writes them."""

    valid: bool
    figures: dict[str, str]
    version: str
    text: str


def is_installed() -> bool:
    """Whether LoadGen can be imported here; it has no wheel for Arm."""
    try:
        import mlperf_loadgen  # noqa: F401
    except ImportError:
        return False
    return True


def measure_with_loadgen(
    servers: Sequence[FrameServer],
    frames: int,
    scenario: str,
    plan: LatencyPlan,
    settings: ScenarioSettings,
    progress: Progress | None = None,
) -> tuple[LatencyRun, LoadGenSummary]:
    """Measure one bundle in one of MLPerf's scenarios, ``frames`` being the size of the photo set.

    Several servers share the frames of a query, each in a thread of its own.

    Raises:
        MachineError: LoadGen is not installed.
        ConfigurationError: no such scenario.
        DgiqaEdgeError: what scoring raised.
    """
    if scenario not in SCENARIOS:
        raise ConfigurationError(f"there is no scenario '{scenario}': choose one of {', '.join(SCENARIOS)}")
    loadgen = _import_loadgen()
    warm_ms = max(warm_up(server, plan) for server in servers)
    needed = plan.queries_for(warm_ms)
    before = read_cpu_times()
    started = time.perf_counter()
    for server in servers:
        server.begin(started)
    system = _System(loadgen, servers, rests=scenario == "single-stream")
    with tempfile.TemporaryDirectory(prefix="dgiqa-loadgen-") as folder:
        test = _test_settings(loadgen, scenario, plan, settings, warm_ms / len(servers), needed)
        tell = (lambda: progress(_share_done(system, plan, scenario, needed, started))) if progress else None
        _run_to_the_end(loadgen, system, frames, test, _log_settings(loadgen, folder), tell)
        text = (Path(folder) / _SUMMARY).read_text(encoding="utf-8")
    ended = time.perf_counter()
    samples = merged([server.samples() for server in servers])
    # One frame, one query: the frame's own clock; LoadGen's stands in its summary.
    queries = samples.latency_ms if system.rests else np.array(system.query_ms)
    run = LatencyRun(
        *(scenario, "loadgen", samples, queries, needed, started, ended, load_share(before, read_cpu_times())),
        at_once=len(servers),
    )
    return run, summary_from_text(text, version_of("mlcommons-loadgen") or "unknown")


def summary_from_text(text: str, version: str = "") -> LoadGenSummary:
    """Read LoadGen's summary: ``name : value`` lines and its result."""
    figures = {
        match[1].strip(): match[2].strip() for match in re.finditer(r"^\s*([^:\n*]+?)\s*:\s*(\S[^\n]*)$", text, re.M)
    }
    for match in re.finditer(r"^ \* (Early stopping [^:]+):\s*(\d+)", text, re.M):
        figures[match[1]] = match[2]
    return LoadGenSummary(figures.get("Result is") == "VALID", figures, version, text)


class _System:
    """The system under test as LoadGen sees it."""

    def __init__(self, loadgen: Any, servers: Sequence[FrameServer], rests: bool) -> None:
        self._loadgen = loadgen
        self._servers = len(servers)
        self._free: queue.SimpleQueue[FrameServer] = queue.SimpleQueue()
        for server in servers:
            self._free.put(server)
        self.rests = rests  # whether decoding and the gate stay outside the queries
        self._waiting: queue.SimpleQueue[tuple[float, list[Any]]] = queue.SimpleQueue()
        self.query_ms: list[float] = []
        self.failure: BaseException | None = None
        self.stopped = threading.Event()

    def issue(self, samples: list[Any]) -> None:
        """Called by LoadGen with one query; it waits for the answer, but not for this function to return."""
        if self.rests:
            self.answer(time.perf_counter(), samples)
        else:
            self._waiting.put((time.perf_counter(), samples))

    def answer(self, issued: float, samples: list[Any]) -> None:
        """Score the query's frames, each by the next free server, and report it complete."""
        try:
            for _ in ahead(self._serve, samples, self._servers) if self._servers > 1 else map(self._serve, samples):
                pass
            self.query_ms.append((time.perf_counter() - issued) * 1e3)
            done = [self._loadgen.QuerySampleResponse(sample.id, 0, 0) for sample in samples]
            self._loadgen.QuerySamplesComplete(done)
            if self.rests:
                self._rest()  # LoadGen's clock has stopped; it issues the next query when this returns
        except BaseException as error:  # must not cross into C++: the waiting thread raises it
            self.failure = error
            self.stopped.set()
            threading.Event().wait()  # LoadGen cannot be told to stop; its daemon thread ends with the process

    def _serve(self, sample: Any) -> None:
        server = self._free.get()
        try:
            server.serve()
            if not self.rests:
                server.rest()
        finally:
            self._free.put(server)

    def _rest(self) -> None:
        server = self._free.get()
        try:
            server.rest()
        finally:
            self._free.put(server)

    def work(self) -> None:
        """Answer queued queries, first come first served, until stopped."""
        while not self.stopped.is_set():
            try:
                self.answer(*self._waiting.get(timeout=0.2))
            except queue.Empty:
                continue


def _share_done(system: _System, plan: LatencyPlan, scenario: str, needed: int, started: float) -> float:
    """From 0 to 1: a run lasts its duration, and until it has its queries; one query is all of offline."""
    spent = (time.perf_counter() - started) / plan.duration_s if plan.duration_s else 1.0
    answered = 1.0 if scenario == "offline" else len(system.query_ms) / needed
    return min(spent, answered, 0.99)


def _run_to_the_end(
    loadgen: Any, system: _System, frames: int, test: Any, logs: Any, tell: Callable[[], None] | None
) -> None:
    nothing = lambda *_: None  # noqa: E731
    handles = loadgen.ConstructSUT(system.issue, nothing), loadgen.ConstructQSL(frames, frames, nothing, nothing)

    def run() -> None:
        loadgen.StartTestWithLogSettings(*handles, test, logs, "")
        system.stopped.set()

    threading.Thread(target=system.work, name="loadgen answers", daemon=True).start()
    threading.Thread(target=run, name="loadgen", daemon=True).start()
    try:
        while not system.stopped.wait(0.5):  # in slices, so that Ctrl-C is seen
            if tell:
                tell()
    except BaseException:
        abrupt_exit.request()
        raise
    if system.failure is not None:
        abrupt_exit.request()
        raise system.failure
    loadgen.DestroyQSL(handles[1])
    loadgen.DestroySUT(handles[0])


def _test_settings(
    loadgen: Any, scenario: str, plan: LatencyPlan, settings: ScenarioSettings, warm_ms: float, needed: int
) -> Any:
    test = loadgen.TestSettings()
    test.scenario = getattr(loadgen.TestScenario, SCENARIOS[scenario])
    test.mode = loadgen.TestMode.PerformanceOnly
    test.min_duration_ms = int(plan.duration_s * 1e3)
    test.min_query_count = needed
    expected_ns = max(1, int(warm_ms * 1e6))
    if scenario == "single-stream":
        test.single_stream_expected_latency_ns = expected_ns
    elif scenario == "multi-stream":
        test.multi_stream_samples_per_query = settings.streams
        test.multi_stream_expected_latency_ns = expected_ns * settings.streams
    elif scenario == "offline":
        test.min_query_count = 1
        test.offline_expected_qps = _OFFLINE_MARGIN * 1e3 / warm_ms
    else:
        test.server_target_qps = settings.target_qps or 0.5e3 / warm_ms
        test.server_target_latency_ns = int(settings.latency_bound_ms * 1e6)
        test.server_target_latency_percentile = 0.99
    return test


def _log_settings(loadgen: Any, folder: str) -> Any:
    output = loadgen.LogOutputSettings()
    output.outdir = folder
    output.copy_summary_to_stdout = False
    logs = loadgen.LogSettings()
    logs.log_output = output
    logs.enable_trace = False
    return logs


def _import_loadgen() -> Any:
    try:
        import mlperf_loadgen
    except ImportError as error:
        raise MachineError(
            f"LoadGen is not installed ({error}): pip install mlcommons-loadgen (x86-64 wheels), "
            "or measure with --driver loop"
        ) from error
    return mlperf_loadgen
