"""Pictures out of a program of this machine, ``gst-launch-1.0`` or ``ffmpeg``, that writes them raw to a pipe.

The pipe is one of its own: on standard output some elements print, and a line among the pictures would end them.
"""

import contextlib
import os
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from ....errors import MachineError, SourceError
from ....ground.error_text import one_line
from ....settings.credentials import masked
from ..protocol import End, Frame, ReadResult
from .printed import Printed
from .y4m import Y4mError, Y4mReader

_GRACE_S = 2.0
_LONGEST_MESSAGE = 300
_KEPT_LINES = 8
_LONGEST_LINE = 1000


class LaunchedDecoder:
    """One program that can be started again.

    Args:
        arguments: the program and its arguments; it writes YUV4MPEG2.
        output: its last argument, where it writes, with ``{}`` for the number of the descriptor.
        shown: the source as it may be shown, without credentials.
        remedy: how to install the program.
        limit_s: for the first picture.
        feed: what it reads from standard input: a text, where an argument would show a password to every user of the
            machine, or the content of a file, which may then have any name.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        output: str,
        shown: str,
        remedy: str,
        limit_s: float,
        feed: str | Path = "",
    ) -> None:
        self.name = arguments[0]
        self._arguments = list(arguments)
        self._output = output
        self._shown = shown
        self._remedy = remedy
        self._limit_s = limit_s
        self._feed = feed
        self._process: subprocess.Popen[bytes] | None = None
        self._pictures: BinaryIO | None = None
        self._printed: Printed | None = None
        self._said: _LastLines | None = None
        self._reader: Y4mReader | None = None
        self._first: ReadResult | None = None

    @property
    def complaints(self) -> int:
        """How many lines the program wrote to standard error, where it writes errors only."""
        return 0 if self._said is None else self._said.count

    def open(self, hint: str) -> None:
        """Start the program and wait for its first picture, which is kept for ``read``.

        Raises:
            SourceError: it ended without one; its own words come first, then ``hint``.
            MachineError: it cannot be started.
        """
        self.close()
        try:
            with self._feed.open("rb") if isinstance(self._feed, Path) else contextlib.nullcontext() as file:
                process = self._start(file)
        except OSError as error:
            raise MachineError(f"{self.name} cannot be started ({error.strerror}): {self._remedy}") from None
        self._process = process
        assert process.stdout is not None and process.stderr is not None and self._pictures is not None
        self._printed = Printed(process.stdout, self.name)  # type: ignore[arg-type]
        self._said = _LastLines(process.stderr)  # type: ignore[arg-type]
        self._reader = Y4mReader(self._pictures)
        if process.stdin is not None and isinstance(self._feed, str):
            with contextlib.suppress(OSError), process.stdin:
                process.stdin.write(self._feed.encode(errors="surrogateescape"))
        limit = threading.Timer(self._limit_s, process.kill)
        limit.daemon = True
        limit.start()
        first = self.read()
        in_time = not limit.finished.is_set()
        limit.cancel()
        if isinstance(first, End):
            self.close()
            reason = first.reason if in_time else f"no picture within {self._limit_s:g} s"
            raise SourceError(f"{self._shown} gives no frames by {self.name} ({reason}): {hint}")
        self._first = first

    def read(self) -> ReadResult:
        """The next picture; ``End`` where the program ends."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self._reader is None:
            return End("the source is not open")
        try:
            image = self._reader.read()
        except (Y4mError, OSError, ValueError) as error:  # ValueError: closed meanwhile
            return End(f"the output of {self.name} broke off ({error})")
        return End(self._last_words()) if image is None else Frame(image)

    def close(self) -> None:
        """End the program; further calls do nothing."""
        process, self._process, self._reader, self._first = self._process, None, None, None
        pictures, self._pictures = self._pictures, None
        if process is not None:
            _end(process)
        if self._printed is not None:
            self._printed.finish(_GRACE_S)
        if pictures is not None:
            pictures.close()

    def interrupt(self) -> None:
        """End the program at once; a read that waits is answered with its end."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                process.kill()

    def _start(self, file: BinaryIO | None) -> "subprocess.Popen[bytes]":
        read_end, write_end = os.pipe()
        self._pictures = os.fdopen(read_end, "rb")
        try:
            return subprocess.Popen(
                [*self._arguments, self._output.format(write_end)],
                stdin=file or subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(write_end,),
                start_new_session=True,  # Ctrl-C goes to this process alone, which ends the other itself
            )
        finally:
            os.close(write_end)

    def _last_words(self) -> str:
        """What the program said on its way out, in one line without credentials."""
        said = "" if self._said is None else masked(self._said.text(_GRACE_S))
        return said[:_LONGEST_MESSAGE] or f"{self.name} ended"


class _LastLines:
    """Empties a stream in a thread of its own, for a full pipe would stop the process, and keeps its last lines."""

    def __init__(self, stream: BinaryIO) -> None:
        self.count = 0
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._thread = threading.Thread(target=self._empty, args=(stream,), name="decoder-messages", daemon=True)
        self._thread.start()

    def text(self, wait_s: float) -> str:
        """The lines in one, once the stream has ended or ``wait_s`` are over."""
        self._thread.join(wait_s)
        return one_line(" ".join(list(self._lines)))

    def _empty(self, stream: BinaryIO) -> None:
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                self.count += 1
                self._lines.append(line.decode(errors="replace"))


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
