"""A Jetson's CSI cameras through ``nvarguscamerasrc``: ``csi://0?size=1920x1080&fps=30&flip=0``."""

from ...errors import ConfigurationError, MachineError
from ...settings.section import Section, size_option
from .decoding.gst_launch import missing_element
from .gstreamer import pipeline_source
from .protocol import Source, Surroundings
from .uri import SourceUri

ELEMENT = "nvarguscamerasrc"
_DEFAULT_SIZE = (1920, 1080)
_LARGEST_ID = 15


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A CSI camera by its sensor id.

    Options: ``size`` (WxH, default 1920x1080), ``fps`` (30), ``flip`` (``flip-method`` of nvvidconv, 0 to 7).

    Raises:
        ConfigurationError: no sensor id, or an option of the wrong kind.
        MachineError: this machine has no ``nvarguscamerasrc``.
    """
    if not (uri.address.isascii() and uri.address.isdigit() and int(uri.address) <= _LARGEST_ID):
        raise ConfigurationError(f"the source {uri.shown!r} has no sensor id: write csi://0 up to csi://{_LARGEST_ID}")
    size = size_option(options) or _DEFAULT_SIZE
    fps = options.integer("fps", 30, low=1, high=1000)
    flip = options.integer("flip", 0, low=0, high=7)
    options.finish()
    pipeline = csi_pipeline(int(uri.address), size, fps, flip)
    if missing_element(ELEMENT) is not False:
        raise MachineError(
            f"the source {uri.shown!r} needs GStreamer with {ELEMENT}, which this machine lacks: on a Jetson install "
            "nvidia-l4t-gstreamer and gstreamer1.0-tools; elsewhere use v4l2:// or rtsp://"
        )
    return pipeline_source("csi", pipeline, uri.shown, surroundings)


def csi_pipeline(sensor_id: int, size: tuple[int, int], fps: int, flip: int) -> str:
    """The pipeline's text, up to pictures in main memory; the sink is added by ``gstreamer.py``."""
    width, height = size
    return (
        f"{ELEMENT} sensor-id={sensor_id} ! "
        f"video/x-raw(memory:NVMM),width={width},height={height},framerate={fps}/1,format=NV12 ! "
        f"nvvidconv flip-method={flip} ! video/x-raw,format=BGRx"
    )
