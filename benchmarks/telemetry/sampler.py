"""A thread that asks every adapter in turn, at a fixed interval, while something else is measured."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType

from dgiqa_edge.runtime.ground.error_text import one_line

from .reading import Adapter, Reading, Telemetry, Trace

DEFAULT_INTERVAL_S = 0.5
_JOIN_S = 5.0


class Sampler:
    """Collects readings between ``start`` and ``stop``, or in a ``with`` block.

    An adapter that fails once is asked again at the next tick; the failures are counted. The thread sleeps between
    ticks and costs the measurement well under a percent of one core.
    """

    def __init__(self, adapters: Sequence[Adapter], interval_s: float = DEFAULT_INTERVAL_S) -> None:
        if interval_s <= 0:
            raise ValueError(f"the sampling interval must be positive, not {interval_s}")
        self._adapters = list(adapters)
        self._interval_s = interval_s
        self._working: list[Adapter] = []
        self._unavailable: dict[str, str] = {}
        self._readings: dict[str, list[Reading]] = {}
        self._failed: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Open the adapters and begin; an adapter that cannot work here is remembered with its reason."""
        for adapter in self._adapters:
            reason = adapter.open()
            if reason is None:
                self._working.append(adapter)
                self._readings[adapter.name] = []
                self._failed[adapter.name] = 0
            else:
                self._unavailable[adapter.name] = reason
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def stop(self) -> Telemetry:
        """End the thread, close the adapters, return what was read."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        traces = []
        for adapter in self._working:
            traces.append(self._trace(adapter))
            adapter.close()
        self._working = []
        return Telemetry(tuple(traces), dict(self._unavailable), self._interval_s)

    def __enter__(self) -> "Sampler":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
        for adapter in self._working:
            adapter.close()

    def _trace(self, adapter: Adapter) -> Trace:
        readings = tuple(self._readings[adapter.name])
        rails = frozenset(
            channel.name for reading in readings for channel in reading.values if channel.quantity.value == "power_w"
        )
        notes = list(adapter.notes())
        if adapter.name in self._errors:
            notes.append(f"{self._failed[adapter.name]} reads failed, the last with: {self._errors[adapter.name]}")
        return Trace(
            adapter=adapter.name,
            readings=readings,
            power_scope=adapter.power_scope(rails) if rails else None,
            failed_reads=self._failed[adapter.name],
            notes=tuple(notes),
        )

    def _run(self) -> None:
        due = time.perf_counter()
        while not self._stop.is_set():
            for adapter in self._working:
                self._ask(adapter)
            due += self._interval_s
            now = time.perf_counter()
            if due < now:  # a slow sensor: do not try to catch up
                due = now
            self._stop.wait(due - now)

    def _ask(self, adapter: Adapter) -> None:
        try:
            values = dict(adapter.read())
        except Exception as error:  # a sensor must never end the measurement
            self._failed[adapter.name] += 1
            self._errors[adapter.name] = one_line(f"{type(error).__name__}: {error}")
            return
        if values:
            self._readings[adapter.name].append(Reading(time.perf_counter(), values))
