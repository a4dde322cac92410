"""Accuracy: agreement of a bundle's scores with people, and the share of degraded photos it puts in order.

Every photo is scored through the bundle, exactly as a user's would be; baselines see the same frames in the same run.
It does not say how close an engine is to FP32: that is fidelity, and the bundle's manifest has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.agreement import FEWEST, Agreement, agreement
from dgiqa_edge.calibration.degradations.sensor import dead_frames
from dgiqa_edge.calibration.images.calibration_set import pixels_sha256
from dgiqa_edge.runtime.errors import ReportError, SourceError
from dgiqa_edge.runtime.frames.fit import scaled_frame
from dgiqa_edge.runtime.frames.images import read_image
from dgiqa_edge.runtime.ground.framing import FrameSize
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..measures.measures import BUNDLE, Measure, Panel, Tally, bundle_measure
from ..measures.score_store import ScoreStore
from .degradation_order import observed_pictures
from .degradation_series import DegradationPlan, Read, score_degradations
from .graded_series import GradedSeries, Order, order_of, pooled_order
from .opinion_set import RatedPhoto

Advance = Callable[[], None]
Bar = Callable[[str, int], Advance]
"""Called with a title and a total; what it returns is called once per finished item."""


@dataclass(frozen=True)
class Measured:
    """One measure over the whole set.

    Attributes:
        agreement: with people, over the photos that it scored; ``None`` where no human scores were given.
        p50_ms: median time per photo scored in this run, reading the file left out; ``None`` where every score was
            kept from an earlier run.
        reused: scores kept from an earlier run.
        failed: photo -> why this measure has no score for it.
    """

    name: str
    source: str
    agreement: Agreement | None
    p50_ms: float | None
    reused: int
    failed: Mapping[str, str]


@dataclass(frozen=True)
class DegradationOrder:
    """Order of photos and their degraded copies.

    Attributes:
        orders: measure -> kind -> order over all strengths.
        pooled: measure -> order over all kinds.
        by_strength: measure -> kind -> strength -> order of the photos and their copies of that strength alone.
        failed: measure -> picture -> why it has no score.
        calibrated_on: how many of the photos the bundle's ranges were observed on; ``None`` where it does not say.
    """

    photos: tuple[str, ...]
    kinds: tuple[str, ...]
    strengths: tuple[float, ...]
    frames: int
    calibrated_on: int | None
    orders: Mapping[str, Mapping[str, Order]]
    pooled: Mapping[str, Order]
    by_strength: Mapping[str, Mapping[str, Mapping[str, Order]]]
    failed: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class PairOrder:
    """Order of the real series of one table: measure -> order, and measure -> picture -> why it has no score."""

    name: str
    scenes: int
    pictures: int
    orders: Mapping[str, Order]
    failed: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class AccuracyReport:
    """What one run measured.

    Attributes:
        measured: the bundle first, then the baselines.
        not_measured: baseline -> why it could not be run.
        photos: all that the table names, in its order; each one is scored by the bundle or in its ``failed``.
        scores: measure -> photo -> score, higher is better.
        degradations: ``None`` where not asked for.
        pairs: one for each table of real series.
        dead: measure -> frame of a dead camera -> score.
    """

    measured: tuple[Measured, ...]
    not_measured: Mapping[str, str]
    photos: tuple[RatedPhoto, ...]
    scores: Mapping[str, Mapping[str, float]]
    degradations: DegradationOrder | None
    pairs: tuple[PairOrder, ...]
    dead: Mapping[str, Mapping[str, float]]

    def scored_by(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Scores of one measure and the human scores of the same photos, float64 [photos]."""
        scores = self.scores[name]
        rated = [photo for photo in self.photos if str(photo.path) in scores]
        return np.array([scores[str(photo.path)] for photo in rated]), np.array([photo.mos for photo in rated])

    @property
    def failed(self) -> int:
        """Pictures of all kinds that the bundle has no score for."""
        parts = [self.measured[0].failed]
        parts += [part.failed[BUNDLE] for part in (self.degradations, *self.pairs) if part]
        return sum(map(len, parts))


def measure_accuracy(
    scorer: Scorer,
    photos: Sequence[RatedPhoto],
    baselines: Mapping[str, Measure | str],
    store: ScoreStore,
    bar: Bar,
    plan: DegradationPlan | None = None,
    pairs: Mapping[str, Sequence[GradedSeries]] | None = None,
    read: Read = read_image,
) -> AccuracyReport:
    """Show every picture to the bundle and every baseline.

    Args:
        photos: with human scores; empty where only order is asked for.
        pairs: name of a table -> its real series.
        read: gives a photo as it is to be scored; those of ``pairs`` are scored as they are.

    Raises:
        ReportError: the human scores are all equal, or too few photos could be scored for a correlation.
    """
    if photos and len({photo.mos for photo in photos}) < 2:
        raise ReportError("the human scores are all equal: nothing to correlate")
    measures = [bundle_measure(scorer), *(one for one in baselines.values() if isinstance(one, Measure))]
    not_measured = {name: reason for name, reason in baselines.items() if isinstance(reason, str)}
    panel = judged([photo.path for photo in photos], Panel(measures, store), bar("photos", len(photos)), read)
    measured = []
    for measure in measures:
        tally = panel.tallies[measure.name]
        row = _measured(measure, tally, photos)
        if isinstance(row, str):
            if measure.name == BUNDLE:
                raise ReportError(row)
            not_measured[measure.name] = row
        else:
            measured.append(row)
    return AccuracyReport(
        measured=tuple(measured),
        not_measured=not_measured,
        photos=tuple(photos),
        scores={row.name: panel.tallies[row.name].scores for row in measured},
        degradations=_degradations(scorer, Panel(measures, store), plan, bar, read) if plan else None,
        pairs=tuple(_pairs(Panel(measures, store), name, series, bar) for name, series in (pairs or {}).items()),
        dead=_dead(Panel(measures, store), scorer.bundle.manifest.frame),
    )


def _measured(measure: Measure, tally: Tally, photos: Sequence[RatedPhoto]) -> Measured | str:
    """The measure's row, or why its scores make none."""
    if not photos:
        return Measured(measure.name, measure.source, None, None, 0, {})
    rated = [photo for photo in photos if str(photo.path) in tally.scores]
    if len(rated) < FEWEST or len({photo.mos for photo in rated}) < 2:
        reasons = [f"; the first reason: {reason}" for reason in list(tally.failed.values())[:1]]
        return f"{len(rated)} of {len(photos)} photos scored by {measure.name}: too few to correlate{''.join(reasons)}"
    predicted = np.array([tally.scores[str(photo.path)] for photo in rated])
    figures = agreement(predicted, np.array([photo.mos for photo in rated]))
    return Measured(measure.name, measure.source, figures, tally.p50_ms, tally.reused, tally.failed)


def judged(pictures: Sequence[Path], panel: Panel, advance: Advance, read: Read = read_image) -> Panel:
    """The panel after it saw these image files, which it knows by their paths."""
    for picture in pictures:
        try:
            panel.judge(str(picture), read(picture))
        except SourceError as error:
            panel.fail(str(picture), str(error))
        advance()
    return panel


def _degradations(scorer: Scorer, panel: Panel, plan: DegradationPlan, bar: Bar, read: Read) -> DegradationOrder:
    size = scorer.bundle.manifest.frame

    def scaled(path: Path) -> np.ndarray:
        return scaled_frame(read(path), size.height, size.width, scorer.fit)

    advance = bar("degraded copies", plan.frames)
    series = score_degradations(panel, plan, scaled, lambda picture: scorer.score(picture).picture_depth, advance)
    tallies = panel.tallies
    return DegradationOrder(
        photos=tuple(str(photo.path) for photo in plan.photos),
        kinds=plan.kinds,
        strengths=plan.strengths,
        frames=plan.frames,
        calibrated_on=_calibrated_on(scorer, [photo.path for photo in plan.photos]),
        orders={
            name: {kind: order_of(series[kind], tally.scores) for kind in plan.kinds} for name, tally in tallies.items()
        },
        pooled={name: pooled_order(list(series.values()), tally.scores) for name, tally in tallies.items()},
        by_strength={
            name: {
                kind: {
                    f"{strength:g}": order_of([one.only(strength) for one in series[kind]], tally.scores)
                    for strength in plan.strengths
                }
                for kind in plan.kinds
            }
            for name, tally in tallies.items()
        },
        failed={name: tally.failed for name, tally in tallies.items()},
    )


def _calibrated_on(scorer: Scorer, photos: Sequence[Path]) -> int | None:
    observed = observed_pictures(scorer.bundle)
    if observed is None:
        return None
    count = 0
    for photo in photos:
        try:
            count += pixels_sha256(read_image(photo)) in observed
        except SourceError:
            continue
    return count


def _dead(panel: Panel, size: FrameSize) -> dict[str, dict[str, float]]:
    for name, frame in dead_frames((size.height, size.width)).items():
        panel.judge(name, frame)
    return {name: tally.scores for name, tally in panel.tallies.items()}


def _pairs(panel: Panel, name: str, series: Sequence[GradedSeries], bar: Bar) -> PairOrder:
    pictures = list(dict.fromkeys(Path(picture) for one in series for _, picture in one.pictures))
    tallies = judged(pictures, panel, bar(f"pairs of {name}", len(pictures))).tallies
    return PairOrder(
        name=name,
        scenes=len(series),
        pictures=len(pictures),
        orders={name: order_of(series, tally.scores) for name, tally in tallies.items()},
        failed={name: tally.failed for name, tally in tallies.items()},
    )
