"""A stream or file by OpenCV, and by another program from the first picture on that OpenCV cannot write."""

import logging
from collections.abc import Callable
from typing import Protocol

from ....errors import DgiqaEdgeError
from ....ground.error_text import one_line
from ..protocol import Damaged, End, Frame, ReadResult
from .deinterlacing import REMEDY, VideoInput, deinterlacer
from .launched import LaunchedDecoder

log = logging.getLogger("dgiqa_edge.watch")


class Unwritten(End):
    """The decoder said that there is a picture and did not write it."""


class Decoder(Protocol):
    """What can be opened again and read; ``interrupt`` is for any thread, the rest for one at a time."""

    def open(self, hint: str) -> None: ...

    def read(self) -> ReadResult: ...

    @property
    def complaints(self) -> int: ...

    def close(self) -> None: ...

    def interrupt(self) -> None: ...


class VideoStream:
    """Two decoders as one.

    Args:
        capture: the first choice; answers ``Unwritten`` where it cannot read the stream.
        name: of the first choice.
        video: for the other.
        instead: makes the other; once it was needed, it stays.
    """

    def __init__(
        self,
        capture: Decoder,
        name: str,
        video: VideoInput,
        instead: Callable[[VideoInput], LaunchedDecoder] = deinterlacer,
    ) -> None:
        self._capture = capture
        self._name = name
        self._video = video
        self._instead = instead
        self._other: LaunchedDecoder | None = None
        self._other_works = False
        self._first: ReadResult | None = None
        self._given = 0

    @property
    def is_deinterlaced(self) -> bool:
        """Whether the other decoder reads it."""
        return self._other is not None

    @property
    def decoder(self) -> str:
        """Who decodes, and what else was done to the pictures."""
        return self._name if self._other is None else f"{self._other.name}, deinterlaced"

    @property
    def complaints(self) -> int:
        """How many errors the decoder has reported since ``open``."""
        return self._current().complaints

    def open(self, hint: str) -> None:
        """Connect, and look at the first picture, which is kept for ``read``.

        Raises:
            SourceError: not there, refused, or not decodable.
            MachineError: a process cannot be started.
        """
        self._first, self._given = None, 0
        if self._other is None:
            self._capture.open(hint)
            first = self._capture.read()
            if not isinstance(first, Unwritten):
                self._first = first
                return
            self._change()
        assert self._other is not None
        self._other.open(hint if self._other_works else REMEDY)
        self._other_works = True

    def read(self) -> ReadResult:
        """The next picture, by the decoder that can."""
        result, self._first = self._first, None
        if result is None:
            result = self._current().read()
        if isinstance(result, Unwritten):
            result = self._go_on()
        self._given += isinstance(result, Frame | Damaged)
        return result

    def close(self) -> None:
        self._first = None
        self._capture.close()
        if self._other is not None:
            self._other.close()

    def interrupt(self) -> None:
        self._current().interrupt()

    def _current(self) -> Decoder:
        return self._other or self._capture

    def _change(self) -> None:
        self._capture.close()
        self._other = self._instead(self._video)
        log.info("%s: interlaced: read by %s, deinterlaced", self._video.shown, self._other.name)

    def _go_on(self) -> ReadResult:
        """In the middle: a file is read again up to where it was, a live stream goes on with its next picture."""
        try:
            self._change()
            assert self._other is not None
            self._other.open(REMEDY)
        except DgiqaEdgeError as error:
            return End(one_line(error), whole=False)
        for _ in range(self._given if self._video.file is not None else 0):
            if isinstance(result := self._other.read(), End):
                return result
        return self._other.read()
