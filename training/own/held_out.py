"""What was gained, on photos that were held out: every photo is scored by a fit that saw neither it nor its group.

Also how strong a fit is, is chosen without them. SRCC is of the place that a photo has among all photos as the fit that
did not see it scores them: fits differ a little in scale, and scores of several would be out of order for that alone.
PLCC and RMSE are of the scores as they are, no curve is fitted to them. Intervals are 95 % bootstraps over photos (or
pairs) in which base and own are drawn together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from dgiqa_edge.calibration.agreement import FEWEST, Figure, difference, plcc, rmse, srcc, with_interval
from dgiqa_edge.calibration.statistics import average_ranks
from dgiqa_edge.runtime.errors import ReportError

from .fit import Candidate, chosen, divided, fitted, folds
from .goals import Goal, InOrder, NearScores, Scale
from .readout import Readings, nothing

BETTER, WITHIN_NOISE, WORSE = "better", "within noise", "worse"


@dataclass(frozen=True)
class HeldOut:
    """Scores [photos] of the base, and of fits that did not see the photo, whose part is ``parts``.

    ``places``: ranks [photos] of the latter among the same fit's scores of all photos.
    """

    base: np.ndarray
    own: np.ndarray
    places: np.ndarray
    parts: np.ndarray
    chosen: tuple[Candidate, ...]


@dataclass(frozen=True)
class Gain:
    """One figure of base and own; ``up``: more is better."""

    name: str
    base: Figure
    own: Figure
    change: Figure
    up: bool = True

    @property
    def verdict(self) -> str:
        """What the interval of the change allows to say."""
        low, high = (self.change.low, self.change.high) if self.up else (-self.change.high, -self.change.low)
        return BETTER if low > 0.0 else WORSE if high < 0.0 else WITHIN_NOISE


def held_out(
    readings: Readings, goal: Goal, groups: np.ndarray, count: int, seed: int, tick: Callable[[], None] = lambda: None
) -> HeldOut:
    """Fit ``count`` times, each time without a part of the photos.

    Raises:
        ReportError: hardly any pair has both photos in one part.
    """
    parts = folds(groups, count, seed)
    judged = goal.within(parts)
    if isinstance(judged, InOrder) and len(judged.pairs) < FEWEST:
        raise ReportError(
            f"only {len(judged.pairs)} pairs have both photos in one of {count} parts, too few to judge by: give more "
            "pairs of the same photos, or --folds 2"
        )
    own, places, took = np.zeros(len(readings)), np.zeros(len(readings)), []
    for number, (rest, held) in enumerate(divided(parts)):
        known, wanted = readings.of(rest), goal.among(rest)
        candidate = chosen(known, wanted, groups[rest], seed + number + 1)
        scores = fitted(known, wanted, [candidate])[candidate].scores(readings)
        own[held], places[held] = scores[held], average_ranks(scores)[held]
        took.append(candidate)
        tick()
    return HeldOut(nothing(readings).scores(readings), own, places, parts, tuple(took))


def gains(found: HeldOut, goal: Goal, scale: Scale | None, seed: int) -> list[Gain]:
    """What there is to tell, the figure that decides first."""
    judged = goal.within(found.parts)
    if isinstance(judged, InOrder):
        base, own = (judged.right(scores) for scores in (found.base, found.own))
        change = with_interval(lambda first, second: _mean(first) - _mean(second), (own, base), seed)
        shares = with_interval(_mean, (base,), seed), with_interval(_mean, (own,), seed)
        return [Gain("pairs in order", shares[0], shares[1], change)]
    assert isinstance(judged, NearScores)
    assert scale is not None
    human = judged.wanted * scale.unit
    base, own = found.base * scale.unit, found.own * scale.unit
    return [
        Gain(
            name,
            with_interval(figure, (before, human), seed),
            with_interval(figure, (after, human), seed),
            difference(figure, after, before, human, seed),
            up,
        )
        for name, figure, before, after, up in (
            ("SRCC", srcc, base, found.places, True),
            ("PLCC", plcc, base, own, True),
            ("RMSE", rmse, base, own, False),
        )
    ]


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))
