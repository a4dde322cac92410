"""The last rejected frames of a camera as small pictures: bounded in number and in size."""

from collections import deque
from dataclasses import dataclass
from typing import Any

from ....frames.small_picture import encode_jpeg, shrink
from ....gate.verdict import State
from ....gate.vocabulary import CONDITIONS
from ...event import FrameEvent, event_record

LONGEST_SIDE = 480
EVERY_S = 5.0


@dataclass(frozen=True)
class Reject:
    """One rejected frame: its record, and its picture as JPEG."""

    number: int
    record: dict[str, Any]
    jpeg: bytes


class RejectGallery:
    """Keeps the first frame of a rejection, one for each other fault, and one every five seconds of the rest.

    Frames that are rejected only because a fault ended a moment ago are none: there is nothing to see in them.

    Not thread-safe: ``CameraMemory`` guards it.
    """

    def __init__(self, most: int) -> None:
        self._kept: deque[Reject] = deque(maxlen=most)
        self._next = 1
        self._last_reason: str | None = None
        self._last_at = 0.0

    def add(self, event: FrameEvent) -> None:
        """Take in one scored frame."""
        verdict = event.verdict
        if verdict is None or verdict.state is not State.REJECT or event.frame is None:
            self._last_reason = None
            return
        if verdict.reason in CONDITIONS:
            return
        if verdict.reason == self._last_reason and abs(event.captured_at - self._last_at) < EVERY_S:
            return
        self._last_reason = verdict.reason
        self._last_at = event.captured_at
        jpeg = encode_jpeg(shrink(event.frame, LONGEST_SIDE), 80)  # raw, a wall of cameras would take hundreds of MiB
        self._kept.append(Reject(self._next, event_record(event), jpeg))
        self._next += 1

    def listed(self, after: int = 0) -> list[dict[str, Any]]:
        """Number and record of those newer than ``after``, oldest first."""
        return [{"number": kept.number, **kept.record} for kept in self._kept if kept.number > after]

    def find(self, number: int) -> Reject | None:
        return next((kept for kept in self._kept if kept.number == number), None)
