"""A Jetson's CSI cameras through ``nvarguscamerasrc``: ``csi://0?size=1920x1080&fps=30&flip=0``."""

from pathlib import Path

from ...errors import ConfigurationError, MachineError
from ...settings.section import Section, size_option
from .decoding.gst_launch import has_element
from .decoding.pipelines import Asked, shrunk, turned
from .gstreamer import PipelineSource
from .protocol import Source, Surroundings
from .uri import SourceUri

ELEMENT = "nvarguscamerasrc"
ARGUS_SOCKET = Path("/tmp/argus_socket")
"""Where the element reaches the daemon that drives the cameras."""
_DEFAULT_SIZE = (1920, 1080)
_LARGEST_ID = 15


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A CSI camera by its sensor id.

    Options: ``size`` (WxH that the sensor gives, default 1920x1080), ``fps`` (30), ``flip`` (``flip-method`` of
    nvvidconv, 0 to 7), ``shrink`` (true: frames come no larger than scoring needs them, shrunk without the processor;
    false: at the sensor's size).

    Raises:
        ConfigurationError: no sensor id, or an option of the wrong kind.
        MachineError: this machine has no ``nvarguscamerasrc``.
    """
    if not (uri.address.isascii() and uri.address.isdigit() and int(uri.address) <= _LARGEST_ID):
        raise ConfigurationError(f"the source {uri.shown!r} has no sensor id: write csi://0 up to csi://{_LARGEST_ID}")
    size = size_option(options) or _DEFAULT_SIZE
    fps = options.integer("fps", 30, low=1, high=1000)
    flip = options.integer("flip", 0, low=0, high=7)
    shrink = options.flag("shrink", True)
    options.finish()
    if not has_element(ELEMENT):
        raise MachineError(
            f"the source {uri.shown!r} needs GStreamer with {ELEMENT}, which this machine lacks: on a Jetson install "
            "nvidia-l4t-gstreamer and gstreamer1.0-tools; elsewhere use v4l2:// or rtsp://"
        )
    body = csi_pipeline(int(uri.address), size, fps)
    upright = turned(size, flip)
    asked = Asked(shrunk(upright, surroundings.frame_size) if shrink else upright, flip)
    return CsiSource("csi", body, uri.shown, surroundings, asked)


class CsiSource(PipelineSource):
    """One CSI camera."""

    def hint(self) -> str:
        if ARGUS_SOCKET.exists():
            return super().hint()
        return (
            f"{ARGUS_SOCKET} is not there for this program: sudo systemctl restart nvargus-daemon; a service needs "
            f"PrivateTmp=no, a container -v {ARGUS_SOCKET}:{ARGUS_SOCKET}"
        )


def csi_pipeline(sensor_id: int, size: tuple[int, int], fps: int) -> str:
    """The pipeline's text, up to pictures in device memory."""
    width, height = size
    return (
        f"{ELEMENT} sensor-id={sensor_id} ! "
        f"video/x-raw(memory:NVMM),width={width},height={height},framerate={fps}/1,format=NV12"
    )
