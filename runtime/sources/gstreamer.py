"""Any GStreamer pipeline: ``gst:v4l2src device=/dev/video0 ! video/x-raw,width=1280 ! videoconvert``.

Inside OpenCV where it was built with GStreamer, which hands frames over without a copy through a pipe. The OpenCV
wheels are not, so there ``gst-launch-1.0`` runs as a process of its own and sends raw pictures; such a process can also
be ended when it hangs.
"""

import contextlib
import shutil
import subprocess
import threading
from collections import deque
from typing import Any, BinaryIO

from ..credentials import masked
from ..errors import ConfigurationError, MachineError, SourceError
from ..settings_section import Section
from .gst_text import arguments, without_appsink
from .opencv_capture import OpenCvCapture, opencv_has
from .options import Surroundings
from .protocol import End, Frame, ReadResult, Source
from .uri import SourceUri
from .y4m import Y4mError, Y4mReader

LAUNCH = "gst-launch-1.0"
_INSPECT = "gst-inspect-1.0"
_TO_OPENCV = "videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=2 drop=false sync=false"
_TO_PIPE = ["!", "videoconvert", "!", "video/x-raw,format=I420", "!", "y4menc", "!", "fdsink", "fd=1", "sync=false"]
_GRACE_S = 2.0
_LONGEST_MESSAGE = 300
_KEPT_LINES = 8
_LONGEST_LINE = 1000


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A pipeline without its sink; a closing ``appsink`` is accepted and replaced.

    Raises:
        ConfigurationError: the pipeline's quotes do not close, or it brings another sink.
        MachineError: neither OpenCV with GStreamer nor ``gst-launch-1.0`` is here.
    """
    options.finish()
    return pipeline_source("gst", uri.address, uri.shown, live=True)


def pipeline_source(family: str, pipeline: str, shown: str, live: bool) -> Source:
    """The pipeline's frames by the best way that this machine offers."""
    body = without_appsink(pipeline)
    parts = arguments(body)
    if not body:
        raise ConfigurationError(f"the source {shown!r} has no pipeline before its appsink: complete it")
    if opencv_has("gstreamer"):
        return OpenCvPipeline(family, f"{body} ! {_TO_OPENCV}", shown, live)
    if shutil.which(LAUNCH) is None:
        raise MachineError(
            f"the source {shown!r} needs GStreamer: this OpenCV was built without it, and {LAUNCH} is not installed: "
            "apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
        )
    return PipelineProcess(family, parts, shown, live)


def missing_element(name: str) -> bool | None:
    """Whether GStreamer here lacks an element; None where it cannot be asked."""
    inspect = shutil.which(_INSPECT)
    if inspect is None:
        return None
    return subprocess.run([inspect, "--exists", name], capture_output=True, check=False).returncode != 0


class OpenCvPipeline:
    """A pipeline that ends in OpenCV's appsink."""

    interval_s = None

    def __init__(self, family: str, pipeline: str, shown: str, live: bool) -> None:
        self.live = live
        self._family = family
        self._shown = shown
        self._capture = OpenCvCapture(pipeline, "gstreamer", shown)

    def open(self) -> None:
        self._capture.open(f"try the pipeline with {LAUNCH}, ending it in '! fakesink'")

    def read(self) -> ReadResult:
        return self._capture.read()

    def close(self) -> None:
        self._capture.close()

    def interrupt(self) -> None:
        """OpenCV's appsink cannot be woken; the watch loop leaves such a read behind."""

    def describe(self) -> dict[str, Any]:
        return {"family": self._family, "source": self._shown, "decoder": "gstreamer"}


class PipelineProcess:
    """A pipeline in a ``gst-launch-1.0`` of its own, its pictures through a pipe."""

    interval_s = None

    def __init__(self, family: str, parts: list[str], shown: str, live: bool) -> None:
        self.live = live
        self._family = family
        self._shown = shown
        self._parts = parts
        self._process: subprocess.Popen[bytes] | None = None
        self._said: _LastLines | None = None
        self._reader: Y4mReader | None = None
        self._first: ReadResult | None = None

    def open(self) -> None:
        """Start the process and wait for its first picture, which is kept for ``read``."""
        self.close()
        try:
            process = subprocess.Popen(
                [LAUNCH, "-q", *self._parts, *_TO_PIPE],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C goes to the watch loop alone, which ends this process itself
            )
        except OSError as error:
            raise MachineError(f"{LAUNCH} cannot be started ({error.strerror}): reinstall gstreamer1.0-tools") from None
        assert process.stdout is not None and process.stderr is not None
        self._process = process
        self._said = _LastLines(process.stderr)  # type: ignore[arg-type]
        self._reader = Y4mReader(process.stdout)  # type: ignore[arg-type]
        first = self.read()
        if isinstance(first, End):
            self.close()
            raise SourceError(f"{self._shown} gives no frames: {first.reason}")
        self._first = first

    def read(self) -> ReadResult:
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._reader is None:
            return End("the source is not open")
        try:
            image = self._reader.read()
        except (Y4mError, OSError, ValueError) as error:  # ValueError: closed meanwhile
            return End(f"the pipeline's output broke off ({error})")
        return End(self._last_words()) if image is None else Frame(image)

    def close(self) -> None:
        process, self._process, self._reader, self._first = self._process, None, None, None
        if process is not None:
            _end(process)

    def interrupt(self) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def describe(self) -> dict[str, Any]:
        return {"family": self._family, "source": self._shown, "decoder": LAUNCH}

    def _last_words(self) -> str:
        """What the process said on its way out, in one line without credentials."""
        said = "" if self._said is None else masked(self._said.text(_GRACE_S))
        return said[:_LONGEST_MESSAGE] or "the pipeline ended"


class _LastLines:
    """Empties a stream in a thread of its own, for a full pipe would stop the process, and keeps its last lines."""

    def __init__(self, stream: BinaryIO) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._thread = threading.Thread(target=self._empty, args=(stream,), name="gst-messages", daemon=True)
        self._thread.start()

    def text(self, wait_s: float) -> str:
        """The lines in one, once the stream has ended or ``wait_s`` are over."""
        self._thread.join(wait_s)
        return " ".join(" ".join(list(self._lines)).split())

    def _empty(self, stream: BinaryIO) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self._lines.append(line.decode(errors="replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
