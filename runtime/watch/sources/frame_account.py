"""Whether a recording gave all frames that its container promises, and at which time each of them stands.

What a container promises is a count in AVI, and in MP4 and MOV, where an edit may hide counted frames at the start; in
Matroska and the rest it is the duration times the frame rate, which is too many where the sound is longer than the
pictures or the rate varies. A healthy file must not be called cut off, so a shortage counts only beside another sign of
loss: a complaint of the decoder, or time at the end without pictures.
"""

from dataclasses import dataclass
from typing import NamedTuple

_UNSTEADY = 0.1  # share of the intervals that may not be one frame long, and
_FEW = 3  # how many may not in any case
_LEAST_GAP = 1  # frames; where the last one stands is not exact


class Promise(NamedTuple):
    """What a container's promise is worth.

    ``counted``: it counts its frames. ``gap``: share of its duration that a healthy one may lack pictures at its end.
    """

    counted: bool
    gap: float


def promise_of(start: bytes) -> Promise:
    """By a file's first bytes, 12 or more."""
    if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
        return Promise(True, 0.0)  # a frame that repeats the one before has an empty place, and time goes on
    if start[4:8] == b"ftyp":
        return Promise(True, 0.5)
    if start[:4] == b"\0\0\1\xba" or b"G" in (start[:1], start[4:5]):  # MPEG-PS and -TS: no duration of the pictures
        return Promise(False, float("inf"))
    return Promise(False, 0.5)


class Timeline:
    """Frames' own time stamps as seconds from the first, never going back; ``interval_s`` where one has none."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._origin: float | None = None
        self._last: float | None = None
        self._steps = 0
        self._odd_steps = 0

    @property
    def last_s(self) -> float:
        """Time of the last frame, 0 before there is one."""
        return self._last or 0.0

    @property
    def is_steady(self) -> bool:
        """Whether the frames come at one rate."""
        return self._odd_steps <= max(_FEW, _UNSTEADY * self._steps)

    def next(self, stamp_s: float | None) -> float:
        """The time of the next frame, which bears ``stamp_s``."""
        if self._last is None:
            self._origin, self._last = stamp_s, 0.0
            return 0.0
        at = self._last + self._interval_s
        if stamp_s is not None:
            if self._origin is None:
                self._origin = stamp_s - at
            elif stamp_s - self._origin > self._last:
                at = stamp_s - self._origin
        self._steps += 1
        self._odd_steps += not 0.5 < (at - self._last) / self._interval_s < 1.5
        self._last = at
        return at


@dataclass(frozen=True)
class FrameAccount:
    """A recording at its end.

    ``expected`` frames by the container, whose ``promise`` it is; ``read`` good ones, ``damaged`` ones that
    could not be decoded; ``complaints`` of the decoder; ``fps`` and ``last_s`` by the stream; ``steady``: one rate.
    """

    expected: int
    promise: Promise
    read: int
    damaged: int
    complaints: int
    fps: float
    last_s: float
    steady: bool

    @property
    def missing(self) -> int:
        """How many frames are lost: damaged ones, and those that never came."""
        short = max(0, self.expected - self.read)
        after_the_last = max(0, self.expected - 1 - round(self.last_s * self.fps))
        signs = self.complaints > 0 or self.damaged > 0
        if signs:
            lost = short if self.promise.counted or self.steady else min(short, after_the_last)
        else:
            lost = short if self.steady and after_the_last > _LEAST_GAP + self.promise.gap * self.expected else 0
        return max(lost, self.damaged)
