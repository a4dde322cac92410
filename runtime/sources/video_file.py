"""Video files: ``file:///videos/a.mp4?loop=true&pace=realtime``. An end before the file's own frame count is said."""

from pathlib import Path
from typing import Any

from ..errors import SourceError
from ..settings_section import Section
from .opencv_capture import OpenCvCapture, opencv_has
from .options import Surroundings
from .protocol import End, Frame, ReadResult, Source
from .uri import SourceUri

PACES = ("asap", "realtime")
_CUT_OFF_SHARE = 0.9
_LARGEST_FPS = 1000.0


def create(uri: SourceUri, options: Section, surroundings: Surroundings) -> Source:
    """A video file.

    Options: ``loop`` (start again at the end), ``pace`` (``asap``: as fast as frames are taken, the default;
    ``realtime``: at the file's own rate), ``fps`` (that rate instead).

    Raises:
        ConfigurationError: an option of the wrong kind.
    """
    loop = options.flag("loop", False)
    pace = options.choice("pace", "asap", PACES)
    fps = options.optional_number("fps", None, 0.01, _LARGEST_FPS)
    options.finish()
    return VideoFile(Path(uri.address), uri.shown, loop, pace == "realtime" or fps is not None, fps, surroundings)


class VideoFile:
    """One video file, decoded by FFmpeg where OpenCV has it, else by GStreamer."""

    live = False

    def __init__(
        self, path: Path, shown: str, loop: bool, paced: bool, fps: float | None, surroundings: Surroundings
    ) -> None:
        self.interval_s: float | None = None
        self._path = path
        self._shown = shown
        self._loop = loop
        self._paced = paced
        self._fps = fps
        self._decoder = "ffmpeg" if opencv_has("ffmpeg") else "gstreamer"
        self._capture = OpenCvCapture(str(path), self._decoder, shown)
        self._expected = 0
        self._read = 0

    def open(self) -> None:
        _check_file(self._path)
        self._capture.open("it is damaged, empty, or of a format this OpenCV does not decode; try ffprobe on it")
        self._expected = max(0, int(self._capture.get("FRAME_COUNT")))
        self._read = 0
        rate = self._fps if self._fps is not None else self._capture.get("FPS")
        self.interval_s = 1.0 / rate if self._paced and 0.0 < rate <= _LARGEST_FPS else None

    def read(self) -> ReadResult:
        result = self._capture.read()
        if isinstance(result, Frame):
            self._read += 1
            return result
        if self._loop and self._read:
            return self._again()
        return self._ending()

    def close(self) -> None:
        self._capture.close()

    def interrupt(self) -> None:
        """Reading a file does not wait."""

    def describe(self) -> dict[str, Any]:
        return {"family": "file", "source": self._shown, "decoder": self._decoder, "frames": self._expected or None}

    def _again(self) -> ReadResult:
        try:
            self.open()  # seeking back is not exact in every format
        except SourceError as error:
            return End(str(error))
        result = self._capture.read()
        self._read = int(isinstance(result, Frame))
        return result

    def _ending(self) -> End:
        if self._read < _CUT_OFF_SHARE * self._expected:
            missing = f"{self._shown} ends after {self._read} of {self._expected} frames: it is cut off or damaged"
            return End(missing, whole=False)
        return End(f"{self._shown} is at its end, {self._read} frames")


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise SourceError(f"{path} does not exist: check the name (relative paths count from the settings file)")
    if path.stat().st_size == 0:
        raise SourceError(f"{path} is empty (0 bytes): copy the file again")
