"""Prometheus metrics of a running watch: counters from its status snapshot, histograms from its events.

Every scrape takes one snapshot, so within it captured = scored + skipped + failed. Names end in their unit; labels are
names from the configuration, never addresses.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import SinkError
from ...ground.extra_packages import watch_package
from ...settings.listen_address import ListenAddress, listen_option
from ...settings.section import Section
from ..event import FrameEvent, Outcome
from ..sinks.protocol import Sink
from ..sinks.reach import free_address
from ..sinks.registry import Planned
from ..status import SinkStats, WatchStatus
from .families import PREFIX, status_families

log = logging.getLogger("dgiqa_edge.watch")

DEFAULT_LISTEN = "127.0.0.1:9108"
LATENCY_BUCKETS_S = (0.005, 0.01, 0.02, 0.033, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0)
SCORE_BUCKETS = tuple(step / 10 for step in range(1, 11))

Status = Callable[[], WatchStatus]


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Option: ``listen`` (127.0.0.1:9108). The page has no token: bind it elsewhere only behind a firewall."""
    address = listen_option(options, DEFAULT_LISTEN)

    def open_sink() -> Sink:
        return PrometheusMetrics(name, address)

    def reach(_: float) -> str:
        watch_package("prometheus_client", "the prometheus sink")
        return free_address(address)

    return Planned(open_sink, reach)


class PrometheusMetrics:
    """A sink whose events feed histograms, and an HTTP server with ``/metrics``.

    Raises:
        MachineError: prometheus-client is not installed.
        SinkError: the address cannot be had.
    """

    def __init__(self, name: str, address: ListenAddress) -> None:
        prometheus = watch_package("prometheus_client", "the prometheus sink")
        self._name = name
        self._stats = SinkStats(offered=0, delivered=0, ignored=0, missed=0, failed=0)
        self._lock = threading.Lock()
        self._closed = False
        self._collector = _StatusCollector()
        self.registry = prometheus.CollectorRegistry()
        self._latency = prometheus.Histogram(
            f"{PREFIX}_latency_seconds",
            "From capture to verdict.",
            ["camera"],
            registry=self.registry,
            buckets=LATENCY_BUCKETS_S,
        )
        self._scores = prometheus.Histogram(
            f"{PREFIX}_frame_score",
            "Score of each scored frame.",
            ["camera"],
            registry=self.registry,
            buckets=SCORE_BUCKETS,
        )
        self.registry.register(self._collector)
        prometheus.ProcessCollector(registry=self.registry)
        try:
            self._server, self._thread = prometheus.start_http_server(
                address.port, addr=address.host, registry=self.registry
            )
        except OSError as error:
            raise SinkError(f"metrics cannot listen on {address}: {error.strerror}: choose another port") from error
        self._server.handle_error = _note_failure
        self.address = ListenAddress(address.host, self._server.server_port)

    @property
    def name(self) -> str:
        return self._name

    def follow(self, status: Status) -> None:
        """Where counters come from; before this a scrape has only the histograms."""
        self._collector.status = status

    def put(self, event: FrameEvent) -> None:
        scored = event.outcome is Outcome.SCORED
        if scored and not self._closed:
            with contextlib.suppress(Exception):  # a metric must not stop a camera
                if event.latency_ms is not None:
                    self._latency.labels(event.camera).observe(event.latency_ms / 1e3)
                if event.verdict is not None and event.verdict.score is not None:
                    self._scores.labels(event.camera).observe(event.verdict.score)
        kind = "missed" if self._closed else "delivered" if scored else "ignored"
        with self._lock:
            self._stats = replace(
                self._stats, offered=self._stats.offered + 1, **{kind: getattr(self._stats, kind) + 1}
            )

    def stats(self) -> SinkStats:
        with self._lock:
            return self._stats

    def close(self, timeout_s: float) -> SinkStats:
        if not self._closed:
            self._closed = True
            self._server.shutdown()
            self._server.server_close()
            self._thread.join(timeout_s)
        return self.stats()

    def describe(self) -> dict[str, Any]:
        return {"name": self._name, "type": "prometheus", "url": f"http://{self.address}/metrics"}


def _note_failure(request: object, address: object) -> None:
    """Mostly a client that went away: no fault of ours, and no trace on the console."""
    log.debug("a request for the metrics failed", exc_info=True)


class _StatusCollector:
    """Turns one snapshot per scrape into metric families."""

    status: Status | None = None

    def describe(self) -> Iterable[Any]:
        """Nothing known before the first scrape; this also keeps registering from taking a snapshot."""
        return ()

    def collect(self) -> Iterator[Any]:
        if self.status is not None:
            yield from status_families(self.status())
