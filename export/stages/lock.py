"""A lock between processes, on a file; the operating system's own, so that a killed process leaves none behind."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dgiqa_edge.runtime.errors import MachineError

Say = Callable[[str], None]


@contextlib.contextmanager
def exclusive(lock: Path, say: Say, what: str) -> Iterator[None]:
    """Hold ``lock`` for the block; where another process holds it, say so and wait.

    The file stays: removing it would let two processes lock two files of one name.

    Args:
        what: what the lock is for, for the message.

    Raises:
        MachineError: the file cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise MachineError(f"cannot write {lock} ({error.strerror}): it locks {what}; choose another place") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another build uses {what} ({lock}): waiting until it ends")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which gives the lock back
