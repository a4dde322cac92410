"""The frames between the capture threads and the one scorer, and the ledger that accounts for each of them.

All cameras share one lock, so that a snapshot is one moment: frames read are either settled (scored, skipped, failed)
or found in a waiting line or in the scorer's hands, and ``counts`` checks it. Frames are taken round robin.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..event import Outcome


class Policy(str, Enum):
    """``latest``: a full line drops a frame and capture goes on. ``every``: capture waits until there is room."""

    LATEST = "latest"
    EVERY = "every"


class Drop(str, Enum):
    """Which frame a full line drops: the one that waits longest, or the one that arrives."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True)
class LineSettings:
    """One camera's waiting line: ``places`` frames wait at most."""

    policy: Policy = Policy.LATEST
    drop: Drop = Drop.OLDEST
    places: int = 1


@dataclass(frozen=True, eq=False)
class CapturedFrame:
    """One frame read from a camera.

    ``index`` counts that camera's frames from 0; ``at`` is monotonic, ``wall_at`` seconds since the epoch; ``image``
    is uint8 [H, W, 3] BGR, None where the frame could not be decoded, ``error`` then says why.
    """

    camera: str
    index: int
    at: float
    wall_at: float
    image: NDArray[np.uint8] | None
    error: str | None = None


@dataclass(frozen=True)
class Counts:
    """One camera's ledger at one moment; ``captured`` counts frames whose outcome is settled.

    Raises:
        AssertionError: a frame is unaccounted for.
    """

    received: int
    captured: int
    scored: int
    skipped: int
    failed: int
    waiting: int
    in_hand: int

    def __post_init__(self) -> None:
        if self.captured != self.scored + self.skipped + self.failed:
            raise AssertionError(f"captured is not scored + skipped + failed: {self}")
        if self.received != self.captured + self.waiting + self.in_hand:
            raise AssertionError(f"a frame is unaccounted for: {self}")


@dataclass
class _Line:
    settings: LineSettings
    waiting: deque[CapturedFrame] = field(default_factory=deque)
    in_hand: CapturedFrame | None = None
    received: int = 0
    captured: int = 0
    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))

    def settle(self, outcome: Outcome) -> None:
        self.captured += 1
        self.outcomes[outcome] += 1

    def counts(self) -> Counts:
        return Counts(
            received=self.received,
            captured=self.captured,
            scored=self.outcomes[Outcome.SCORED],
            skipped=self.outcomes[Outcome.SKIPPED],
            failed=self.outcomes[Outcome.FAILED],
            waiting=len(self.waiting),
            in_hand=int(self.in_hand is not None),
        )


class Intake:
    """Waiting lines of all cameras; every method is safe from any thread.

    Args:
        lines: camera name -> its line's settings, in the order in which the scorer goes round.
    """

    def __init__(self, lines: Mapping[str, LineSettings]) -> None:
        self._changed = threading.Condition()
        self._lines = {name: _Line(settings) for name, settings in lines.items()}
        self._turn: deque[str] = deque(lines)
        self._closed = False

    def offer(
        self, camera: str, image: NDArray[np.uint8], at: float, wall_at: float, wanted: Callable[[], bool]
    ) -> list[CapturedFrame]:
        """Hand in one frame; returns those that were dropped for it, already settled as skipped.

        With the policy ``every`` it waits for room as long as ``wanted()`` holds; a frame that is not wanted any more,
        or that comes after ``close``, is skipped itself.
        """
        line = self._lines[camera]
        with self._changed:
            if line.settings.policy is Policy.EVERY:
                while len(line.waiting) >= line.settings.places and wanted() and not self._closed:
                    # `wanted` changes without notice (a stop, a camera given up), hence the time-out.
                    self._changed.wait(0.2)
            frame = CapturedFrame(camera, line.received, at, wall_at, image)
            line.received += 1
            dropped = self._make_room(line, frame) if wanted() and not self._closed else [frame]
            if frame not in dropped:
                line.waiting.append(frame)
                self._changed.notify_all()
            for _ in dropped:
                line.settle(Outcome.SKIPPED)
            return dropped

    def damaged(self, camera: str, reason: str, at: float, wall_at: float) -> CapturedFrame:
        """A frame arrived that could not be decoded: captured and failed in one."""
        line = self._lines[camera]
        with self._changed:
            frame = CapturedFrame(camera, line.received, at, wall_at, None, reason)
            line.received += 1
            line.settle(Outcome.FAILED)
            return frame

    def take(self, timeout_s: float) -> CapturedFrame | None:
        """The next frame to score, round robin over the cameras that have one; None where none came in time."""
        with self._changed:
            if not any(line.waiting for line in self._lines.values()):
                self._changed.wait(timeout_s)
            for _ in range(len(self._turn)):
                name = self._turn[0]
                self._turn.rotate(-1)
                line = self._lines[name]
                if line.waiting and line.in_hand is None:
                    line.in_hand = line.waiting.popleft()
                    self._changed.notify_all()
                    return line.in_hand
            return None

    def settle(self, frame: CapturedFrame, outcome: Outcome) -> None:
        """The frame that was taken has its outcome."""
        line = self._lines[frame.camera]
        with self._changed:
            if line.in_hand is not frame:
                raise AssertionError(f"{frame.camera}: frame {frame.index} was not taken, or is settled already")
            line.in_hand = None
            line.settle(outcome)

    def is_empty(self, camera: str) -> bool:
        """Whether no frame of that camera waits or is being scored."""
        with self._changed:
            line = self._lines[camera]
            return not line.waiting and line.in_hand is None

    def close(self) -> list[CapturedFrame]:
        """Take no more frames; those that wait are settled as skipped and returned."""
        with self._changed:
            self._closed = True
            dropped = [frame for line in self._lines.values() for frame in self._emptied(line)]
            self._changed.notify_all()
            return dropped

    def counts(self) -> dict[str, Counts]:
        """Every camera's ledger at one moment."""
        with self._changed:
            return {name: line.counts() for name, line in self._lines.items()}

    @staticmethod
    def _make_room(line: _Line, frame: CapturedFrame) -> list[CapturedFrame]:
        if len(line.waiting) < line.settings.places:
            return []
        return [frame] if line.settings.drop is Drop.NEWEST else [line.waiting.popleft()]

    @staticmethod
    def _emptied(line: _Line) -> Iterable[CapturedFrame]:
        while line.waiting:
            line.settle(Outcome.SKIPPED)
            yield line.waiting.popleft()
