"""The process's end, where Python's own would go wrong: output that nobody reads, a library that cannot be stopped.

Of a closed pipe or a terminal that hung up, what is left in a stream's buffer would fail again in the interpreter's
last flush, which then exits with 120.
A C++ library whose threads cannot be stopped (MLPerf's LoadGen) calls back into Python while the interpreter shuts
down; Python then ends that thread under C++ frames that allow no exception, and the process aborts (SIGABRT, not 130).
Whoever abandons such a library asks for this end; the command line keeps the request when all files are closed.
"""

import contextlib
import os
import sys
from typing import NoReturn, TextIO

_requested = False


def request() -> None:
    """The command that is running must end without the interpreter's shutdown."""
    global _requested
    _requested = True


def honour(code: int) -> None:
    """End the process with ``code`` if that was requested."""
    if _requested:
        end(code)


def end(code: int) -> NoReturn:
    """End the process with ``code`` at once; everything written so far reaches its file."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


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
