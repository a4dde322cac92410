"""Running a graph during the build, before it is part of a bundle; the runtime's engines need a bundle.

One function makes a session with a fixed thread count, one times two of them in alternation: on a shared machine only
a comparison within one run is honest.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.significance import P50_MATTERS, Change, change_of
from dgiqa_edge.calibration.statistics import NearestRank
from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.errors import EngineCompatibilityError, ExportError

Times = Sequence[float] | np.ndarray
Run = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Latency:
    """Median latencies of two graphs timed in alternation, and how many runs each median rests on.

    Attributes:
        change: of the median from FP32 to the candidate, as ``bench compare`` judges it with one block per run;
            ``None`` where there were too few runs.
    """

    fp32_p50_ms: float
    p50_ms: float
    runs: int
    threads: int
    change: Change | None = None

    @classmethod
    def of(cls, fp32_ms: np.ndarray, own_ms: np.ndarray, threads: int) -> "Latency":
        """From milliseconds of both, float64 [runs], measured in turn."""
        change = change_in_turn(fp32_ms, own_ms)
        return cls(median_ms(fp32_ms), median_ms(own_ms), len(own_ms), threads, change)

    def record(self) -> dict[str, float]:
        """The manifest's entry."""
        return {key: getattr(self, key) for key in ("fp32_p50_ms", "p50_ms", "runs", "threads")}

    @property
    def differs(self) -> bool:
        """Whether a difference to FP32 that matters is shown."""
        return self.change is not None and self.change.certain and abs(self.change.value) >= P50_MATTERS

    def remark(self, precision: str) -> str | None:
        """What the build says of a precision that is not shown to be faster than FP32 on this machine."""
        if self.change is None:
            return f"no difference shown between {precision} and fp32: {self.runs} alternating runs are too few"
        found = (
            f"{self.change.value:+.0%} [{self.change.low:+.0%}, {self.change.high:+.0%}], {self.runs} alternating runs"
        )
        if not self.differs:
            return f"no difference in latency shown between {precision} and fp32 on this machine ({found})"
        if self.change.value < 0:
            return None
        return (
            f"{precision} is slower than fp32 on this machine ({found}): --accuracy-budget or --latency-target takes "
            "the faster one"
        )


def open_graph(path: Path, threads: int, *, as_written: bool = False) -> Run:
    """A session of ONNX Runtime on the CPU as a function from one frame, uint8 [1, H, W, 3], to named outputs.

    Args:
        as_written: as ``open_session`` has it.

    Raises:
        MachineError: onnxruntime is not installed.
        ExportError: ONNX Runtime cannot load the graph.
    """
    try:
        session = open_session(path, threads=threads, as_written=as_written, spinning="in runs")
    except EngineCompatibilityError as error:
        raise ExportError(str(error)) from error
    names = [output.name for output in session.get_outputs()]

    def run(frame: np.ndarray) -> Mapping[str, np.ndarray]:
        return dict(zip(names, session.run(names, {"frame": frame}), strict=True))

    return run


def time_alternately(
    fp32: Run, candidate: Run, frame: np.ndarray, threads: int, *, runs: int = 15, budget_s: float = 30.0
) -> Latency:
    """Time both graphs A B A B ... on one frame after a warm-up run of each.

    Stops after ``runs`` runs of each, or once ``budget_s`` seconds have passed and each ran three times.
    """
    fp32_ms, candidate_ms = time_in_turn((fp32, candidate), frame, runs=runs, budget_s=budget_s)
    return Latency.of(fp32_ms, candidate_ms, threads)


def time_in_turn(
    graphs: Sequence[Run], frame: np.ndarray, *, runs: int = 15, least_s: float = 0.0, budget_s: float = 30.0
) -> list[np.ndarray]:
    """Milliseconds of each graph's runs, float64 [rounds]; in turn A B C A B C ... after a warm-up run of each.

    Stops after ``runs`` rounds and ``least_s`` seconds, or once ``budget_s`` seconds have passed and each ran three
    times.
    """
    for run in graphs:
        run(frame)
    samples: list[list[float]] = [[] for _ in graphs]
    rounds, start = 0, time.perf_counter()
    while rounds < 3 or ((spent := time.perf_counter() - start) < budget_s and (rounds < runs or spent < least_s)):
        for run, times in zip(graphs, samples, strict=True):
            begin = time.perf_counter()
            run(frame)
            times.append((time.perf_counter() - begin) * 1000.0)
        rounds += 1
    return [np.array(times) for times in samples]


def change_in_turn(first_ms: Times, second_ms: Times) -> Change | None:
    """Change of the median from the first to the second, as ``bench compare`` judges it with one block per run.

    Args:
        first_ms, second_ms: milliseconds of runs in turn, equally many; ``None`` comes back where they are too few.
    """
    first, second = (list(np.asarray(times, np.float64)[:, np.newaxis]) for times in (first_ms, second_ms))
    return change_of(first, second, NearestRank(50.0), paired=True)


def median_ms(times: np.ndarray) -> float:
    """The median that tables and manifests state."""
    return round(float(np.median(times)), 3)
