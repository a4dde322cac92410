"""Degraded copies of clean photos at several strengths, shown to every measure of a panel.

The copies are made by ``calibration/degradations``; ``degradation_order.py`` shows one strength to the eye.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.degradations.kinds import KINDS, degrade, runnable
from dgiqa_edge.calibration.images.calibration_set import pixels_sha256
from dgiqa_edge.runtime.errors import ConfigurationError, FidelityError, SourceError

from ..measures.measures import Panel
from .graded_series import GradedSeries
from .opinion_set import RatedPhoto

DEFAULT_STRENGTHS = (0.3, 0.6, 1.0)
Read = Callable[[Path], np.ndarray]
DepthOf = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class DegradationPlan:
    """Which photos are degraded how.

    Attributes:
        photos: the clean ones.
        kinds: of degradation.
        strengths: ascending, in (0, 1].

    Raises:
        ConfigurationError: an unknown kind, or strengths that are not ascending in (0, 1].
    """

    photos: tuple[RatedPhoto, ...]
    kinds: tuple[str, ...] = field(default_factory=runnable)
    strengths: tuple[float, ...] = DEFAULT_STRENGTHS

    def __post_init__(self) -> None:
        for kind in self.kinds:
            if kind not in KINDS:
                raise ConfigurationError(f"unknown degradation {kind!r}: choose from {', '.join(KINDS)}")
        inside = all(0.0 < strength <= 1.0 for strength in self.strengths)
        if not self.strengths or not inside or list(self.strengths) != sorted(set(self.strengths)):
            raise ConfigurationError(f"strengths {self.strengths}: give ascending numbers above 0 and up to 1")

    @property
    def frames(self) -> int:
        """Frames to be scored by each measure: the photos and their copies."""
        return len(self.photos) * (1 + len(self.kinds) * len(self.strengths))


def choose_clean(photos: Sequence[RatedPhoto], count: int, seed: int) -> tuple[RatedPhoto, ...]:
    """A random choice from the half that people rate best, in the order given.

    A copy of a photo that is already too dark, say, can be better than it: only of a good one is a copy surely worse.
    """
    best = sorted(range(len(photos)), key=lambda index: (-photos[index].mos, str(photos[index].path)))
    best = best[: max(1, len(photos) // 2)]
    chosen = np.random.default_rng(seed).permutation(len(best))[:count]
    return tuple(photos[index] for index in sorted(best[place] for place in chosen))


def score_degradations(
    panel: Panel, plan: DegradationPlan, read: Read, depth_of: DepthOf, advance: Callable[[], None]
) -> dict[str, list[GradedSeries]]:
    """Show the panel every photo and its copies; returns kind -> one series per photo, pictures by name.

    The copies of a photo and a kind differ in strength only: one seed, drawn from the photo's pixels.

    Args:
        read: gives a photo at the scale of the bundle's frame, so that a defect is as strong for a large photo as for a
            small one.
        depth_of: relative inverse depth [h, w] of a frame, which haze follows.
        advance: called once per frame, scored or not.
    """
    series: dict[str, list[GradedSeries]] = {kind: [] for kind in plan.kinds}
    for photo in plan.photos:
        clean = str(photo.path)
        names = {kind: [(s, f"{clean}|{kind}|{s:g}") for s in plan.strengths] for kind in plan.kinds}
        for kind in plan.kinds:
            series[kind].append(GradedSeries(clean, ((0.0, clean), *names[kind])))
        try:
            picture = read(photo.path)
            depth = depth_of(picture) if "haze" in plan.kinds else None
        except (SourceError, FidelityError) as error:
            for name in (clean, *(name for kind in plan.kinds for _, name in names[kind])):
                panel.fail(name, str(error))
                advance()
            continue
        panel.judge(clean, picture)
        advance()
        seed = int(pixels_sha256(picture)[:8], 16)
        for kind in plan.kinds:
            for strength, name in names[kind]:
                panel.judge(name, degrade(picture, kind, strength, seed, depth))
                advance()
    return series
