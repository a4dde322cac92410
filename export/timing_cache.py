"""The timing cache: what a builder learned about tactics on one device with one TensorRT, kept for the next build.

One builder at a time works on a device: two that time kernels on the same GPU disturb each other's choice. The lock is
the operating system's, so a killed build leaves none behind. The file is TensorRT's own format, usable by trtexec.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from dgiqa_edge.runtime.atomic import write_bytes
from dgiqa_edge.runtime.errors import MachineError

Waiting = Callable[[str], None]


def default_path(version: str, device_name: str, sm: str) -> Path:
    """Where the cache of a TensorRT version on a device lies by default: in the user's cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    device = re.sub(r"[^a-z0-9]+", "-", device_name.lower()).strip("-") or "gpu"
    return home / "dgiqa-edge" / "timing" / f"tensorrt-{version}-{device}-sm{sm}.cache"


@contextlib.contextmanager
def exclusive(lock: Path, waiting: Waiting) -> Iterator[None]:
    """Hold the lock file ``lock`` for the block; where another process holds it, say so through ``waiting`` and wait.

    Raises:
        MachineError: the file cannot be made.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise MachineError(f"cannot write {lock} ({error.strerror}): choose another --timing-cache") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting(f"another build holds {lock}: waiting until it ends")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)  # which releases the lock


def lock_of(cache: Path) -> Path:
    """The lock that a builder holds while it uses ``cache``."""
    return cache.with_name(cache.name + ".lock")


def read(cache: Path) -> bytes:
    """The stored timings; empty where there are none yet.

    Raises:
        MachineError: the file is there and cannot be read.
    """
    try:
        return cache.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise MachineError(f"cannot read the timing cache {cache} ({error.strerror}): remove it") from error


def save(cache: Path, timings: bytes) -> None:
    """Store ``timings`` atomically.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    write_bytes(cache, timings)
