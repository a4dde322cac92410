"""What a decoder says on standard error, as facts: a picture that was not written, and the reason of a failure.

FFmpeg writes ``[who @ 0x55d0] what``, OpenCV ``[ WARN:0@0.05] global cap.cpp:212 open ...``. Both only from their own
error or warning level, so that every line is about something that went wrong.
"""

import re
from collections import deque

from ....settings.credentials import masked

_LONGEST_LINE = 1000
_LONGEST_TEXT = 300
_KEPT = 6
_FFMPEG = re.compile(r"\[([\w,.:-]+) @ 0x[0-9a-f]+\] *")
_OPENCV = re.compile(r"\[ *(?:WARN|ERROR|INFO)[^\]]*\] (?:global )?(?:\S+:\d+ )?(?:\(\d+\) )?")
# Said after every failure, and nothing by itself.
_EMPTY = re.compile(r"backend is generally available|can't be used to capture|raised unknown C\+\+ exception")
_CONVERTER = "swscaler"


class Complaints:
    """Lines as they come in; ``count`` and ``unwritten`` are of all, the text of the last few that differ."""

    def __init__(self) -> None:
        self.count = 0
        self.unwritten = 0
        self._rest = b""
        self._kept: deque[str] = deque(maxlen=_KEPT)

    def add(self, content: bytes) -> None:
        """More of standard error; what does not end in a line end waits for the rest."""
        *lines, self._rest = (self._rest + content).split(b"\n")
        self._rest = self._rest[-_LONGEST_LINE:]
        for line in lines:
            # Masked before it is cut: half a secret would not be found any more.
            self._add_line(masked(line.decode(errors="replace"))[:_LONGEST_LINE])

    def text(self) -> str:
        """The last lines in one, without credentials and without what only a programmer reads."""
        return "; ".join(self._kept)[:_LONGEST_TEXT]

    def forget(self) -> None:
        """Begin anew: what follows belongs to another stream or attempt."""
        self.__init__()  # type: ignore[misc]

    def _add_line(self, line: str) -> None:
        if not line.strip() or line.startswith(" ") or _EMPTY.search(line):
            return
        match = _FFMPEG.match(line)
        # Whatever the converter complains about, the picture it was to write holds something else.
        self.unwritten += match is not None and match[1] == _CONVERTER
        self.count += 1
        told = _OPENCV.sub("", _FFMPEG.sub(r"\1: ", line)).strip()
        if told not in self._kept:
            self._kept.append(told)
