"""Series of pictures whose order of quality is known, and the share of their pairs that scores put in order.

Pure functions of names and numbers: pictures are scored elsewhere.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Z95 = 1.959964


@dataclass(frozen=True)
class GradedSeries:
    """Pictures of one scene as (strength of the degradation, name), weakest first; strength 0 is the clean picture."""

    scene: str
    pictures: tuple[tuple[float, str], ...]

    def clean_pairs(self) -> list[tuple[str, str]]:
        """(clean, degraded) of every degraded picture."""
        clean = [name for strength, name in self.pictures if strength == 0]
        return [(better, worse) for strength, worse in self.pictures if strength > 0 for better in clean]

    def step_pairs(self) -> list[tuple[str, str]]:
        """(weaker, stronger) of neighbouring strengths, the clean picture the weakest; equal ones make no pair."""
        return [(better, worse) for (weak, better), (strong, worse) in pairwise(self.pictures) if weak < strong]

    def only(self, strength: float) -> "GradedSeries":
        """The clean pictures and those of one strength."""
        return GradedSeries(self.scene, tuple(entry for entry in self.pictures if entry[0] in (0.0, strength)))


@dataclass(frozen=True)
class Share:
    """Share of pairs in which the better picture scores higher; a tie is not in order.

    Attributes:
        missing: pairs not among ``pairs``, because a picture of theirs has no score.
        scenes: scenes that the pairs come from.
        low, high: 95% Wilson interval. Pairs of one scene are not independent, so it counts scenes, not pairs: it is
            rather too wide than too narrow.
    """

    in_order: int
    pairs: int
    missing: int
    scenes: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.1%} [{self.low:.1%}, {self.high:.1%}]"


@dataclass(frozen=True)
class Order:
    """How well one measure keeps the order of some series.

    Attributes:
        clean: over pairs of the clean picture and a degraded one; ``None`` where there is none.
        steps: over pairs of neighbouring strengths.
    """

    clean: Share | None
    steps: Share | None


def order_of(series: Sequence[GradedSeries], scores: Mapping[str, float]) -> Order:
    """Both shares over all series; ``scores`` maps names to scores, higher is better."""
    return Order(
        share_in_order((one.clean_pairs() for one in series), scores),
        share_in_order((one.step_pairs() for one in series), scores),
    )


def pooled_order(series: Sequence[Sequence[GradedSeries]], scores: Mapping[str, float]) -> Order:
    """Both shares over several kinds of series of the same scenes, given kind by kind in the same order of scenes."""
    scenes = list(zip(*series, strict=True))
    return Order(
        share_in_order(([pair for one in scene for pair in one.clean_pairs()] for scene in scenes), scores),
        share_in_order(([pair for one in scene for pair in one.step_pairs()] for scene in scenes), scores),
    )


def share_in_order(scenes: Iterable[Sequence[tuple[str, str]]], scores: Mapping[str, float]) -> Share | None:
    """The share over (better, worse) pairs, given scene by scene; ``None`` where no pair has both scores."""
    in_order = pairs = missing = used = 0
    for scene in scenes:
        scored = [(scores[better], scores[worse]) for better, worse in scene if better in scores and worse in scores]
        missing += len(scene) - len(scored)
        pairs += len(scored)
        used += bool(scored)
        in_order += sum(better > worse for better, worse in scored)
    if not pairs:
        return None
    return Share(in_order, pairs, missing, used, in_order / pairs, *wilson(in_order / pairs, used))


def wilson(share: float, count: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share in [0, 1] seen in ``count`` independent cases (Wilson 1927)."""
    centre = share + Z95**2 / (2 * count)
    reach = Z95 * math.sqrt(share * (1.0 - share) / count + Z95**2 / (4 * count**2))
    scale = 1.0 + Z95**2 / count
    return max(0.0, (centre - reach) / scale), min(1.0, (centre + reach) / scale)
