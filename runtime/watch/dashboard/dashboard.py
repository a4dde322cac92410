"""The dashboard as a sink: it takes events without delay, remembers a bounded part, and serves the page."""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..event import FrameEvent, Outcome
from ..sinks.queued import QueuedSink, QueuePolicy
from ..sinks.registry import RegionMeans
from ..status import SinkStats, WatchStatus
from .feed import Feed
from .guard import Access
from .labels import Labels
from .memory.camera_memory import Memories
from .pages import build_app
from .regions_page import RegionsPage
from .server import PageServer
from .settings import DashboardSettings

Status = Callable[[], WatchStatus]
_QUEUE = QueuePolicy(size=64, when_full="oldest")  # a frame each of as many cameras as a wall has
_SNAPSHOT_S = 0.25


class Dashboard:
    """Implements ``Sink``, ``FollowsStatus`` and ``SetsRegions``; serves from construction to ``close``.

    Example:
        >>> dashboard = Dashboard(DashboardSettings())  # doctest: +SKIP
        >>> dashboard.follow(watch.status)  # doctest: +SKIP

    Raises:
        MachineError: the address cannot be had, or starlette or uvicorn is not installed.
    """

    name = "dashboard"

    def __init__(self, settings: DashboardSettings) -> None:
        self._access = Access(settings.token)
        self._memories = Memories(settings.history_minutes, settings.gallery)
        self._status: Status | None = None
        self._regions = RegionsPage()
        self._known: tuple[float, WatchStatus | None] = (-math.inf, None)
        labels = None if settings.labels is None else Labels(settings.labels, settings.labels_mib)
        self._feed = Feed(self._memories, self._snapshot, labels is not None)
        self._server = PageServer(
            build_app(self._memories, self._feed, self._access, labels, self._regions.answer), settings.listen
        )
        self._queue = QueuedSink(self.name, _Remembering(self._memories, self._thresholds), _QUEUE)

    @property
    def url(self) -> str:
        """Where the page is, without the token."""
        return f"http://{self._server.address}/"

    def follow(self, status: Status) -> None:
        """Where counters, latencies and thresholds come from."""
        self._status = status

    def follow_regions(self, means: RegionMeans) -> None:
        """How regions are seen and set."""
        self._regions.means = means

    def put(self, event: FrameEvent) -> None:
        self._queue.put(event)

    def stats(self) -> SinkStats:
        return self._queue.stats()

    def close(self, timeout_s: float) -> SinkStats:
        self._feed.close()
        stats = self._queue.close(timeout_s)
        self._server.close(timeout_s + 2.0)
        return stats

    def describe(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": "dashboard",
            "url": self.url,
            "token": self._access.needs_token,
            "watchers": self._feed.watchers,
        }

    def _snapshot(self) -> WatchStatus | None:
        """Hardly old: the pages and the score curves of many cameras ask many times a second."""
        asked_at, known = self._known
        if self._status is not None and time.monotonic() - asked_at > _SNAPSHOT_S:
            known = self._status()
            self._known = (time.monotonic(), known)
        return known

    def _thresholds(self, camera: str) -> Mapping[str, float]:
        status = self._snapshot()
        found = None if status is None else next((it for it in status.cameras if it.camera == camera), None)
        return {} if found is None else found.thresholds


class _Remembering:
    """The queue's target."""

    def __init__(self, memories: Memories, thresholds: Callable[[str], Mapping[str, float]]) -> None:
        self._memories = memories
        self._thresholds = thresholds

    def select(self, event: FrameEvent) -> FrameEvent | None:
        return None if event.outcome is Outcome.SKIPPED else event  # the status counts those

    def deliver(self, item: FrameEvent) -> None:
        self._memories.of(item.camera).add(item, self._thresholds)

    def close(self) -> None:
        """The page may still be open."""

    def abort(self) -> None:
        """Remembering does not wait."""

    def describe(self) -> dict[str, Any]:
        return {}
