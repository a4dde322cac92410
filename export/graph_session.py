"""Running a graph during the build, before it is part of a bundle; the runtime's engines need a bundle.

One function makes a session with a fixed thread count, one times two of them in alternation: on a shared machine only
a comparison within one run is honest.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import ExportError, MachineError

Run = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Latency:
    """Median latencies of two graphs timed in alternation, and how many runs each median rests on."""

    fp32_p50_ms: float
    p50_ms: float
    runs: int
    threads: int


def open_graph(path: Path, threads: int, *, as_written: bool = False) -> Run:
    """An ONNX Runtime CPU session as a function from one frame, uint8 [1, H, W, 3], to named outputs.

    ``as_written`` computes Q/DQ nodes one by one instead of in ONNX Runtime's integer kernels: what a graph for another
    backend says must not be judged by kernels that backend has not got (on x86 without VNNI, int8 x uint8 saturates).

    Raises:
        MachineError: onnxruntime is not installed.
        ExportError: ONNX Runtime cannot load the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MachineError("onnxruntime is not installed: pip install 'dgiqa-edge[cpu]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    if as_written:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions share no base class
        raise ExportError(f"ONNX Runtime cannot load {path.name}: {str(error).splitlines()[0]}") from error
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
    (fp32_p50, candidate_p50), rounds = time_in_turn((fp32, candidate), frame, runs=runs, budget_s=budget_s)
    return Latency(fp32_p50, candidate_p50, rounds, threads)


def time_in_turn(
    graphs: Sequence[Run], frame: np.ndarray, *, runs: int = 15, budget_s: float = 30.0
) -> tuple[tuple[float, ...], int]:
    """Median milliseconds of each graph, run in turn A B C A B C ... after a warm-up run of each; and the rounds.

    Stops after ``runs`` rounds, or once ``budget_s`` seconds have passed and each ran three times.
    """
    for run in graphs:
        run(frame)
    samples: list[list[float]] = [[] for _ in graphs]
    rounds, start = 0, time.perf_counter()
    while rounds < runs and (rounds < 3 or time.perf_counter() - start < budget_s):
        for run, times in zip(graphs, samples, strict=True):
            begin = time.perf_counter()
            run(frame)
            times.append((time.perf_counter() - begin) * 1000.0)
        rounds += 1
    return tuple(round(statistics.median(times), 3) for times in samples), rounds
