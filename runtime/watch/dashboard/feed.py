"""The messages of the page's event stream: all there is at first, then twice a second what is new."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from ...ground import names
from ...version import VERSION
from ..status import WatchStatus
from .memory.camera_memory import Memories
from .memory.history import COLUMNS

TICK_S = 0.5
RETRY_MS = 1500


class Feed:
    """What all streams share.

    Args:
        status: the watch loop's snapshot; ``None`` while there is none yet.
        instance: changes with each start of the program, so that a page that reconnects drops what it had.
        host: the machine's name.
    """

    def __init__(self, memories: Memories, status: Callable[[], WatchStatus | None], instance: str, host: str) -> None:
        self._memories = memories
        self._status = status
        self._instance = instance
        self._host = host
        self._closing = False
        self.watchers = 0

    def close(self) -> None:
        """Let every stream end by its next message."""
        self._closing = True

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events for one page, until it goes away."""
        cursor = _Cursor(self._memories)
        self.watchers += 1
        try:
            yield f"retry: {RETRY_MS}\n\n"
            hello = {"instance": self._instance, "host": self._host, "version": VERSION, "columns": COLUMNS}
            yield _message("hello", hello)
            while not self._closing:
                yield _message("news", {**self.present(), "cameras": cursor.news()})
                await asyncio.sleep(TICK_S)
            yield _message("bye", {})
        finally:
            self.watchers -= 1

    def present(self) -> dict[str, Any]:
        status = self._status()
        shown = None if status is None else status.to_json()
        return {"now": time.time(), "status": shown, "watchers": self.watchers}


class _Cursor:
    """How far one page has read each camera's memory."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        self._points: dict[str, float] = {}
        self._rejects: dict[str, int] = {}
        self._log: dict[str, int] = {}

    def news(self) -> dict[str, Any]:
        found = {}
        for camera, memory in self._memories.items():
            points = memory.points(self._points.get(camera))
            rejects = memory.rejects(self._rejects.get(camera, 0))
            log = memory.log(self._log.get(camera, 0))
            if points:
                self._points[camera] = points[-1][0]  # this one again next time: it may have grown
            if rejects:
                self._rejects[camera] = rejects[-1]["number"]
            if log:
                self._log[camera] = log[-1]["number"]
            found[camera] = {"index": memory.latest.index, "points": points, "rejects": rejects, "log": log}
        return found


def json_text(value: Any) -> str:
    """JSON in one line; NaN and infinity become null."""
    return names.json_text(_finite(value), separators=(",", ":"), allow_nan=False)


def _message(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json_text(data)}\n\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
