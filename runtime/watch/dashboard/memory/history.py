"""A camera's score over time, one point a second, bounded; where nothing was scored it has a gap."""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from ....gate.verdict import State, Verdict

BUCKET_S = 1.0
BACK_S = 60.0
"""A clock that went back further is set anew: the curve goes on from there."""
LOST = "lost"
_REJECT_NAMES = ("score.reject", "reject")
_ACCEPT_NAMES = ("score.accept", "accept")


@dataclass(slots=True)
class _Bucket:
    """The scored frames of one second, or the begin of a time without any."""

    t: float
    reject: float | None
    accept: float | None
    total: float = 0.0
    count: int = 0
    low: float = math.inf
    smoothed: float | None = None
    state: State = State.UNKNOWN
    passing: bool = field(default=True)
    lost: bool = False

    def row(self) -> list[Any]:
        """Time, score, lowest, smoothed, reject, accept, state; a second with any frame that did not pass shows as its
        last other state. ``lost``: no value, and the state from here to the next point.
        """
        score = self.total / self.count if self.count else None
        low = self.low if self.count else None
        state = LOST if self.lost else self.state.value
        return [self.t, _short(score), _short(low), _short(self.smoothed), self.reject, self.accept, state]


class ScoreHistory:
    """Not thread-safe: ``CameraMemory`` guards it."""

    def __init__(self, minutes: float) -> None:
        self._buckets: deque[_Bucket] = deque(maxlen=max(2, math.ceil(minutes * 60 / BUCKET_S)))

    def begins_bucket(self, captured_at: float) -> bool:
        """Whether a frame of this time starts a new point, which then needs the thresholds in force."""
        newest = self._buckets[-1].t if self._buckets else -math.inf
        return captured_at >= newest + BUCKET_S or captured_at < newest - BACK_S

    def add(self, captured_at: float, verdict: Verdict, thresholds: Mapping[str, float] | None) -> None:
        """Take in one scored frame; a clock that went back a little adds to the newest point."""
        if self.begins_bucket(captured_at):
            limits = thresholds or {}
            start = math.floor(captured_at / BUCKET_S) * BUCKET_S
            while self._buckets and self._buckets[-1].t >= start:  # of the time before the clock went back
                self._buckets.pop()
            self._buckets.append(_Bucket(start, _first(limits, _REJECT_NAMES), _first(limits, _ACCEPT_NAMES)))
        bucket = self._buckets[-1]
        bucket.lost = False
        if verdict.score is not None and math.isfinite(verdict.score):
            bucket.total += verdict.score
            bucket.count += 1
            bucket.low = min(bucket.low, verdict.score)
        bucket.smoothed = verdict.smoothed
        if verdict.state is not State.PASS or bucket.passing:
            bucket.state = verdict.state
            bucket.passing = verdict.state is State.PASS

    def break_off(self, at: float) -> None:
        """From this time on nothing is scored, until the next frame."""
        start = math.floor(at / BUCKET_S) * BUCKET_S
        if self._buckets:
            if self._buckets[-1].lost:
                return
            start = max(start, self._buckets[-1].t + BUCKET_S)
        self._buckets.append(_Bucket(start, None, None, lost=True))

    def rows(self, since: float | None = None) -> list[list[Any]]:
        """Points as ``_Bucket.row`` gives them from ``since`` on, oldest first; the newest may still change.

        All of them where ``since`` is far beyond the newest: who asks knows points of before the clock went back.
        """
        if since is None or (self._buckets and since > self._buckets[-1].t + BACK_S):
            return [bucket.row() for bucket in self._buckets]
        newest_first = takewhile(lambda bucket: bucket.t >= since, reversed(self._buckets))
        return [bucket.row() for bucket in newest_first][::-1]


def _first(limits: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    return next((limits[name] for name in names if name in limits), None)


def _short(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 4)
