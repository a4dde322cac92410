"""``cv2.VideoCapture`` behind the source protocol: what cameras, RTSP streams and video files have in common.

Which decoder OpenCV was built with is asked here and nowhere else.
"""

import contextlib
import os
import threading
from collections.abc import Mapping
from typing import Any

from ..errors import SourceError
from ..images import quiet_decoder
from .protocol import End, Frame, ReadResult

_QUIET = "-8"  # AV_LOG_QUIET: FFmpeg would print addresses and one line per damaged packet
_opening = threading.Lock()


def opencv_has(decoder: str) -> bool:
    """Whether this OpenCV was built with ``gstreamer``, ``ffmpeg`` or ``v4l2`` video input."""
    import cv2

    backend = {"gstreamer": cv2.CAP_GSTREAMER, "ffmpeg": cv2.CAP_FFMPEG, "v4l2": cv2.CAP_V4L2}[decoder]
    return bool(cv2.videoio_registry.hasBackend(backend))


class OpenCvCapture:
    """One ``cv2.VideoCapture`` that can be opened again.

    Args:
        target: what OpenCV opens: a path, an address, a pipeline.
        decoder: ``gstreamer``, ``ffmpeg`` or ``v4l2``.
        shown: the source as it may be shown, without credentials.
        properties: ``cv2.CAP_PROP_*`` by name without the prefix, set while opening.
        after_open: properties that a camera takes only once it is open, in this order.
    """

    def __init__(
        self,
        target: str,
        decoder: str,
        shown: str,
        properties: Mapping[str, float] | None = None,
        after_open: Mapping[str, float] | None = None,
    ) -> None:
        self._target = target
        self._decoder = decoder
        self._shown = shown
        self._properties = dict(properties or {})
        self._after_open = dict(after_open or {})
        self._capture: Any = None

    def open(self, hint: str) -> None:
        """Connect.

        Raises:
            SourceError: OpenCV could not open it; ``hint`` says what to look at.
        """
        import cv2

        _quieten()
        self.close()
        backend = {"gstreamer": cv2.CAP_GSTREAMER, "ffmpeg": cv2.CAP_FFMPEG, "v4l2": cv2.CAP_V4L2}[self._decoder]
        settings = [number for pair in self._numbered(self._properties) for number in pair]
        try:
            capture = cv2.VideoCapture(self._target, backend, [int(number) for number in settings])
        except cv2.error as error:
            raise SourceError(
                f"{self._shown} cannot be opened by {self._decoder} ({_first_line(error)}): {hint}"
            ) from None
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{self._shown} cannot be opened by {self._decoder}: {hint}")
        for number, value in self._numbered(self._after_open):
            capture.set(number, value)
        self._capture = capture

    def read(self) -> ReadResult:
        """The next frame; ``End`` where OpenCV gives none, which it does at the end, on a time-out and on an error."""
        import cv2

        if self._capture is None:
            return End("the source is not open")
        try:
            there, image = self._capture.read()
        except cv2.error as error:
            return End(f"{self._decoder} failed ({_first_line(error)})")
        if not there or image is None or image.size == 0:
            return End(f"{self._decoder} gives no more frames")
        if image.ndim == 2:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        return Frame(image)

    def get(self, name: str) -> float:
        """A property of the open capture by its name without prefix; 0 where it is unknown or nothing is open."""
        import cv2

        return 0.0 if self._capture is None else float(self._capture.get(getattr(cv2, f"CAP_PROP_{name}")))

    def close(self) -> None:
        """Free it; further calls do nothing."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _numbered(self, properties: Mapping[str, float]) -> list[tuple[int, float]]:
        import cv2

        return [(getattr(cv2, f"CAP_PROP_{name}"), value) for name, value in properties.items()]


def _quieten() -> None:
    """Silence OpenCV and FFmpeg before the first stream is opened; a level that the user has set stays."""
    with _opening, contextlib.suppress(AttributeError):
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", _QUIET)
        quiet_decoder()


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
