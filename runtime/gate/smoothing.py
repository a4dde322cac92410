"""Smoothing of a value sampled at uneven times; each class is a rule of its own, none of them knows a clock.

Arithmetic is float64 in the order written here, so that an implementation in another language gives the same bits.
"""

from collections import deque
from typing import Protocol


class Smoother(Protocol):
    """Takes values in the order of time."""

    def update(self, value: float, t: float) -> float:
        """The smoothed value after ``value`` at time ``t`` (seconds)."""
        ...

    def reset(self) -> None:
        """Forget what came before."""
        ...


class Unsmoothed:
    """Every value as it is."""

    def update(self, value: float, t: float) -> float:
        return value

    def reset(self) -> None:
        return None


class LesserOfTwo:
    """The lesser of this value and the one before: what only a single frame shows counts for nothing."""

    def __init__(self) -> None:
        self._last: float | None = None

    def update(self, value: float, t: float) -> float:
        lesser = value if self._last is None else min(self._last, value)
        self._last = value
        return lesser

    def reset(self) -> None:
        self._last = None


class ExponentialAverage:
    """``s += dt / (tau + dt) * (value - s)``: the first-order lag, discretised so that any ``dt`` is stable.

    The first value is taken as it is. After ``dt = tau`` half of a step is followed, whatever the frame rate between.
    """

    def __init__(self, time_constant_s: float) -> None:
        self._tau = time_constant_s
        self._value: float | None = None
        self._at = 0.0

    def update(self, value: float, t: float) -> float:
        if self._value is None:
            self._value = value
        else:
            dt = t - self._at
            self._value = self._value + dt / (self._tau + dt) * (value - self._value)
        self._at = t
        return self._value

    def reset(self) -> None:
        self._value = None


class MedianWindow:
    """Median of the values younger than ``window_s``; of an even number the mean of the middle two."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, float]] = deque()

    def update(self, value: float, t: float) -> float:
        self._samples.append((t, value))
        while t - self._samples[0][0] >= self._window_s:
            self._samples.popleft()
        ordered = sorted(sample for _, sample in self._samples)
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return ordered[middle]
        return 0.5 * (ordered[middle - 1] + ordered[middle])

    def reset(self) -> None:
        self._samples.clear()
