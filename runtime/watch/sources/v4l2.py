"""USB and other Video4Linux cameras: ``v4l2:///dev/video0?size=1280x720&fps=30&fourcc=MJPG``."""

import os
import re
import stat
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, MachineError, SourceError
from ...settings.section import Section, size_option
from ..media.pipeline_text import property_text, rate_text
from .decoding.gst_launch import has_element
from .decoding.pipelines import JPEG_DECODERS, Asked, shrunk
from .gstreamer import PipelineSource
from .opencv_capture import DecodedSource, OpenCvCapture
from .protocol import Source, Surroundings
from .uri import SourceUri

_FOURCC = re.compile(r"[A-Za-z0-9 ]{4}")


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A camera by its device file.

    Options: ``size`` (WxH), ``fps``, ``fourcc`` (``MJPG`` gives full rate over USB 2), each the driver's choice where
    absent; ``jpeg_decoder`` (``nvv4l2decoder`` or ``nvjpegdec``): JPEG from the camera, decoded by that element of a
    Jetson instead of the processor.

    Raises:
        ConfigurationError: no absolute path, or an option of the wrong kind.
        MachineError: this machine lacks the element.
    """
    if not uri.address.startswith("/"):
        raise ConfigurationError(f"the source {uri.shown!r} names no device: write v4l2:///dev/video0, three slashes")
    size = size_option(options)
    fps = options.optional_number("fps", None, 0.1, 1000.0)
    fourcc = options.optional_text("fourcc")
    if fourcc is not None and not _FOURCC.fullmatch(fourcc):
        raise ConfigurationError(f"{options.path_of('fourcc')} is {fourcc!r}: give four letters, such as MJPG or YUYV")
    decoder = _jpeg_decoder(uri, options, fourcc)
    options.finish()
    if decoder is None:
        return V4l2Source(uri, size, fps, fourcc, surroundings)
    asked = None if size is None else Asked(shrunk(size, surroundings.frame_size))
    return JpegSource(uri, jpeg_pipeline(uri.address, size, fps, decoder), surroundings, asked)


def jpeg_pipeline(device: str, size: tuple[int, int] | None, fps: float | None, decoder: str) -> str:
    """A camera's JPEG pictures, decoded by one of ``JPEG_DECODERS``."""
    caps = "image/jpeg"
    if size is not None:
        caps += f",width={size[0]},height={size[1]}"
    if fps is not None:
        caps += f",framerate={rate_text(fps)}"
    return f"v4l2src device={property_text(device)} ! {caps} ! {JPEG_DECODERS[decoder]}"


def _jpeg_decoder(uri: SourceUri, options: Section, fourcc: str | None) -> str | None:
    """The element that was asked for, which is here."""
    decoder = options.optional_choice("jpeg_decoder", tuple(JPEG_DECODERS))
    if decoder is None:
        return None
    if fourcc not in (None, "MJPG", "JPEG"):
        raise ConfigurationError(
            f"the source {uri.shown!r} asks for {fourcc} pictures and a decoder for JPEG: leave one of the two out"
        )
    if not has_element(decoder):
        raise MachineError(
            f"the source {uri.shown!r} needs GStreamer with {decoder}, which this machine lacks: on a Jetson install "
            "nvidia-l4t-gstreamer and gstreamer1.0-tools; elsewhere leave jpeg_decoder out"
        )
    return decoder


class JpegSource(PipelineSource):
    """One Video4Linux device whose JPEG pictures a Jetson's hardware decodes."""

    def __init__(self, uri: SourceUri, body: str, surroundings: Surroundings, asked: Asked | None) -> None:
        super().__init__("v4l2", body, uri.shown, surroundings, asked)
        self._device = Path(uri.address)

    def open(self) -> None:
        _check_device(self._device)
        super().open()


class V4l2Source(DecodedSource):
    """One Video4Linux device."""

    def __init__(
        self,
        uri: SourceUri,
        size: tuple[int, int] | None,
        fps: float | None,
        fourcc: str | None,
        surroundings: Surroundings,
    ) -> None:
        self._uri = uri
        # The pixel format first: the sizes and rates that a driver offers depend on it.
        wanted: dict[str, float] = {}
        if fourcc is not None:
            wanted["FOURCC"] = int.from_bytes(fourcc.encode("ascii"), "little")
        if size is not None:
            wanted |= {"FRAME_WIDTH": size[0], "FRAME_HEIGHT": size[1]}
        if fps is not None:
            wanted["FPS"] = fps
        wanted["BUFFERSIZE"] = 2  # the driver's queue: older frames would only be late
        super().__init__(OpenCvCapture(uri.address, "v4l2", uri.shown, surroundings, after_open=wanted))

    def open(self) -> None:
        _check_device(Path(self._uri.address))
        self._decoder.open("another program may hold it (fuser -v shows which), or it is no capture device")

    def describe(self) -> dict[str, Any]:
        return {"family": "v4l2", "source": self._uri.shown, "decoder": "v4l2"}


def _check_device(device: Path) -> None:
    """Say what is wrong in words: OpenCV only says that it could not open it."""
    try:
        mode = device.stat().st_mode
    except OSError:
        there = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "none"
        raise SourceError(
            f"{device} does not exist (video devices here: {there}): check the cable and the name"
        ) from None
    if not stat.S_ISCHR(mode):
        raise SourceError(f"{device} is not a device file: give one such as /dev/video0, or file:// for a video")
    if not os.access(device, os.R_OK | os.W_OK):
        raise SourceError(f"{device} may not be opened by this user: add it to the group 'video', log in again")
