"""Video files: ``file:///videos/a.mp4?loop=true&pace=realtime``. Frames that are missing are counted and reported."""

import logging
import os
from pathlib import Path
from typing import Any

from ...errors import SourceError
from ...machine.opencv import opencv_has
from ...settings.section import Section
from .decoding.deinterlacing import file_input
from .decoding.gst_launch import has_element
from .decoding.pipelines import CONVERTER, TO_OPENCV, whole_pipeline
from .decoding.stream import VideoStream
from .frame_account import FrameAccount, Timeline, promise_of
from .opencv_capture import OpenCvCapture
from .protocol import Damaged, End, Frame, ReadResult, Source, Surroundings
from .uri import SourceUri

log = logging.getLogger("dgiqa_edge.watch")

PACES = ("asap", "realtime")
DEFAULT_FPS = 25.0
_LARGEST_FPS = 1000.0
_MOST_FRAMES = 1e9
_HINT = "it is damaged, empty, or of a format this OpenCV does not decode; try ffprobe on it"
_TRIES = 500  # OpenCV answers a damaged packet as it answers the end


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
    """One video file, decoded by FFmpeg where OpenCV has it, else by GStreamer.

    ``expected``, ``missing``: frames that the container promises, 0 where it does not tell, and those of them that
    were lost, known at the end.
    """

    live = False

    def __init__(
        self,
        path: Path,
        shown: str,
        loop: bool = False,
        paced: bool = False,
        fps: float | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self.interval_s: float | None = None
        self.expected = 0
        self.missing = 0
        self._path = path
        self._shown = shown
        self._loop = loop
        self._paced = paced
        self._fps = fps
        around = surroundings or Surroundings()
        self._capture = _capture(path, shown, around)
        self._stream = VideoStream(self._capture, _decoder(), file_input(path, shown, around.open_timeout_s))
        self._read = 0
        self._damaged = 0
        self._promise = promise_of(b"")
        self._own_fps = DEFAULT_FPS
        self._times = Timeline(1.0 / DEFAULT_FPS)

    def open(self) -> None:
        self._promise = promise_of(_start_of(self._path))
        self._stream.open(_HINT)
        count, rate = self._capture.frames, self._capture.fps
        self.expected = int(count) if 0 < count < _MOST_FRAMES else 0
        self.missing = self._read = self._damaged = 0
        self._own_fps = rate if 0.0 < rate <= _LARGEST_FPS else DEFAULT_FPS
        self._times = Timeline(1.0 / (self._fps or self._own_fps))
        pace = self._fps if self._fps is not None else rate
        self.interval_s = 1.0 / pace if self._paced and 0.0 < pace <= _LARGEST_FPS else None

    def read(self) -> ReadResult:
        """The next frame with its time: the stream's own, or by ``fps`` where that is given."""
        result = self._stream.read()
        if isinstance(result, Frame):
            self._read += 1
            return Frame(result.image, self._times.next(None if self._fps else result.t_s))
        if not isinstance(result, End):
            self._damaged += isinstance(result, Damaged)
            return Damaged(result.reason, self._times.next(None)) if isinstance(result, Damaged) else result
        if self._loop and self._read:
            return self._again()
        return self._ending(result)

    def close(self) -> None:
        self._stream.close()

    def interrupt(self) -> None:
        self._stream.interrupt()

    def describe(self) -> dict[str, Any]:
        return {
            "family": "file",
            "source": self._shown,
            "decoder": self._stream.decoder,
            "frames": self.expected or None,
        }

    def _again(self) -> ReadResult:
        try:
            self.open()  # seeking back is not exact in every format
        except SourceError as error:
            return End(str(error))
        result = self._stream.read()
        self._read = int(isinstance(result, Frame))
        return result

    def _ending(self, end: End) -> End:
        self.missing = FrameAccount(
            self.expected,
            self._promise,
            self._read,
            self._damaged,
            self._stream.complaints,
            self._own_fps,
            self._times.last_s,
            self._times.is_steady and not self._stream.is_deinterlaced,  # the other decoder tells no time stamps
        ).missing
        if self.missing:
            of = f"{self.missing} of {self.expected}" if self.expected else str(self.missing)
            return End(f"{self._shown}: {self._read} frames read, {of} are missing ({end.reason})", whole=False)
        if not end.whole:
            return End(f"{self._shown}: {self._read} frames read, then {end.reason}", whole=False)
        if self._stream.complaints:  # a decoder fills holes with what was there before, and some formats count nothing
            log.warning(
                "%s: the decoder told of %d errors: frames may be damaged or missing",
                self._shown,
                self._stream.complaints,
            )
        return End(f"{self._shown} is at its end, {self._read} frames")


def opens_as_video(path: Path) -> bool:
    """Whether OpenCV finds a video stream in a file; its frames are not looked at."""
    capture = _capture(path, str(path), Surroundings())
    try:
        capture.open(_HINT)
    except SourceError:
        return False
    finally:
        capture.close()
    return True


def _capture(path: Path, shown: str, surroundings: Surroundings) -> OpenCvCapture:
    decoder, pipeline = _decoder(), ""
    if decoder == "gstreamer" and has_element(
        CONVERTER
    ):  # the pipeline that OpenCV makes of a file knows no device memory
        pipeline = whole_pipeline("filesrc location={} ! decodebin", TO_OPENCV, has_element)
    # An absolute path, for FFmpeg takes what stands before a colon for a protocol.
    target = str(path.absolute())
    return OpenCvCapture(target, decoder, shown, surroundings, tries=_TRIES, is_file=True, pipeline=pipeline)


def _decoder() -> str:
    return "ffmpeg" if opencv_has("ffmpeg") else "gstreamer"


def _start_of(path: Path) -> bytes:
    """The first bytes, where it is a file that can be read; says in words what is wrong where it is none."""
    if not os.path.isfile(path):  # noqa: PTH113 - never raises
        raise SourceError(f"{path} does not exist: check the name (relative paths count from the settings file)")
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    if not start:
        raise SourceError(f"{path} is empty (0 bytes): copy the file again")
    return start
