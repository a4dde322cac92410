"""Ends the process with its exit code and without the interpreter's shutdown, where a library leaves no other way.

A C++ library whose threads cannot be stopped (MLPerf's LoadGen) calls back into Python while the interpreter shuts
down; Python then ends that thread under C++ frames that allow no exception, and the process aborts (SIGABRT, not 130).
Whoever abandons such a library asks for this end; the command line keeps the request when all files are closed.
"""

import contextlib
import os
import sys
from typing import NoReturn

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
