"""What is normal for one camera: quantiles of its own score and cues over some minutes of passing frames.

Learning is a pure function of the values given; ``baseline_file.py`` keeps the result.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .policy import CHECKS, BaselinePolicy

RELATIVE = tuple(name for name, spec in CHECKS.items() if spec.relative)


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
        self._samples: dict[str, list[float]] = {name: [] for name in RELATIVE}
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
        return Baseline(
            self.collected,
            {name: spread(samples) for name, samples in self._samples.items() if len(samples) == self.collected},
        )


def spread(samples: list[float]) -> Spread:
    """Quantiles by rank: the value at index ``floor(q * (n - 1) + 0.5)`` of the sorted samples."""
    ordered = sorted(samples)
    low, median, high = (ordered[math.floor(q * (len(ordered) - 1) + 0.5)] for q in (0.1, 0.5, 0.9))
    return Spread(low, median, high)
