"""JPEG pictures for the page: made when somebody asks, never on the way of a frame."""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....frames.depth_picture import depth_colours
from ....frames.depth_upsampling import depth_over_frame
from ....frames.small_picture import encode_jpeg, shrink
from ....ground.framing import Box, scaled_box
from ...event import FrameEvent

LONGEST_SIDE = 1280
LONGEST_DEPTH = 640
QUALITY = 80


@dataclass(frozen=True)
class View:
    """A frame and its depth, both JPEG; ``depth`` is empty where there is none.

    ``depth_size``: width and height of the network's own map, which the picture is drawn from.
    """

    index: int
    frame: bytes
    depth: bytes
    depth_size: tuple[int, int] | None


class LatestView:
    """The newest scored frame of a camera, encoded once for all who watch; for any thread."""

    def __init__(self) -> None:
        self._event: FrameEvent | None = None
        self._view: View | None = None
        self._encoding = threading.Lock()
        self.encoded = 0

    @property
    def index(self) -> int | None:
        """Of the newest frame."""
        event = self._event
        return None if event is None else event.index

    def take(self, event: FrameEvent) -> None:
        """Replace the newest frame; costs nothing else."""
        self._event = event

    def view(self) -> View | None:
        """The newest frame as pictures; ``None`` before the first."""
        with self._encoding:
            event = self._event
            if event is None or event.frame is None:
                return None
            if self._view is None or self._view.index != event.index:
                self._view = _view_of(event, event.frame)
                self.encoded += 1
            return self._view


def _view_of(event: FrameEvent, frame: NDArray[np.uint8]) -> View:
    assert event.index is not None
    picture = encode_jpeg(shrink(frame, LONGEST_SIDE), QUALITY)
    if event.depth is None:
        return View(event.index, picture, b"", None)
    height, width = event.depth.shape
    return View(
        event.index, picture, encode_jpeg(_depth_picture(event.depth, frame, event.frame_box), QUALITY), (width, height)
    )


def _depth_picture(depth: NDArray[np.uint8], frame: NDArray[np.uint8], box: Box | None) -> NDArray[np.uint8]:
    """The depth map in colours, in the frame's aspect; black where the frame is beyond what it shows (``box``)."""
    small = shrink(frame, LONGEST_DEPTH)
    at = None if box is None else scaled_box(box, frame.shape, small.shape)
    return depth_colours(depth_over_frame(depth, small, at))
