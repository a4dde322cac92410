"""The newest frames in shared memory, for another process on this machine: the writer's half of a ring.

The frames of a camera that is lost, or has ended, are withdrawn. The layout and the reader are in
``shared_frames_reader.py``, which other projects may copy.
"""

import contextlib
import fcntl
import math
import mmap
import os
import re
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigurationError, MachineError, SinkError
from ...ground.atomic import PARTIAL_PREFIX
from ...ground.framing import Box
from ...settings.section import Section
from ..event import FrameEvent, Presence
from . import shared_frames_reader as layout
from .event_filter import EventFilter, filter_options
from .protocol import Sink
from .queued import QueuedSink, QueuePolicy, Target, queue_options
from .reach import writable_folder
from .registry import Planned

_RING_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PAGE = 4096
_STALE_S = 60.0
_AWAY = frozenset(Presence) - {Presence.RETURNED}


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``ring`` (default: the sink's name), ``slots`` (4), ``depth`` (true), ``states`` ([pass]), ``cameras``,
    queue options.
    """
    ring = options.text("ring", name)
    if not _RING_NAME.fullmatch(ring):
        raise ConfigurationError(f"{options.path_of('ring')} is {ring!r}: give letters, digits, '.', '_' and '-' only")
    slots = options.integer("slots", 4, low=2, high=64)
    with_depth = options.flag("depth", True)
    events = filter_options(options, outcomes=("scored",), states=("pass",))
    policy = queue_options(options, QueuePolicy(size=2, when_full="oldest"))

    def open_sink() -> Sink:
        return QueuedSink(name, SharedFramesWriter(layout.ring_path(ring), slots, with_depth, events), policy)

    return Planned(open_sink, lambda _: _usable(layout.ring_path(ring)))


def _usable(path: Path) -> str:
    if not path.parent.is_dir():
        raise MachineError(f"{path.parent} is not there: shared memory needs a Linux system that mounts it")
    _refuse_second_writer(path)
    return writable_folder(path.parent)


class SharedFramesWriter(Target):
    """Writes each frame into the ring's next slot; the ring is made when the first frame tells its size.

    Raises:
        MachineError: this system has no /dev/shm.
        SinkError: another process writes this ring.
    """

    def __init__(self, path: Path, slots: int, with_depth: bool, events: EventFilter) -> None:
        self._path = path
        self._slots = slots
        self._with_depth = with_depth
        self._events = events
        self._ring: _Ring | None = None
        self._rings = 0
        _usable(path)
        _remove_stale(path)

    def select(self, event: FrameEvent) -> FrameEvent | None:
        if event.outcome in _AWAY:
            return event if self._events.wants(event.camera) else None
        return event if event.frame is not None and self._events.takes(event) else None

    def deliver(self, item: FrameEvent) -> None:
        if item.frame is None:
            if self._ring is not None:
                self._ring.withdraw(item.camera)
            return
        depth = item.depth if self._with_depth else None
        needed = item.frame.nbytes + (0 if depth is None else depth.nbytes)
        if self._ring is None or needed > self._ring.room:
            self._make_ring(needed)
        assert self._ring is not None
        self._ring.write(item, item.frame, depth)

    def close(self) -> None:
        if self._ring is not None:
            self._ring.close()
            self._ring = None
            self._path.unlink(missing_ok=True)

    def describe(self) -> dict[str, Any]:
        return {"type": "shared_memory", "path": str(self._path), "slots": self._slots, "rings": self._rings}

    def _make_ring(self, room: int) -> None:
        try:
            ring = _Ring(self._path, self._slots, room)
        except OSError as error:
            raise SinkError(
                f"{self._path} cannot be made ({error.strerror}): it needs {self._slots * room / 1e6:.0f} MB of "
                "shared memory; give the container more (--shm-size) or lower slots"
            ) from error
        old, self._ring = self._ring, ring
        self._rings += 1
        if old is not None:
            old.close()


class _Ring:
    """One mapped file under its final name."""

    def __init__(self, path: Path, slots: int, room: int) -> None:
        self.room = room
        self._slots = slots
        self._stride = -(-(layout.SLOT_HEADER_BYTES + room) // _PAGE) * _PAGE
        self._number = 0
        self._cameras: dict[int, str] = {}  # by frame number, of those that can be read
        size = layout.HEADER_BYTES + slots * self._stride
        self._descriptor, partial = tempfile.mkstemp(prefix=f"{PARTIAL_PREFIX}{path.name}-", dir=path.parent)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            os.posix_fallocate(self._descriptor, 0, size)  # or a full /dev/shm would kill this process at a write
            os.fchmod(self._descriptor, 0o644)
            self._map = mmap.mmap(self._descriptor, size)
            layout.HEADER.pack_into(
                self._map, 0, layout.MAGIC, layout.VERSION, slots, self._stride, 0, 0, 0, os.getpid()
            )
            Path(partial).replace(path)
        except BaseException:
            os.close(self._descriptor)
            Path(partial).unlink(missing_ok=True)
            raise

    def write(self, event: FrameEvent, frame: NDArray[np.uint8], depth: NDArray[np.uint8] | None) -> None:
        number = self._number + 1
        start = layout.HEADER_BYTES + (number - 1) % self._slots * self._stride
        struct.pack_into("<Q", self._map, start, 2 * number - 1)
        layout.order_memory()
        layout.SLOT.pack_into(self._map, start, 2 * number - 1, *_fields(event, frame, depth))
        pixels = start + layout.SLOT_HEADER_BYTES
        _fill(self._map, pixels, frame)
        if depth is not None:
            _fill(self._map, pixels + frame.nbytes, depth)
        layout.order_memory()
        struct.pack_into("<Q", self._map, start, 2 * number)
        layout.order_memory()
        struct.pack_into("<Q", self._map, layout.NEWEST_OFFSET, number)
        self._number = number
        self._cameras[number] = event.camera
        self._cameras.pop(number - self._slots, None)

    def withdraw(self, camera: str) -> None:
        """Its frames cannot be read any more: each is marked as one that is being written."""
        for number in [number for number, name in self._cameras.items() if name == camera]:
            start = layout.HEADER_BYTES + (number - 1) % self._slots * self._stride
            struct.pack_into("<Q", self._map, start, 2 * number - 1)
            del self._cameras[number]

    def close(self) -> None:
        struct.pack_into("<I", self._map, layout.CLOSED_OFFSET, 1)
        self._map.close()
        os.close(self._descriptor)


def _fields(event: FrameEvent, frame: NDArray[np.uint8], depth: NDArray[np.uint8] | None) -> tuple[Any, ...]:
    verdict, box = event.verdict, event.frame_box or Box(0, 0, frame.shape[1], frame.shape[0])
    return (
        event.index,
        event.captured_at,
        _number_or_nan(None if verdict is None else verdict.score),
        _number_or_nan(None if verdict is None else verdict.smoothed),
        _number_or_nan(event.latency_ms),
        0 if verdict is None else layout.STATES.index(verdict.state.value),
        frame.shape[1],
        frame.shape[0],
        0 if depth is None else depth.shape[1],
        0 if depth is None else depth.shape[0],
        event.depth_age,
        box.left,
        box.top,
        box.width,
        box.height,
    )


def _fill(target: mmap.mmap, start: int, source: NDArray[np.uint8]) -> None:
    np.copyto(np.frombuffer(target, np.uint8, source.size, start).reshape(source.shape), source)


def _number_or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _refuse_second_writer(path: Path) -> None:
    with contextlib.suppress(layout.SharedFramesError), layout.SharedFrames(str(path)) as present:
        if present.writer_alive():
            raise SinkError(f"{path} is being written by another process: stop that one, or give another ring name")


def _remove_stale(path: Path) -> None:
    """Rings that a killed process had not finished making."""
    for partial in path.parent.glob(f"{PARTIAL_PREFIX}{path.name}-*"):
        with contextlib.suppress(OSError):
            if time.time() - partial.stat().st_mtime > _STALE_S:
                partial.unlink()
