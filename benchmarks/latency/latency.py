"""Latency of a bundle: warm-up, then scored frames for a minimum time and a minimum number of queries.

The discipline is trtexec's (a warm-up that is thrown away, a minimum duration, per-stage times) and MLPerf's (as many
queries as a percentile needs). LoadGen can drive the queries (``loadgen.py``); the loop here drives them otherwise, and
is the one that can alternate blocks of two bundles, so that both meet the same machine.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError

from ..telemetry.machine_load import LoadShare, load_share, read_cpu_times
from .percentiles import fewest_queries
from .samples import FrameServer, LatencySamples

Progress = Callable[[float], None]
"""Is told the share that is done, from 0 to 1."""

HEADLINE_PERCENT, TAIL_PERCENT = 90.0, 99.0
LONGEST_STRETCH = 2.0  # p99's queries may stretch a measurement to this many times its duration


@dataclass(frozen=True)
class LatencyPlan:
    """How long to measure; ``min_queries`` ``None``: p99's 662 where they fit in twice the duration, else p90's 64."""

    duration_s: float = 60.0
    min_queries: int | None = None
    warm_up_s: float = 0.2
    warm_up_queries: int = 5
    block_s: float = 1.0

    def __post_init__(self) -> None:
        for name in ("duration_s", "warm_up_s", "block_s"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)}: give 0 or more seconds")
        if self.min_queries is not None and self.min_queries < 1:
            raise ConfigurationError(f"the least number of queries is {self.min_queries}: give at least 1")

    def queries_for(self, warm_latency_ms: float) -> int:
        """The least number of queries, given how long one took when warm."""
        if self.min_queries is not None:
            return self.min_queries
        tail = fewest_queries(TAIL_PERCENT)
        if tail * warm_latency_ms * 1e-3 <= LONGEST_STRETCH * self.duration_s:
            return tail
        return fewest_queries(HEADLINE_PERCENT)


@dataclass(frozen=True, eq=False)
class LatencyRun:
    """One measurement of one bundle.

    Attributes:
        started, ended: ``time.perf_counter`` around the measured part.
        queries_ms: latency of each query; one frame each in the single-stream scenario.
        load: who used the processors; ``None`` where the system does not tell.
        at_once: frames that were scored side by side.
    """

    scenario: str
    driver: str
    samples: LatencySamples
    queries_ms: np.ndarray
    min_queries: int
    started: float
    ended: float
    load: LoadShare | None
    at_once: int = 1

    @property
    def wall_s(self) -> float:
        return self.ended - self.started


def warm_up(server: FrameServer, plan: LatencyPlan) -> float:
    """Score frames until caches, clocks and allocators have settled; returns the last ones' median, milliseconds."""
    latencies: list[float] = []
    start = time.perf_counter()
    while len(latencies) < plan.warm_up_queries or time.perf_counter() - start < plan.warm_up_s:
        latencies.append(server.serve())
        server.rest()
    return float(np.median(latencies[-max(3, len(latencies) // 2) :]))


def measure_in_turn(
    servers: Sequence[FrameServer], plan: LatencyPlan, progress: Progress | None = None
) -> list[LatencyRun]:
    """Measure one or more bundles in one process, a block of each in turn, the order reversed every round.

    Blocks of one round lie within seconds of each other: whatever slows the machine down meets all bundles alike, and
    ``compare`` pairs them. Each bundle gets ``plan.duration_s`` of its own.
    """
    slowest = max(warm_up(server, plan) for server in servers)
    needed = plan.queries_for(slowest)
    before, origin = read_cpu_times(), time.perf_counter()
    for server in servers:
        server.begin(origin)
    spent = [0.0] * len(servers)
    turn = list(range(len(servers)))
    while min(spent) < plan.duration_s or min(server.served for server in servers) < needed:
        for index in turn:
            spent[index] += _one_block(servers[index])
        turn.reverse()
        if progress:
            served = min(server.served for server in servers)
            progress(min(1.0, min(spent) / plan.duration_s if plan.duration_s else 1.0, served / needed))
    ended = time.perf_counter()
    load = load_share(before, read_cpu_times())
    runs = []
    for server in servers:
        samples = server.samples()
        runs.append(LatencyRun("single-stream", "loop", samples, samples.latency_ms, needed, origin, ended, load))
    return runs


def _one_block(server: FrameServer) -> float:
    start = time.perf_counter()
    server.start_block()
    while True:
        server.serve()
        if server.rest():
            return time.perf_counter() - start
