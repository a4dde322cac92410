"""What is normal for one camera: quantiles of its own score, cues and fault probabilities.

Learned over some minutes of passing frames, or taken of frames that somebody declares healthy. Both are pure functions
of the values given; ``baseline_file.py`` keeps the result.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UnsuitableReferenceError
from .policy import CHECKS, BaselinePolicy, FrozenPolicy, Side

QUANTITIES = tuple(name for name, spec in CHECKS.items() if spec.relative or spec.normal is not None)
"""Those that have a normal of their own; what is compared with a reference view has its normal there."""
FEWEST = 5
"""Frames that a baseline is taken of."""


@dataclass(frozen=True)
class Spread:
    """Quantiles of one quantity: 10 %, median, 90 %."""

    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Baseline:
    """One camera's normal: spreads by check name, of ``samples`` frames."""

    samples: int
    spreads: Mapping[str, Spread]


class BaselineLearner:
    """Collects passing frames until there are enough.

    One sample at most every ``sample_every_s``; enough are ``ceil(60 * learn_minutes / sample_every_s)``. A quantity
    that any sample lacked is left out.
    """

    def __init__(self, policy: BaselinePolicy) -> None:
        self.needed = math.ceil(60.0 * policy.learn_minutes / policy.sample_every_s)
        self._every_s = policy.sample_every_s
        self._last: float | None = None
        self._samples: dict[str, list[float]] = {name: [] for name in QUANTITIES}
        self.collected = 0

    def add(self, values: Mapping[str, float], t: float) -> Baseline | None:
        """Offer one passing frame's smoothed values; the baseline once there are enough, else None."""
        if self._last is not None and t - self._last < self._every_s:
            return None
        self._last = t
        self.collected += 1
        for name, samples in self._samples.items():
            if name in values:
                samples.append(values[name])
        if self.collected < self.needed:
            return None
        return _baseline(self.collected, self._samples)


class BaselineTaker:
    """Collects the readings of frames that somebody declares healthy, until it is asked for their baseline."""

    def __init__(self) -> None:
        self._frames = 0
        self._samples: dict[str, list[float]] = {name: [] for name in (*QUANTITIES, "change")}

    def add(self, values: Mapping[str, float | None]) -> None:
        """One frame's ``Reading.values()``."""
        self._frames += 1
        for name, samples in self._samples.items():
            value = values.get(name)
            if value is not None:
                samples.append(value)

    def take(self) -> Baseline:
        """The baseline of all frames.

        Raises:
            UnsuitableReferenceError: they are too few, or of a camera that is dead: black, covered, torn or frozen.
        """
        changes = self._samples["change"]
        taken = _baseline(self._frames, {name: self._samples[name] for name in QUANTITIES})
        flaw = _flaw_of(taken)
        if self._frames < FEWEST:
            flaw = f"{self._frames} frames are too few, {FEWEST} are needed"
        elif flaw is None and len(changes) >= FEWEST and max(changes) <= FrozenPolicy().change_at_most:
            flaw = "it is frozen, the same picture again and again"
        if flaw is not None:
            raise UnsuitableReferenceError(f"this is nothing that can be normal for a camera: {flaw}")
        return taken


def _baseline(frames: int, samples: Mapping[str, list[float]]) -> Baseline:
    return Baseline(frames, {name: spread(found) for name, found in samples.items() if found and len(found) == frames})


def _flaw_of(taken: Baseline) -> str | None:
    """Why a camera that is like this for most of the time is dead; by the published thresholds, whatever its policy."""
    for name, limit, says in (
        ("luminance", CHECKS["luminance"].worst, "it is black"),
        ("occlusion", CHECKS["occlusion"].worst, "it is covered, hardly a place has any texture"),
        ("smear", CHECKS["smear"].default.reject, "it is torn, the decoder made up parts of it"),
    ):
        found = taken.spreads.get(name)
        if found is None or limit is None:
            continue
        if found.median < limit if CHECKS[name].default.side is Side.BELOW else found.median > limit:
            return f"{says} ({name} {found.median:.3g})"
    return None


def spread(samples: list[float]) -> Spread:
    """Quantiles by rank: the value at index ``floor(q * (n - 1) + 0.5)`` of the sorted samples."""
    ordered = sorted(samples)
    low, median, high = (ordered[math.floor(q * (len(ordered) - 1) + 0.5)] for q in (0.1, 0.5, 0.9))
    return Spread(low, median, high)
