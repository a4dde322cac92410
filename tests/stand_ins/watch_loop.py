"""What the watch loop works with: time, a source that plays what it is given, a sink that remembers."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sources.protocol import End, Frame, ReadResult
from dgiqa_edge.runtime.watch.status import SinkStats


class FakeClock:
    """Time passes only by waiting, at once, and by ``advance``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        with self._lock:
            return self.now

    def wall(self) -> float:
        return self.monotonic() + 1e9

    def wait(self, event: threading.Event, seconds: float) -> bool:
        with self._lock:
            self.waits.append(seconds)
        if not event.is_set():
            self.advance(seconds)
        return event.wait(0.0001)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds


class PlayedSource:
    """Plays connections: each a list of results, errors to raise, or calls to make; the last one is repeated."""

    def __init__(self, connections: Iterable[list[Any]], live: bool = True, interval_s: float | None = None) -> None:
        self.live = live
        self.interval_s = interval_s
        self._connections = [list(connection) for connection in connections]
        self.opened = self.closed = self.interrupted = 0
        self._left: list[Any] = []

    def open(self) -> None:
        self._left = list(self._connections[min(self.opened, len(self._connections) - 1)])
        self.opened += 1
        if self._left and isinstance(self._left[0], Exception):
            raise self._left.pop(0)

    def read(self) -> ReadResult:
        step = self._left.pop(0) if self._left else End("played to the end")
        if callable(step):
            step = step()
        if isinstance(step, Exception):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1

    def interrupt(self) -> None:
        self.interrupted += 1

    def describe(self) -> dict[str, Any]:
        return {"family": "played"}


class ListSink:
    """Keeps all events: of frames in ``events``, of the cameras themselves in ``presences``."""

    def __init__(
        self, name: str = "list", raises: bool = False, then: Callable[[FrameEvent], None] | None = None
    ) -> None:
        self.name = name
        self.events: list[FrameEvent] = []
        self.presences: list[FrameEvent] = []
        self.closed = 0
        self._raises = raises
        self._then = then

    def put(self, event: FrameEvent) -> None:
        if self._raises:
            raise RuntimeError("a sink that breaks its promise")
        if event.index is None:
            self.presences.append(event)
            return
        self.events.append(event)
        if self._then is not None:
            self._then(event)

    def stats(self) -> SinkStats:
        return SinkStats(len(self.events), len(self.events), 0, 0, 0)

    def close(self, timeout_s: float) -> SinkStats:
        if self._raises:
            raise RuntimeError("a sink that breaks its promise")
        self.closed += 1
        return self.stats()

    def describe(self) -> dict[str, Any]:
        return {"name": self.name}


def frame(level: int = 128, size: tuple[int, int] = (64, 48)) -> Frame:
    """A picture with a little texture."""
    width, height = size
    image = np.full((height, width, 3), level, np.uint8)
    image[::2, ::3] = 255 - level
    return Frame(image)
