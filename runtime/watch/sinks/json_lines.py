"""Events as JSON Lines in a file that is rotated by size: one record of ``watch/event.py`` per line.

A line is written with one call. The kernel may still cut that call at a page's border when the process is killed, so a
reader takes what ends in a line end, and the next start cuts off an unfinished last line.
"""

import contextlib
import logging
import os
import stat
from pathlib import Path
from typing import Any

from ...errors import SinkError
from ...settings.section import Section
from ..event import FrameEvent, record_text
from .event_filter import EventFilter, filter_options
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, Target, queue_options
from .reach import writable_file
from .registry import Planned

_LOG = logging.getLogger(__name__)
_MIB = 1 << 20
_TAIL_BYTES = 1 << 16
_LINE_START = b'{"schema_version":'


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``path``, ``max_mib`` (per file, 64), ``keep`` (rotated files, 5), filter and queue options."""
    path = options.file_path("path", folder)
    max_bytes = round(options.number("max_mib", 64.0, low=0.001, high=1 << 20) * _MIB)
    keep = options.integer("keep", 5, low=0, high=1000)
    events = filter_options(options)
    policy = queue_options(options, QueuePolicy(size=4096, attempts=3))

    def open_sink() -> Sink:
        return QueuedSink(name, JsonLinesFile(path, max_bytes, keep, events), policy)

    return Planned(open_sink, lambda _: writable_file(path))


class JsonLinesFile(Target):
    """Appends records to ``path``; at ``max_bytes`` it becomes ``path.1``, that ``path.2``, up to ``keep``.

    Raises:
        SinkError: the file cannot be written.
    """

    def __init__(self, path: Path, max_bytes: int, keep: int, events: EventFilter) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._events = events
        self._rotations = 0
        self._descriptor: int | None = None
        self._size = 0
        self._rotates = True
        self._open()

    def select(self, event: FrameEvent) -> str | None:
        """The finished line: a queue of events would keep their pictures alive."""
        return record_text(event) + "\n" if self._events.takes(event) else None

    def deliver(self, item: str) -> None:
        line = item.encode("ascii")
        if self._size and self._size + len(line) > self._max_bytes:
            self._rotate()
        if self._descriptor is None:
            self._open()
        assert self._descriptor is not None
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise SinkError(
                f"{self._path} cannot be written: {error.strerror}: free space or choose another path"
            ) from error
        if not self._rotates:
            return
        if written < len(line):  # the disk is full: take the torn line back
            os.ftruncate(self._descriptor, self._size)
            raise SinkError(f"{self._path} cannot be written: no space left: free some, or lower max_mib and keep")
        self._size += written

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def describe(self) -> dict[str, Any]:
        return {
            "type": "json_lines",
            "path": str(self._path),
            "max_bytes": self._max_bytes,
            "rotations": self._rotations,
        }

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._rotates = stat.S_ISREG(os.fstat(self._descriptor).st_mode)  # a pipe or terminal is written as it is
            self._size = _without_torn_line(self._descriptor, self._path) if self._rotates else 0
        except SinkError:
            self.close()
            raise
        except OSError as error:
            self.close()
            raise SinkError(
                f"{self._path} cannot be opened for writing: {error.strerror}: choose another path"
            ) from error

    def _rotate(self) -> None:
        self.close()
        try:
            if self._keep == 0:
                self._path.unlink()
            else:
                for number in range(self._keep - 1, 0, -1):
                    with contextlib.suppress(FileNotFoundError):
                        self._numbered(number).replace(self._numbered(number + 1))
                with contextlib.suppress(FileNotFoundError):  # somebody else's log rotation took it
                    self._path.replace(self._numbered(1))
        except OSError as error:
            raise SinkError(f"{self._path} cannot be rotated: {error.strerror}: check the folder's rights") from error
        self._rotations += 1
        self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _without_torn_line(descriptor: int, path: Path) -> int:
    """Cut off an unfinished last line, which a kill or a power failure may leave; returns the file's size."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    fragment = tail[tail.rfind(b"\n") + 1 :]
    if not fragment:
        return size
    if not (fragment.startswith(_LINE_START) or _LINE_START.startswith(fragment)):
        raise SinkError(f"{path} does not end in a line of this sink's: choose another path, nothing was changed")
    os.ftruncate(descriptor, size - len(fragment))
    _LOG.warning("%s ended in an unfinished line of %d bytes: it was cut off", path, len(fragment))
    return size - len(fragment)
