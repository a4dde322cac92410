"""Any GStreamer pipeline: ``gst:v4l2src device=/dev/video0 ! video/x-raw,width=1280 ! videoconvert``.

Inside OpenCV where it was built with GStreamer, which hands frames over without a copy through a pipe. The OpenCV
wheels are not, so there ``gst-launch-1.0`` runs as a process of its own and sends raw pictures; such a process can also
be ended when it hangs.
"""

from typing import Any

from ...errors import ConfigurationError, MachineError
from ...machine.opencv import has as opencv_has
from ...settings.section import Section
from ..media.pipeline_text import arguments, without_appsink
from .decoding.gst_launch import GST_LAUNCH, has_gst_launch, launched_pipeline
from .decoding.launched import LaunchedDecoder
from .opencv_capture import DecodedSource, OpenCvCapture
from .protocol import Source, Surroundings
from .uri import SourceUri

_TO_OPENCV = "videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=2 drop=false sync=false"


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A pipeline without its sink; a closing ``appsink`` is accepted and replaced.

    Raises:
        ConfigurationError: the pipeline's quotes do not close, or it brings another sink.
        MachineError: neither OpenCV with GStreamer nor ``gst-launch-1.0`` is here.
    """
    options.finish()
    return pipeline_source("gst", uri.address, uri.shown, surroundings)


def pipeline_source(family: str, pipeline: str, shown: str, surroundings: Surroundings) -> Source:
    """The pipeline's frames by the best way that this machine offers."""
    body = without_appsink(pipeline)
    parts = arguments(body)
    if not body:
        raise ConfigurationError(f"the source {shown!r} has no pipeline before its appsink: complete it")
    if opencv_has("gstreamer"):
        capture = OpenCvCapture(f"{body} ! {_TO_OPENCV}", "gstreamer", shown, surroundings)
        return PipelineSource(family, capture, "gstreamer", shown)
    if not has_gst_launch():
        raise MachineError(
            f"the source {shown!r} needs GStreamer: this OpenCV was built without it, and {GST_LAUNCH} is not "
            "installed: apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
        )
    return PipelineSource(family, launched_pipeline(parts, shown, surroundings.open_timeout_s), GST_LAUNCH, shown)


class PipelineSource(DecodedSource):
    """A pipeline's frames, out of OpenCV's appsink or a ``gst-launch-1.0`` of its own."""

    def __init__(self, family: str, pipeline: OpenCvCapture | LaunchedDecoder, decoder: str, shown: str) -> None:
        super().__init__(pipeline)
        self._family = family
        self._name = decoder
        self._shown = shown

    def open(self) -> None:
        self._decoder.open(f"try the pipeline with {GST_LAUNCH}, ending it in '! fakesink'")

    def describe(self) -> dict[str, Any]:
        return {"family": self._family, "source": self._shown, "decoder": self._name}
