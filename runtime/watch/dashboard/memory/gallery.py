"""The last rejected frames of a camera as small pictures: bounded in number and in size."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....frames.small_picture import encode_jpeg, shrink
from ....gate.verdict import State
from ...event import FrameEvent, event_record

LONGEST_SIDE = 480
EVERY_S = 5.0


@dataclass
class Reject:
    """One rejected frame: its record, and its picture raw until somebody asks for it."""

    number: int
    record: dict[str, Any]
    picture: NDArray[np.uint8] | None
    jpeg: bytes | None = field(default=None)

    def encoded(self) -> bytes:
        """The picture as JPEG; two threads that ask at once may both encode it."""
        picture = self.picture  # read first: whoever clears it has set the JPEG before
        if picture is not None:
            self.jpeg = encode_jpeg(picture, 80)
            self.picture = None
        assert self.jpeg is not None
        return self.jpeg


class RejectGallery:
    """Keeps the first frame of a rejection, one for each other reason, and one every five seconds of the rest.

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
        if verdict.reason == self._last_reason and abs(event.captured_at - self._last_at) < EVERY_S:
            return
        self._last_reason = verdict.reason
        self._last_at = event.captured_at
        self._kept.append(Reject(self._next, event_record(event), shrink(event.frame, LONGEST_SIDE)))
        self._next += 1

    def listed(self, after: int = 0) -> list[dict[str, Any]]:
        """Number and record of those newer than ``after``, oldest first."""
        return [{"number": kept.number, **kept.record} for kept in self._kept if kept.number > after]

    def find(self, number: int) -> Reject | None:
        return next((kept for kept in self._kept if kept.number == number), None)
