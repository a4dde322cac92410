"""What a decoder prints on standard output: a Jetson's camera element lists its modes there, and tells its problems."""

import logging
import threading
from typing import BinaryIO

from ....ground.error_text import one_line
from ....settings.credentials import masked

log = logging.getLogger("dgiqa_edge.watch")

LOGGED_LINES = 50
_LONGEST_LINE = 1000
_LONGEST_TEXT = 200


class Printed:
    """Empties a stream in a thread of its own, for a full pipe would stop the process.

    The first lines go to the log at debug level, of the others their number.
    """

    def __init__(self, stream: BinaryIO, program: str) -> None:
        self._program = program
        self._thread = threading.Thread(target=self._empty, args=(stream,), name="decoder-prints", daemon=True)
        self._thread.start()

    def finish(self, wait_s: float) -> None:
        """Wait for the stream's end, which comes with the process's."""
        self._thread.join(wait_s)

    def _empty(self, stream: BinaryIO) -> None:
        count = 0
        with stream:
            while line := stream.readline(_LONGEST_LINE):
                count += 1
                if count <= LOGGED_LINES and line.strip():
                    text = masked(one_line(line.decode(errors="replace")))
                    log.debug("%s printed: %s", self._program, text[:_LONGEST_TEXT])
        if count > LOGGED_LINES:
            log.debug("%s printed %d lines more", self._program, count - LOGGED_LINES)
