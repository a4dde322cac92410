"""Output whose reader went away: a pipe that was closed, a terminal that hung up.

What is left in a stream's buffer would fail again in the interpreter's last flush, which then exits with 120.
"""

import contextlib
import os
import sys
from typing import TextIO


def drop_unwritable() -> None:
    """Flush standard output and standard error; what nobody can read any more is dropped."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(stream)


def silence(stream: TextIO) -> None:
    """From now on what is written to ``stream``, and what its buffer holds, goes nowhere."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
