"""Accuracy: agreement of a bundle's scores with people, and the share of degraded photos it puts in order.

Every photo is scored through the bundle, exactly as a user's would be; baselines see the same frames in the same run.
It does not say how close an engine is to FP32: that is fidelity, and the bundle's manifest has it.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration.agreement import Agreement, agreement, ordered_share
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.images import read_image
from dgiqa_edge.runtime.scorer import Scorer

from .baselines import Measure
from .opinion_set import OrderedPair, RatedPhoto

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Measured:
    """One measure over the whole set; ``p50_ms`` is its median time per photo, reading the file left out."""

    name: str
    agreement: Agreement
    p50_ms: float


@dataclass(frozen=True)
class AccuracyReport:
    """What one run measured.

    Attributes:
        measured: the bundle first, then the baselines.
        not_measured: baseline -> why it could not be run.
        skipped: photos that could not be read, with the reason.
        order: share of pairs the bundle put in order, by pair table; ``None`` where none was given.
        scores: the bundle's score of each photo, in the order of the human scores.
    """

    measured: tuple[Measured, ...]
    not_measured: dict[str, str]
    skipped: tuple[str, ...]
    order: float | None
    pairs: int
    scores: tuple[float, ...]
    human: tuple[float, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def measure_accuracy(
    scorer: Scorer,
    photos: Sequence[RatedPhoto],
    measures: dict[str, Measure | str],
    pairs: Sequence[OrderedPair] = (),
    progress: Progress | None = None,
) -> AccuracyReport:
    """Score every photo with the bundle and every baseline, and every pair with the bundle.

    Raises:
        ConfigurationError: too few photos could be read for a correlation.
    """
    runnable = {name: measure for name, measure in measures.items() if callable(measure)}
    names = ["bundle", *runnable]
    values: dict[str, list[float]] = {name: [] for name in names}
    times: dict[str, list[float]] = {name: [] for name in names}
    human, skipped = [], []
    run: dict[str, Measure] = {"bundle": lambda frame: scorer.score(frame).score, **runnable}
    for done, photo in enumerate(photos, start=1):
        try:
            frame = read_image(photo.path)
        except SourceError as error:
            skipped.append(str(error))
            continue
        for name in names:
            start = time.perf_counter()
            values[name].append(run[name](frame))
            times[name].append((time.perf_counter() - start) * 1000.0)
        human.append(photo.mos)
        if progress:
            progress(done, len(photos))
    if len(set(human)) < 2:
        raise ConfigurationError("the human scores are all equal, or no photo could be read: nothing to correlate")
    return AccuracyReport(
        measured=tuple(
            Measured(name, agreement(np.array(values[name]), np.array(human)), round(float(np.median(times[name])), 3))
            for name in names
        ),
        not_measured={name: reason for name, reason in measures.items() if isinstance(reason, str)},
        skipped=tuple(skipped),
        order=_order(scorer, pairs) if pairs else None,
        pairs=len(pairs),
        scores=tuple(values["bundle"]),
        human=tuple(human),
    )


def _order(scorer: Scorer, pairs: Sequence[OrderedPair]) -> float:
    seen: dict[Path, float] = {}
    for path in {path for pair in pairs for path in (pair.better, pair.worse)}:
        seen[path] = scorer.score(read_image(path)).score
    better = np.array([seen[pair.better] for pair in pairs])
    worse = np.array([seen[pair.worse] for pair in pairs])
    return ordered_share(better, worse)
