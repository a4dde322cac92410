"""JPEG pictures for the page: made when somebody asks, never on the way of a frame."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from ....frames.depth_picture import depth_colours
from ....frames.depth_upsampling import depth_over_frame
from ....frames.small_picture import encode_jpeg, shrink
from ....ground.framing import scaled_box
from ...event import FrameEvent

LONGEST_SIDE = 1280
LONGEST_DEPTH = 640
LONGEST_THUMBNAIL = 320
THUMBNAIL_S = 0.4
QUALITY = 80
_THUMBNAIL_QUALITY = 70


@dataclass(frozen=True)
class View:
    """A frame and its depth, both JPEG; ``depth`` is empty where there is none or nobody asked for it.

    ``depth_size``: width and height of the network's own map, which the picture is drawn from.
    """

    event: FrameEvent
    frame: bytes
    depth: bytes = b""
    depth_size: tuple[int, int] | None = None


class LatestView:
    """The newest scored frame of a camera, encoded once for all who watch; for any thread."""

    def __init__(self) -> None:
        self._event: FrameEvent | None = None
        self._frames = _Once(_frame_jpeg)
        self._depths = _Once(_depth_jpeg)
        self._thumbnails = _Once(_thumbnail_jpeg, THUMBNAIL_S)

    def take(self, event: FrameEvent) -> None:
        """Replace the newest frame; costs nothing else."""
        self._event = event

    def view(self, depth: bool = False) -> View | None:
        """The newest frame as pictures; ``None`` before the first."""
        event = self._event
        if event is None or event.frame is None:
            return None
        event, frame = self._frames.of(event)
        if event.depth is None:
            return View(event, frame)
        height, width = event.depth.shape
        return View(event, frame, self._depths.of(event)[1] if depth else b"", (width, height))

    def thumbnail(self, known: int | None = None) -> tuple[int, bytes] | None:
        """Index and JPEG of a frame that is hardly old; ``None`` before the first, and where the index is ``known``."""
        event = self._event
        if event is None or event.frame is None or event.index == known:
            return None
        event, picture = self._thumbnails.of(event)
        assert event.index is not None
        return None if event.index == known else (event.index, picture)


class _Once:
    """The JPEG that is made of an event, once for all who ask; what was made less than ``lasts_s`` ago will do."""

    def __init__(self, make: Callable[[FrameEvent], bytes], lasts_s: float = 0.0) -> None:
        self._make = make
        self._lasts_s = lasts_s
        self._lock = threading.Lock()
        self._last: tuple[FrameEvent, bytes] | None = None
        self._made_at = 0.0

    def of(self, event: FrameEvent) -> tuple[FrameEvent, bytes]:
        """What was made, and of which event."""
        with self._lock:
            fresh = time.monotonic() - self._made_at < self._lasts_s
            if self._last is None or (self._last[0] is not event and not fresh):
                self._made_at = time.monotonic()
                self._last = (event, self._make(event))
            return self._last


def _frame_jpeg(event: FrameEvent) -> bytes:
    assert event.frame is not None
    return encode_jpeg(shrink(event.frame, LONGEST_SIDE), QUALITY)


def _thumbnail_jpeg(event: FrameEvent) -> bytes:
    assert event.frame is not None
    return encode_jpeg(shrink(event.frame, LONGEST_THUMBNAIL), _THUMBNAIL_QUALITY)


def _depth_jpeg(event: FrameEvent) -> bytes:
    """In colours, in the frame's aspect; black where the frame is beyond what the map shows (``frame_box``)."""
    assert event.frame is not None and event.depth is not None
    small = shrink(event.frame, LONGEST_DEPTH)
    box = None if event.frame_box is None else scaled_box(event.frame_box, event.frame.shape, small.shape)
    return encode_jpeg(depth_colours(depth_over_frame(event.depth, small, box)), QUALITY)
