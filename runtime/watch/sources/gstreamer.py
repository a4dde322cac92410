"""Any GStreamer pipeline: ``gst:v4l2src device=/dev/video0 ! video/x-raw,width=1280 ! videoconvert``.

Inside OpenCV where it was built with GStreamer, which hands frames over without a copy through a pipe. The OpenCV
wheels are not, so there ``gst-launch-1.0`` runs as a process of its own and sends raw pictures; such a process can also
be ended when it hangs. A pipeline that ends in a Jetson's device memory is brought to main memory by ``nvvidconv``.
"""

from typing import Any

from ...errors import ConfigurationError, MachineError
from ...machine.opencv import opencv_has
from ...settings.section import Section
from ..media.pipeline_text import without_appsink
from .decoding.gst_launch import GST_LAUNCH, has_element, has_gst_launch, launched_pipeline
from .decoding.launched import LaunchedDecoder
from .decoding.pipelines import TO_OPENCV, Asked, whole_pipeline
from .opencv_capture import DecodedSource, OpenCvCapture
from .protocol import Source, Surroundings
from .uri import SourceUri


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A pipeline without its sink; a closing ``appsink`` is accepted and replaced.

    Raises:
        ConfigurationError: the pipeline's quotes do not close, or it brings another sink.
        MachineError: neither OpenCV with GStreamer nor ``gst-launch-1.0`` is here.
    """
    options.finish()
    body = without_appsink(uri.address)
    if not body:
        raise ConfigurationError(f"the source {uri.shown!r} has no pipeline before its appsink: complete it")
    return PipelineSource("gst", body, uri.shown, surroundings)


class PipelineSource(DecodedSource):
    """A pipeline's frames by the best way that is here: OpenCV's appsink, or a ``gst-launch-1.0`` of its own.

    Args:
        family: as ``describe`` tells it.
        body: the pipeline without its sink.
        shown: the source as it may be shown, without credentials.
        asked: what to do on the way out of device memory.

    Raises:
        ConfigurationError, MachineError: as ``create``.
    """

    def __init__(
        self, family: str, body: str, shown: str, surroundings: Surroundings, asked: Asked | None = None
    ) -> None:
        self._family = family
        self._shown = shown
        pipeline: OpenCvCapture | LaunchedDecoder
        if opencv_has("gstreamer"):
            self._name = "gstreamer"
            pipeline = OpenCvCapture(
                whole_pipeline(body, TO_OPENCV, has_element, asked), self._name, shown, surroundings
            )
        elif has_gst_launch():
            self._name = GST_LAUNCH
            pipeline = launched_pipeline(body, shown, surroundings.open_timeout_s, asked)
        else:
            raise MachineError(
                f"the source {shown!r} needs GStreamer: this OpenCV was built without it, and {GST_LAUNCH} is not "
                "installed: apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
            )
        super().__init__(pipeline)

    def open(self) -> None:
        self._decoder.open(self.hint())

    def hint(self) -> str:
        """What to do where the pipeline gives no frames."""
        return f"try the pipeline with {GST_LAUNCH}, ending it in '! fakesink'"

    def describe(self) -> dict[str, Any]:
        return {"family": self._family, "source": self._shown, "decoder": self._name}
