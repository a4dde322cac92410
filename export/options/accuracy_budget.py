"""The accuracy budget: how far a reduced engine may lie from FP32, as a user writes it and as figures are held to it.

It judges fidelity (agreement with FP32 on held-out photos), never accuracy against people.
"""

import argparse
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from dgiqa_edge.calibration.fidelity import FEWEST_FOR_RANKS, Fidelity
from dgiqa_edge.runtime.bundle.manifest import BudgetRecord
from dgiqa_edge.runtime.commands.option_types import duration

_FIGURES = {
    "score_mae": "score_mae",
    "score_max": "score_max",
    "srcc": "score_srcc",
    "depth_corr": "depth_correlation",
    "depth_mae": "depth_mae_levels",
}
_LEAST = {"srcc", "depth_corr"}
_HIGHEST_LIMIT = {"depth_mae": 255.0}


@dataclass(frozen=True)
class AccuracyBudget(BudgetRecord):
    """Limits as a user writes them."""

    def __str__(self) -> str:
        """As the option takes it; "no limits" where there is none."""
        stated = [f"{name}={limit!r}" for name, limit in asdict(self).items() if limit is not None]
        return ",".join(stated) or "no limits"

    def over(self, floor: "AccuracyBudget") -> "AccuracyBudget":
        """This budget, with ``floor``'s limit wherever it has none."""
        own = {name: limit for name, limit in asdict(self).items() if limit is not None}
        return AccuracyBudget(**{**asdict(floor), **own})


FLOOR = AccuracyBudget(score_mae=0.05, srcc=0.5, depth_corr=0.9, depth_mae=10.0)
"""What every engine is held to where no budget says otherwise: it finds what is broken, not what is merely too far.

Measured with ONNX Runtime's CPU on the eight shipped photos that a default build holds out. Sound INT8 at 640x480: nano
0.015, 0.905, 0.998, 2.7 levels; edge 0.015, 1.000, 0.998, 2.3. With the weight scales of one block of nano doubled or
quartered (24 cases) and ranks held to 0.8, 18 were caught, among them all 12 in the trunk. Eight
photos of like quality say little of ranks: another sound INT8 nano, for smaller frames, showed 0.762 on its eight, so
that limit is the lowest.
"""

NO_LIMITS = AccuracyBudget()


@dataclass(frozen=True)
class Miss:
    """A figure over its limit, or that could not be measured (``value`` None)."""

    figure: str
    value: float | None
    limit: float

    @property
    def ratio(self) -> float:
        """How far off, 1 at the limit; for correlations it compares the distances from 1."""
        if self.value is None:
            return math.inf
        error, allowed = (self.value, self.limit)
        if self.figure in _LEAST:
            error, allowed = 1.0 - self.value, 1.0 - self.limit
        return error / allowed if allowed > 0 else math.inf

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.figure} cannot be measured on these photos"
        return f"{self.figure} {self.value:.4g}, {'needed' if self.figure in _LEAST else 'allowed'} {self.limit:g}"


def misses(budget: AccuracyBudget, fidelity: Fidelity) -> tuple[Miss, ...]:
    """Every limit that the fidelity breaks; a figure that cannot be measured breaks its limit.

    Only where FP32 itself has nothing to compare (one score or one depth level throughout, or too few photos to rank)
    is a correlation left out, since no engine could show one.
    """
    return tuple(_misses(budget, fidelity))


def _misses(budget: AccuracyBudget, fidelity: Fidelity) -> Iterator[Miss]:
    for name, figure in _FIGURES.items():
        limit, value = getattr(budget, name), getattr(fidelity, figure)
        if limit is None:
            continue
        if value is None:
            if not _nothing_to_compare(name, fidelity):
                yield Miss(name, None, limit)
        elif not (value >= limit if name in _LEAST else value <= limit):
            yield Miss(name, value, limit)


def _nothing_to_compare(name: str, fidelity: Fidelity) -> bool:
    if name == "srcc":
        scores = {image.reference_score for image in fidelity.per_image}
        return len(fidelity.per_image) < FEWEST_FOR_RANKS or len(scores) < 2
    return all(image.depth_mae_levels == 0 for image in fidelity.per_image)


def parse_budget(text: str) -> AccuracyBudget:
    """``score_mae=0.01,srcc=0.99`` as a budget; an error says which part is wrong."""
    names = [field.name for field in fields(AccuracyBudget)]
    limits: dict[str, float] = {}
    for part in text.split(","):
        name, sign, number = (piece.strip() for piece in part.partition("="))
        if not sign or name not in names:
            raise argparse.ArgumentTypeError(
                f"{part.strip()!r} is no accuracy limit: write NAME=NUMBER with a name of {', '.join(names)}, "
                "as score_mae=0.01,srcc=0.99"
            )
        if name in limits:
            raise argparse.ArgumentTypeError(f"{name} is given twice")
        limits[name] = _limit(name, number)
    return AccuracyBudget(**limits)


def _limit(name: str, text: str) -> float:
    highest = _HIGHEST_LIMIT.get(name, 1.0)
    try:
        limit = float(text)
    except ValueError:
        limit = math.nan
    if not 0.0 <= limit <= highest:
        raise argparse.ArgumentTypeError(f"{name}={text}: give a number from 0 to {highest:g}")
    return limit


parse_latency = duration("ms", above=True, bare=False)
"""``10ms``, ``0.01s`` or ``900us`` in milliseconds."""
