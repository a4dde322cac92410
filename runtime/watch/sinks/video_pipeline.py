"""Passing frames of one camera into a GStreamer pipeline: an encoder, a stream, a file, whatever its elements do.

Through OpenCV where it was built with GStreamer, which its wheels are not; else through a ``gst-launch-1.0`` process of
its own, which can be ended when it hangs. While the camera does not pass, or is lost, no frame goes in: the stream
stands still, and its reader finds out by a time-out of its own (the element ``watchdog``) or from another sink. What
reads pipelines *from* GStreamer is ``watch/sources/gstreamer.py``.
"""

import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigurationError, MachineError, SinkError
from ...frames.fit import fit_frame
from ...machine.opencv import opencv_has
from ...settings.credentials import remember_address, shown_pipeline
from ...settings.section import Section, size_option
from ..event import FrameEvent
from ..media.launch_process import LAUNCH, LaunchProcess
from ..media.pipeline_text import arguments
from ..sources.decoding.gst_launch import refuse_missing_elements
from .event_filter import EventFilter, accepted_of
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, queue_options
from .registry import Planned

_INSTALL = "apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``camera``, ``pipeline`` (from raw frames to its sink element), ``fps`` (30), ``size`` (WxH; default: of
    the first frame), ``stall_s`` (5), queue options.
    """
    camera = options.text("camera")
    pipeline = options.text("pipeline").strip().strip("!").strip()
    remember_address(f"gst:{pipeline}")
    if not arguments(pipeline):
        raise ConfigurationError(f"{options.path_of('pipeline')} is empty: give elements such as 'videoconvert ! ...'")
    fps = options.number("fps", 30.0, low=0.1, high=1000.0)
    size = size_option(options)
    stall_s = options.number("stall_s", 5.0, low=0.1, high=600.0)
    policy = queue_options(options, QueuePolicy(size=4, when_full="oldest"))

    def open_sink() -> Sink:
        return QueuedSink(name, VideoPipeline(pipeline, accepted_of(camera), fps, size, stall_s), policy)

    return Planned(open_sink, lambda _: _reached(pipeline))


def _refuse_without_gstreamer() -> None:
    if not opencv_has("gstreamer") and shutil.which(LAUNCH) is None:
        raise MachineError(
            f"the gstreamer sink needs GStreamer: this OpenCV cannot write to it, and {LAUNCH} is not installed: "
            f"{_INSTALL}"
        )


def _reached(pipeline: str) -> str:
    _refuse_without_gstreamer()
    refuse_missing_elements(pipeline)
    return f"GStreamer has every element of {shown_pipeline(pipeline)!r}"


class FrameWriter(Protocol):
    """A running pipeline for frames of one size."""

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Raises SinkError where the pipeline has ended, or takes nothing for too long."""
        ...

    def close(self) -> None: ...

    def abort(self) -> None: ...


class VideoPipeline:
    """Starts the pipeline with the first frame, and again after it failed; other sizes are resized to the first.

    Raises:
        MachineError: this machine has no GStreamer.
    """

    def __init__(
        self, pipeline: str, events: EventFilter, fps: float, size: tuple[int, int] | None, stall_s: float
    ) -> None:
        self._pipeline = pipeline
        self._events = events
        self._fps = fps
        self._size = size
        self._stall_s = stall_s
        self._writer: FrameWriter | None = None
        self._starts = 0
        self._inside_opencv = opencv_has("gstreamer")
        _refuse_without_gstreamer()

    def select(self, event: FrameEvent) -> NDArray[np.uint8] | None:
        return event.frame if self._events.takes(event) else None

    def deliver(self, item: NDArray[np.uint8]) -> None:
        if self._size is None:
            self._size = (item.shape[1], item.shape[0])
        width, height = self._size
        frame = fit_frame(item, height, width)
        if self._writer is None:
            self._writer = self._start(width, height)
            self._starts += 1
        try:
            self._writer.write(frame)
        except SinkError:
            self.close()
            raise

    def close(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    def abort(self) -> None:
        writer = self._writer
        if writer is not None:
            writer.abort()

    def describe(self) -> dict[str, Any]:
        return {
            "type": "gstreamer",
            "pipeline": shown_pipeline(self._pipeline),
            "through": "opencv" if self._inside_opencv else LAUNCH,
            "size": None if self._size is None else list(self._size),
            "starts": self._starts,
        }

    def _start(self, width: int, height: int) -> FrameWriter:
        if self._inside_opencv:
            return OpenCvWriter(self._pipeline, self._fps, width, height)
        return LaunchProcess(self._pipeline, self._fps, width, height, self._stall_s)


class OpenCvWriter:
    """The pipeline inside OpenCV."""

    def __init__(self, pipeline: str, fps: float, width: int, height: int) -> None:
        import cv2

        text = f"appsrc ! videoconvert ! {pipeline}"
        self._writer = cv2.VideoWriter(text, cv2.CAP_GSTREAMER, 0, fps, (width, height), True)
        if not self._writer.isOpened():
            raise SinkError(
                f"the pipeline {shown_pipeline(pipeline)!r} does not start: try it with {LAUNCH} videotestsrc ! ..."
            )

    def write(self, frame: NDArray[np.uint8]) -> None:
        self._writer.write(frame)

    def close(self) -> None:
        self._writer.release()

    def abort(self) -> None:
        """OpenCV's appsrc cannot be woken."""
