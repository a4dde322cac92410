"""``gst-launch-1.0`` as a decoder: any pipeline's pictures through a pipe, where OpenCV was built without GStreamer."""

import functools
import shutil
import subprocess
from pathlib import Path

from ....errors import MachineError
from ....settings.credentials import masked
from ...media.pipeline_text import arguments, elements
from .launched import LaunchedDecoder
from .pipelines import TO_PIPE, Asked, whole_pipeline

GST_LAUNCH = "gst-launch-1.0"
_INSPECT = "gst-inspect-1.0"


def has_gst_launch() -> bool:
    """Whether the program is here."""
    return shutil.which(GST_LAUNCH) is not None


def missing_element(name: str) -> bool | None:
    """Whether GStreamer here lacks an element; None where it cannot be asked."""
    inspect = shutil.which(_INSPECT)
    return None if inspect is None else _lacks(inspect, name)


@functools.cache
def _lacks(inspect: str, name: str) -> bool:
    # Without a version it asks for GStreamer's own, which no plugin of a Jetson states.
    asked = [inspect, "--atleast-version=0.0", "--exists", name]
    return subprocess.run(asked, capture_output=True, check=False).returncode != 0


def refuse_missing_elements(pipeline: str) -> None:
    """Raises MachineError: GStreamer here lacks an element of the pipeline, which waiting will not mend."""
    for name in elements(pipeline):
        if missing_element(name):
            raise MachineError(
                f"GStreamer has no element {masked(name)!r} here: check its spelling, or install the plugins "
                "that have it (gstreamer1.0-plugins-good, -bad, -ugly, gstreamer1.0-libav)"
            )


def has_element(name: str) -> bool:
    """Whether GStreamer here is known to have an element."""
    return missing_element(name) is False


def launched_pipeline(
    body: str, shown: str, limit_s: float, asked: Asked | None = None, between: str = "", feed: str | Path = ""
) -> LaunchedDecoder:
    """A pipeline without its sink, not started; arguments as of ``pipelines.whole_pipeline`` and ``LaunchedDecoder``.

    Raises:
        ConfigurationError: its quotes do not close.
    """
    parts = arguments(whole_pipeline(body, TO_PIPE, has_element, asked, between))
    return LaunchedDecoder([GST_LAUNCH, "-q", *parts], "fd={}", shown, "reinstall gstreamer1.0-tools", limit_s, feed)
