"""Figures over the last frames: latency percentiles, and frames per second from counters read over time."""

import threading
from collections import deque

import numpy as np

from ..status import Percentiles

WINDOW_FRAMES = 500
WINDOW_S = 10.0


class RollingPercentiles:
    """Percentiles of the last ``WINDOW_FRAMES`` durations; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values_ms: deque[float] = deque(maxlen=WINDOW_FRAMES)

    def add(self, milliseconds: float) -> None:
        """One more duration."""
        with self._lock:
            self._values_ms.append(milliseconds)

    def snapshot(self) -> Percentiles:
        """Nearest-rank percentiles: each is a duration that was measured."""
        with self._lock:
            values = np.array(self._values_ms)
        if not values.size:
            return Percentiles()
        p50, p90, p99 = np.percentile(values, [50, 90, 99], method="inverted_cdf")
        return Percentiles(int(values.size), float(p50), float(p90), float(p99), float(values.max()))


class RollingRate:
    """Growth per second of a counter over the last ``WINDOW_S``; for one thread at a time."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now: float, count: int) -> None:
        """The counter as it is now."""
        self._samples.append((now, count))
        while len(self._samples) > 2 and now - self._samples[1][0] >= WINDOW_S:
            self._samples.popleft()

    @property
    def per_second(self) -> float:
        """0 before the second sample."""
        if len(self._samples) < 2:
            return 0.0
        (start, before), (end, after) = self._samples[0], self._samples[-1]
        return (after - before) / (end - start) if end > start else 0.0
