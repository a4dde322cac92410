"""Frames per second by the number of frames that an engine takes at once.

All sizes (of all bundles) take turns, a batch of each, so that the ratios hold on a busy machine too; a figure is that
of the median batch. Frames are decoded and fitted before: what is timed is the engines, as ``Scorer`` runs them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.scoring.scorer import Scorer

from .frame_feed import FrameFeed

LEAST_ROUNDS = 5


@dataclass(frozen=True)
class BatchTime:
    """One size of one bundle; ``times_smallest``: its frames per second over those of the bundle's smallest size."""

    bundle: str
    precision: str
    batch: int
    rounds: int
    p50_ms: float
    min_ms: float
    frames_per_s: float
    times_smallest: float


def sizes_of(scorer: Scorer, wanted: Sequence[int]) -> list[int]:
    """Those of the sizes that the bundle takes.

    Raises:
        ConfigurationError: it takes none.
    """
    batch = scorer.bundle.manifest.batch
    taken = [size for size in wanted if batch.least <= size <= batch.most]
    if not taken:
        raise ConfigurationError(
            f"{scorer.bundle.path} takes {batch} frames at once, none of {', '.join(map(str, wanted))}: give a size "
            "that it takes, or build it with --batch 1..N"
        )
    return taken


def time_batches(
    scorers: Sequence[Scorer],
    feeds: Sequence[FrameFeed],
    wanted: Sequence[int],
    duration_s: float,
    progress: Callable[[float], None],
) -> list[BatchTime]:
    """Time every size of every bundle in turn for so long, after two batches of each that are not counted.

    Raises:
        ConfigurationError: a bundle takes none of the sizes.
    """
    runs = [(scorer, size) for scorer in scorers for size in sizes_of(scorer, wanted)]
    feed_of = dict(zip(scorers, feeds, strict=True))
    batches = [np.stack([feed_of[scorer].next().frame for _ in range(size)]) for scorer, size in runs]
    spent: list[list[float]] = [[] for _ in runs]
    for (scorer, _), batch in zip(runs, batches, strict=True):
        for _ in range(2):
            scorer.run(batch)
    begun = time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < duration_s or len(spent[0]) < LEAST_ROUNDS:
        for (scorer, _), batch, times in zip(runs, batches, spent, strict=True):
            start = time.perf_counter()
            scorer.run(batch)
            times.append((time.perf_counter() - start) * 1e3)
        progress(min(1.0, elapsed / duration_s, len(spent[0]) / LEAST_ROUNDS))
    found: list[BatchTime] = []
    for (scorer, size), times in zip(runs, spent, strict=True):
        p50_ms = float(np.median(times))
        per_s = 1e3 * size / p50_ms
        path, precision = str(scorer.bundle.path), scorer.bundle.manifest.precision.title
        first = next((row.frames_per_s for row in found if row.bundle == path), per_s)
        figures = (round(figure, 3) for figure in (p50_ms, min(times), per_s, per_s / first))
        found.append(BatchTime(path, precision, size, len(times), *figures))
    return found
