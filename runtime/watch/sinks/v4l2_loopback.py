"""Passing frames of one camera as a virtual camera: a v4l2loopback device that any camera program can open.

While the camera does not pass, or is lost, nothing is written and the picture stands still: a reader that must know
sets the module's time-out (``v4l2loopback-ctl set-timeout-image``) or listens to another sink.

Talks to the device itself, without GStreamer: one ioctl for the format, then one write per frame.
"""

import os
import select
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigurationError, MachineError, SinkError
from ...frames.fit import fit_frame
from ...settings.section import Section, size_option
from ..event import FrameEvent
from .event_filter import EventFilter, accepted_of
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, Target, queue_options
from .registry import Planned

# <linux/videodev2.h>, 64-bit: struct v4l2_format is the type, padding, then a union of 200 bytes.
VIDIOC_S_FMT = 0xC0D05605
FORMAT_BYTES = 208
PIXEL_FORMAT_OFFSET = 8
BUF_TYPE_VIDEO_OUTPUT = 2
FIELD_NONE = 1
COLORSPACE_SRGB = 8
YUV420 = 0x32315559  # fourcc YU12
_INSTALL = "apt-get install v4l2loopback-dkms, then modprobe v4l2loopback video_nr=10 exclusive_caps=1"


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``camera``, ``device`` (/dev/video10), ``size`` (WxH; default: of the first frame), ``stall_s`` (5),
    queue options.
    """
    camera = options.text("camera")
    device = Path(options.text("device", "/dev/video10"))
    size = size_option(options)
    if size is not None and (size[0] % 2 or size[1] % 2):
        raise ConfigurationError(f"{options.path_of('size')} is {size[0]}x{size[1]}: both must be even")
    stall_s = options.number("stall_s", 5.0, low=0.1, high=600.0)
    policy = queue_options(options, QueuePolicy(size=2, when_full="oldest"))

    def open_sink() -> Sink:
        return QueuedSink(name, V4l2Loopback(device, accepted_of(camera), size, stall_s), policy)

    return Planned(open_sink, lambda _: _usable(device))


def _usable(device: Path) -> str:
    if not device.is_char_device():
        raise SinkError(f"{device} is not a video device: load the module first ({_INSTALL})")
    if not os.access(device, os.W_OK):
        raise MachineError(f"{device} cannot be written: add this user to the group video")
    return f"{device} is there"


class V4l2Loopback(Target):
    """One device, opened with the first frame; frames of another size are resized to its.

    Raises:
        SinkError: there is no such device.
    """

    def __init__(self, device: Path, events: EventFilter, size: tuple[int, int] | None, stall_s: float) -> None:
        self._device = device
        self._events = events
        self._size = size
        self._stall_s = stall_s
        self._descriptor: int | None = None
        _usable(device)

    def select(self, event: FrameEvent) -> NDArray[np.uint8] | None:
        return event.frame if self._events.takes(event) else None

    def deliver(self, item: NDArray[np.uint8]) -> None:
        if self._size is None:
            self._size = (item.shape[1] // 2 * 2, item.shape[0] // 2 * 2)
        picture = yuv420(fit_frame(item, self._size[1], self._size[0]))
        if self._descriptor is None:
            self._descriptor = _opened(self._device, *self._size)
        try:
            _, ready, _ = select.select([], [self._descriptor], [], self._stall_s)
            written = os.write(self._descriptor, picture) if ready else 0
        except OSError as error:
            self.close()
            raise SinkError(f"{self._device} took no frame: {error.strerror}") from error
        if written != len(picture):
            self.close()
            raise SinkError(f"{self._device} took {written} of {len(picture)} bytes: is another program its writer?")

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def describe(self) -> dict[str, Any]:
        return {
            "type": "v4l2loopback",
            "device": str(self._device),
            "size": None if self._size is None else list(self._size),
        }


def yuv420(frame: NDArray[np.uint8]) -> bytes:
    """uint8 [H, W, 3] BGR with even sides as planar YUV 4:2:0."""
    import cv2

    return np.ascontiguousarray(cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)).tobytes()


def format_request(width: int, height: int) -> bytearray:
    """A ``struct v4l2_format`` that asks for frames of this size as planar YUV 4:2:0."""
    request = bytearray(FORMAT_BYTES)
    struct.pack_into("<I", request, 0, BUF_TYPE_VIDEO_OUTPUT)
    stride, size = width, width * height * 3 // 2
    fields = (width, height, YUV420, FIELD_NONE, stride, size, COLORSPACE_SRGB)
    struct.pack_into("<7I", request, PIXEL_FORMAT_OFFSET, *fields)
    return request


def _opened(device: Path, width: int, height: int) -> int:
    import fcntl

    try:
        descriptor = os.open(device, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SinkError(f"{device} cannot be opened: {error.strerror}: check its group (video) and rights") from error
    request = format_request(width, height)
    try:
        fcntl.ioctl(descriptor, VIDIOC_S_FMT, request)
    except OSError as error:
        os.close(descriptor)
        raise SinkError(f"{device} is no v4l2loopback output ({error.strerror}): {_INSTALL}") from error
    granted = struct.unpack_from("<3I", request, PIXEL_FORMAT_OFFSET)
    if granted != (width, height, YUV420):
        os.close(descriptor)
        raise SinkError(
            f"{device} insists on {granted[0]}x{granted[1]}: set the sink's size to that, or reload the module"
        )
    return descriptor
