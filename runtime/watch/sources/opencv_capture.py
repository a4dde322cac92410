"""OpenCV's video input behind the source protocol: what cameras, RTSP streams and video files have in common.

It runs in a process of its own, see ``decoding/process.py``. Which decoders OpenCV was built with is asked here and
nowhere else.
"""

import contextlib
from collections.abc import Mapping

from ...errors import SourceError
from ...machine.opencv import opencv_backend
from ...settings.credentials import masked
from .decoding.process import DecoderGoneError, DecoderProcess
from .decoding.stream import Decoder, Unwritten
from .protocol import Damaged, End, Frame, ReadResult, Source, Surroundings

_MARGIN_S = 1.0  # the decoder's own time-out comes first
_CLOSE_S = 0.5


class DecodedSource(Source):
    """A live source whose pictures one decoder gives; its family says how it is opened and described."""

    live = True
    interval_s = None

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    def read(self) -> ReadResult:
        return self._decoder.read()

    def close(self) -> None:
        self._decoder.close()

    def interrupt(self) -> None:
        self._decoder.interrupt()


class OpenCvCapture:
    """One stream that can be opened again. A failed ``open`` leaves the process for the next; ``close`` ends it.

    Args:
        target: what OpenCV opens: a path, an address, a pipeline.
        decoder: ``gstreamer``, ``ffmpeg`` or ``v4l2``.
        shown: the source as it may be shown, without credentials.
        surroundings: after which time the process is ended where the decoder does not give up by itself.
        properties: ``cv2.CAP_PROP_*`` by name without the prefix, set while opening.
        after_open: properties that a camera takes only once it is open, in this order.
        tries: pictures in a row that may not be readable before it counts as the end.
        is_file: ``target`` is a path.
        pipeline: what GStreamer reads the file with, ``{}`` for its name; empty: what OpenCV makes of it.
    """

    def __init__(
        self,
        target: str,
        decoder: str,
        shown: str,
        surroundings: Surroundings,
        properties: Mapping[str, float] | None = None,
        after_open: Mapping[str, float] | None = None,
        tries: int = 0,
        is_file: bool = False,
        pipeline: str = "",
    ) -> None:
        self._target = target
        self._decoder = decoder
        self._shown = shown
        self._surroundings = surroundings
        self._properties = dict(properties or {})
        self._after_open = dict(after_open or {})
        self._tries = tries
        self._is_file = is_file
        self._pipeline = pipeline
        self._process = DecoderProcess()
        self._is_open = False
        self._lost = 0
        self._waiting: ReadResult | None = None
        self.frames = 0.0
        self.fps = 0.0

    @property
    def complaints(self) -> int:
        """How many errors the decoder has reported since ``open`` began."""
        return self._process.complaints.count

    def open(self, hint: str) -> None:
        """Connect; ``frames`` and ``fps`` are then the container's, 0 where it tells none.

        Raises:
            SourceError: OpenCV could not open it; the decoder's own words come first, then ``hint``.
            MachineError: no process can be started.
        """
        question = {
            "do": "open",
            "target": self._target,
            "backend": opencv_backend(self._decoder),
            "settings": [int(number) for pair in _numbered(self._properties) for number in pair],
            "after": _numbered(self._after_open),
            "tries": self._tries,
            "is_file": self._is_file,
            "pipeline": self._pipeline,
        }
        self._is_open, self._lost, self._waiting = False, 0, None
        self._process.complaints.forget()
        try:
            answer = self._process.ask(question, self._surroundings.open_timeout_s + _MARGIN_S)
        except DecoderGoneError as gone:
            raise SourceError(f"{self._shown} cannot be opened by {self._decoder}: {gone}; {hint}") from None
        if not answer.get("opened"):
            raise SourceError(self._refusal(str(answer.get("error", "")), hint))
        self.frames, self.fps = answer["frames"] or 0.0, answer["fps"] or 0.0
        self._is_open = True

    def read(self) -> ReadResult:
        """The next picture; ``Damaged`` for one that was skipped, ``Unwritten`` for one that cannot be read."""
        if not self._is_open:
            return End("the source is not open")
        if self._lost:
            self._lost -= 1
            return Damaged(f"a frame could not be decoded{self._said(': ')}")
        if self._waiting is not None:
            result, self._waiting = self._waiting, None
            return result
        unwritten = self._process.complaints.unwritten
        try:
            answer = self._process.ask({"do": "read"}, self._surroundings.read_timeout_s + _MARGIN_S)
            if "rows" not in answer:
                return End(answer.get("error") or f"{self._decoder} gives no more frames{self._said(': ')}")
            if answer["blank"] or self._process.complaints.unwritten > unwritten:
                return Unwritten(f"{self._decoder} did not write the picture{self._said(': ')}")
            image = self._process.picture(answer["rows"], answer["columns"])
        except DecoderGoneError as gone:
            self._is_open = False
            return End(f"{self._decoder} failed: {gone}", whole=False)
        stamp = answer["ms"]
        frame = Frame(image, None if stamp is None else stamp / 1e3)
        if not answer["lost"]:
            return frame
        self._lost, self._waiting = answer["lost"], frame
        return self.read()

    def close(self) -> None:
        """Say good-bye to the camera, end the process, free everything; further calls do nothing."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(DecoderGoneError):
                self._process.ask({"do": "close"}, _CLOSE_S)
        self._process.end()

    def interrupt(self) -> None:
        """End the process: whatever waits for it returns at once."""
        self._process.interrupt()

    def _refusal(self, error: str, hint: str) -> str:
        said = f" ({error})" if error else self._said(" (", ")")
        if not said and self._decoder == "ffmpeg":  # every other failure is reported, but for a connection's end
            problem, remedy = "has no video stream, only audio or other data", "give one with pictures"
            if not self._is_file:
                problem += ", or it hung up without a word"
                remedy += ", or look whether the camera restarts or has too many viewers"
            return f"{self._shown} {problem}: {remedy}"
        return f"{self._shown} cannot be opened by {self._decoder}{said}: {hint}"

    def _said(self, before: str, after: str = "") -> str:
        text = masked(self._process.complaints.text())
        return f"{before}{text}{after}" if text else ""


def _numbered(properties: Mapping[str, float]) -> list[tuple[int, float]]:
    import cv2

    return [(int(getattr(cv2, f"CAP_PROP_{name}")), value) for name, value in properties.items()]
