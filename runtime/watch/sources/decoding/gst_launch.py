"""``gst-launch-1.0`` as a decoder: any pipeline's pictures through a pipe, where OpenCV was built without GStreamer."""

import functools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ....errors import MachineError
from ....settings.credentials import masked
from ...media.pipeline_text import elements
from .launched import LaunchedDecoder

GST_LAUNCH = "gst-launch-1.0"
_INSPECT = "gst-inspect-1.0"
_TO_PIPE = ["!", "videoconvert", "!", "video/x-raw,format=I420,colorimetry=bt601", "!", "y4menc", "!"]
_TO_PIPE += ["fdsink", "fd=1", "sync=false"]


def has_gst_launch() -> bool:
    """Whether the program is here."""
    return shutil.which(GST_LAUNCH) is not None


def missing_element(name: str) -> bool | None:
    """Whether GStreamer here lacks an element; None where it cannot be asked."""
    inspect = shutil.which(_INSPECT)
    return None if inspect is None else _lacks(inspect, name)


@functools.cache
def _lacks(inspect: str, name: str) -> bool:
    return subprocess.run([inspect, "--exists", name], capture_output=True, check=False).returncode != 0


def refuse_missing_elements(pipeline: str) -> None:
    """Raises MachineError: GStreamer here lacks an element of the pipeline, which waiting will not mend."""
    for name in elements(pipeline):
        if missing_element(name):
            raise MachineError(
                f"GStreamer has no element {masked(name)!r} here: check its spelling, or install the plugins "
                "that have it (gstreamer1.0-plugins-good, -bad, -ugly, gstreamer1.0-libav)"
            )


def launched_pipeline(parts: Sequence[str], shown: str, limit_s: float, feed: str | Path = "") -> LaunchedDecoder:
    """A pipeline without its sink, as ``pipeline_text.arguments`` gives it, not started."""
    return LaunchedDecoder([GST_LAUNCH, "-q", *parts, *_TO_PIPE], shown, "reinstall gstreamer1.0-tools", limit_s, feed)
