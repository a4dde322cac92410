"""What a frame costs a bundle and each baseline, on the same frames in one process, taking turns.

Rounds are alternated so that whatever else the machine does falls on all of them; a ratio says more than a time. The
latency of a bundle by itself, with its percentiles, is another measurement.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .measures import BUNDLE, Measure

ROUNDS = 25


@dataclass(frozen=True)
class MeasureTime:
    """Milliseconds per frame: median and least wall time, median CPU time of all threads.

    ``times_bundle`` is the median over the bundle's.
    """

    name: str
    p50_ms: float
    min_ms: float
    cpu_p50_ms: float
    times_bundle: float


@dataclass(frozen=True)
class TimingReport:
    """``load`` is the machine's one-minute load average before and after, ``None`` where it has none.

    ``not_timed``: measures that are not defined on such frames, with the reason.
    """

    width: int
    height: int
    rounds: int
    opencv_threads: int
    engine_threads: int | None
    load: tuple[float, float] | None
    measures: tuple[MeasureTime, ...]
    not_timed: dict[str, str]


def time_measures(
    measures: Sequence[Measure], frames: Sequence[np.ndarray], threads: int | None, advance: Callable[[], None]
) -> TimingReport:
    """Time every measure on the same frames, uint8 [H, W, 3] of one size; the bundle must be among them.

    Args:
        threads: of the engine, and given to OpenCV too, so that baselines have as many; ``None`` leaves both alone.
        advance: called once per round.
    """
    import cv2

    before, load_before = cv2.getNumThreads(), _load()
    if threads:
        cv2.setNumThreads(threads)
    try:
        measures, not_timed = _warmed_up(measures, frames)
        wall: dict[str, list[float]] = {measure.name: [] for measure in measures}
        cpu: dict[str, list[float]] = {measure.name: [] for measure in measures}
        for turn in range(ROUNDS):
            frame = frames[turn % len(frames)]
            for offset in range(len(measures)):
                measure = measures[(turn + offset) % len(measures)]
                start, cpu_start = time.perf_counter(), time.process_time()
                measure.run(frame)
                wall[measure.name].append((time.perf_counter() - start) * 1e3)
                cpu[measure.name].append((time.process_time() - cpu_start) * 1e3)
            advance()
        opencv_threads = cv2.getNumThreads()
    finally:
        cv2.setNumThreads(before)
    load_after = _load()
    own = float(np.median(wall[BUNDLE]))
    return TimingReport(
        width=frames[0].shape[1],
        height=frames[0].shape[0],
        rounds=ROUNDS,
        opencv_threads=opencv_threads,
        engine_threads=threads,
        load=(load_before, load_after) if load_before is not None and load_after is not None else None,
        measures=tuple(
            MeasureTime(
                name,
                round(float(np.median(times)), 3),
                round(min(times), 3),
                round(float(np.median(cpu[name])), 3),
                round(float(np.median(times)) / own, 3),
            )
            for name, times in wall.items()
        ),
        not_timed=not_timed,
    )


def _warmed_up(measures: Sequence[Measure], frames: Sequence[np.ndarray]) -> tuple[list[Measure], dict[str, str]]:
    """Run every measure on every frame: those that are defined on them all, and why the others are not."""
    ready, refused = [], {}
    for measure in measures:
        try:
            for frame in frames:
                measure.run(frame)
            ready.append(measure)
        except ValueError as error:
            refused[measure.name] = str(error)
    return ready, refused


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
