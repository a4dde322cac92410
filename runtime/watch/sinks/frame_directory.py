"""Frames as image files, one folder per camera and state, with limits on their number and size: the oldest go first.

``CAMERA/state.json`` holds the record on which the camera's state or reason changed last, so that whoever takes the
newest image of ``CAMERA/pass`` can see whether it still holds: ``unknown`` while the camera is lost. Where it cannot be
written it is gone; where the program was killed it stays as it was until the next start. A file appears whole or not at
all; only files that this sink has named are ever removed.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import MachineError, SinkError
from ...ground.atomic import PARTIAL_PREFIX, write_bytes
from ...ground.names import file_name
from ...settings.section import Section
from ..event import FrameEvent, record_text, utc_text
from .event_filter import EventFilter, filter_options
from .oldest_first import Kept, OldestFirst, unwritten
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, RefusedError, Target, queue_options
from .reach import writable_folder
from .registry import Planned

_MIB = 1 << 20
_FORMATS = ("jpg", "png")
_STATE_FILE = "state.json"
_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z-\d{9,}\.(?:jpg|png)")


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``path``, ``states`` ([pass]), ``cameras``, ``format`` (jpg, png), ``quality`` (90), ``max_files``
    (10000), ``max_mib`` (1024), ``changes_only``, queue options.
    """
    path = options.file_path("path", folder)
    events = filter_options(options, outcomes=("scored",), states=("pass",))
    file_format = options.choice("format", "jpg", _FORMATS)
    quality = options.integer("quality", 90, low=1, high=100)
    max_files = options.integer("max_files", 10_000, low=1)
    max_bytes = round(options.number("max_mib", 1024.0, low=0.01, high=1 << 30) * _MIB)
    policy = queue_options(options, QueuePolicy(size=8))

    def open_sink() -> Sink:
        target = FrameDirectory(path, events, file_format, quality, max_files, max_bytes)
        return QueuedSink(name, target, policy)

    return Planned(open_sink, lambda _: writable_folder(path))


class _Item(NamedTuple):
    """A frame to write, a state to write, or both; a state alone does not keep a picture alive."""

    camera: str
    frame: FrameEvent | None
    state: str | None


class FrameDirectory(Target):
    """Writes ``path/CAMERA/STATE/TIME-INDEX.jpg`` and ``path/CAMERA/state.json``.

    Args:
        max_files, max_bytes: of all images below ``path`` that carry such names, also from earlier runs.

    Raises:
        SinkError: the folder cannot be used.
    """

    def __init__(
        self, path: Path, events: EventFilter, file_format: str, quality: int, max_files: int, max_bytes: int
    ) -> None:
        self._path = path
        self._events = events
        self._format = file_format
        self._quality = quality
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._kept = OldestFirst(path, _found, lambda old: old.unlink(missing_ok=True), max_bytes, max_files)

    def select(self, event: FrameEvent) -> _Item | None:
        frame = event if event.frame is not None and self._events.takes(event) else None
        stated = event.tells_state and self._events.wants(event.camera)
        if frame is None and not stated:
            return None
        return _Item(event.camera, frame, record_text(event) + "\n" if stated else None)

    def deliver(self, item: _Item) -> None:
        if item.state is not None:
            self._tell(self._path / file_name(item.camera) / _STATE_FILE, item.state.encode("ascii"))
        if item.frame is not None:
            self._keep(item.frame)

    def _tell(self, path: Path, content: bytes) -> None:
        try:
            self._write(path, content)
        except SinkError:
            with contextlib.suppress(OSError):  # no state rather than one that no longer holds
                path.unlink(missing_ok=True)
            raise

    def _keep(self, item: FrameEvent) -> None:
        content = self._encoded(item)
        state = "none" if item.verdict is None else item.verdict.state.value
        name = f"{utc_text(item.captured_at).replace('-', '').replace(':', '')}-{item.index:09d}.{self._format}"
        path = self._path / file_name(item.camera) / state / name
        if len(content) > self._max_bytes:
            raise RefusedError(f"a frame of {len(content)} bytes is over max_mib: raise it, or lower quality")
        self._kept.make_room(len(content))
        self._write(path, content)
        self._kept.add(path, len(content))

    def describe(self) -> dict[str, Any]:
        return {
            "type": "directory",
            "path": str(self._path),
            "files": len(self._kept),
            "bytes": self._kept.size,
            "max_files": self._max_files,
            "max_bytes": self._max_bytes,
            "removed": self._kept.removed,
        }

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        try:
            write_bytes(path, content)
        except (OSError, MachineError) as error:
            raise unwritten(path, error, "max_mib and max_files") from error

    def _encoded(self, event: FrameEvent) -> bytes:
        import cv2

        assert event.frame is not None
        parameters = [cv2.IMWRITE_JPEG_QUALITY, self._quality] if self._format == "jpg" else []
        try:
            done, encoded = cv2.imencode(f".{self._format}", event.frame, parameters)
        except cv2.error as error:
            raise RefusedError(f"frame {event.index} of {event.camera} cannot be encoded: {error}") from error
        if not done:
            raise RefusedError(f"frame {event.index} of {event.camera} cannot be encoded as {self._format}")
        return encoded.tobytes()


def _found(folder: Path) -> Iterator[Kept]:
    """What earlier runs left; pieces of files that a killed process left are removed."""
    for piece in folder.glob(f"*/{PARTIAL_PREFIX}*{Path(_STATE_FILE).suffix}"):
        piece.unlink(missing_ok=True)
    for path in folder.glob("*/*/*"):
        if path.name.startswith(PARTIAL_PREFIX) and path.suffix in {f".{name}" for name in _FORMATS}:
            path.unlink(missing_ok=True)
        elif _NAME.fullmatch(path.name) and path.is_file():
            yield path, path.stat().st_size
