"""What the page is told: twice a second how every camera is, and on demand all that is remembered of one."""

import asyncio
import math
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, replace
from typing import Any

from ...gate.policy import CHECKS
from ...gate.vocabulary import CONDITIONS, FAULTS
from ...ground import names
from ...version import VERSION
from ..event import verdict_record
from ..status import CameraStatus, WatchStatus
from .labels import TRUTHS
from .memory.camera_memory import Memories

TICK_S = 0.5
RETRY_MS = 1500


class Feed:
    """What all streams share.

    Args:
        status: the watch loop's snapshot; ``None`` while there is none yet.
        labels: whether labels are taken.
    """

    def __init__(self, memories: Memories, status: Callable[[], WatchStatus | None], labels: bool) -> None:
        self._memories = memories
        self._status = status
        self._hello = {"host": socket.gethostname(), "version": VERSION, **_words()}
        self._hello |= {"labels": labels, "gallery": memories.gallery}
        self._closing = False
        self.watchers = 0

    def close(self) -> None:
        """Let every stream end by its next message."""
        self._closing = True

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events for one page, until it goes away."""
        logged = {camera: memory.logged for camera, memory in self._memories.items()}
        self.watchers += 1
        try:
            yield f"retry: {RETRY_MS}\n\n"
            yield _message("hello", self._hello)
            while not self._closing:
                yield _message("news", {**self._present(), "log": self._log(logged)})
                await asyncio.sleep(TICK_S)
            yield _message("bye", {})
        finally:
            self.watchers -= 1

    def whole(self) -> dict[str, Any]:
        """The status, for scripts."""
        status = self._status()
        shown = None if status is None else status.to_json()
        return {"now": time.time(), "status": shown, "watchers": self.watchers}

    def camera(self, camera: str, points: float, rejects: int, log: int) -> dict[str, Any] | None:
        """One camera: its status, points of its curve from that time on, rejected frames and log after those numbers.

        ``None``: nobody knows it.
        """
        memory, status = self._memories.find(camera), self._status()
        own = None if status is None else next((it for it in status.cameras if it.camera == camera), None)
        if memory is None and own is None:
            return None
        # As it is written anyway: by the one writer of a status.
        shown = None if status is None or own is None else replace(status, cameras=(own,)).to_json()["cameras"][0]
        return {
            "status": shown,
            "points": [] if memory is None else memory.points(points),
            "rejects": [] if memory is None else memory.rejects(rejects),
            "log": [] if memory is None else memory.log(log),
        }

    def _present(self) -> dict[str, Any]:
        status = self._status()
        return {
            "now": time.time(),
            "process": None if status is None else _process(status),
            "cameras": [] if status is None else [_row(camera) for camera in status.cameras],
        }

    def _log(self, logged: dict[str, int]) -> dict[str, list[dict[str, Any]]]:
        """What is new in any camera's log for a page that has read it so far, which is noted."""
        found = {}
        for camera, memory in self._memories.items():
            known = logged.get(camera, 0)
            if memory.logged > known and (log := memory.log(known)):
                logged[camera] = log[-1]["number"]
                found[camera] = log
        return found


def json_text(value: Any) -> str:
    """JSON in one line; NaN and infinity become null."""
    return names.json_text(_finite(value), separators=(",", ":"), allow_nan=False)


def _words() -> dict[str, Any]:
    """The vocabulary: what can be wrong and what each check measures against."""
    return {
        "faults": [{**asdict(fault), "slug": fault.slug} for fault in FAULTS.values()],
        "conditions": dict(CONDITIONS),
        "truths": TRUTHS,
        "checks": {
            name: {"reason": check.reason, "side": check.default.side.value, "worst": check.worst}
            for name, check in CHECKS.items()
        },
    }


def _process(status: WatchStatus) -> dict[str, Any]:
    shown = replace(status, cameras=()).to_json()
    del shown["cameras"]
    return shown


def _row(camera: CameraStatus) -> dict[str, Any]:
    """What the wall shows of a camera."""
    verdict = camera.verdict
    return {
        "camera": camera.camera,
        "state": camera.state.value,
        "lost": camera.lost,
        "problem": camera.problem,
        "verdict": None if verdict is None else verdict_record(replace(verdict, where=None)),
        "verdict_at": camera.verdict_at,
        "last_frame_at": camera.last_frame_at,
    }


def _message(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json_text(data)}\n\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
