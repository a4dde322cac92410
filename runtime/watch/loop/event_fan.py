"""Every event to every sink, from any thread, one event at a time."""

import logging
import threading
from collections.abc import Iterable

from ..event import FrameEvent
from ..sinks.protocol import Sink

log = logging.getLogger("dgiqa_edge.watch")


class EventFan:
    """Gives each event to all sinks, from any thread, one event at a time. Sinks never wait, so neither does this."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self._lock = threading.Lock()
        self._sinks = list(sinks)
        self._broken: set[str] = set()

    def add(self, sink: Sink) -> None:
        """One more sink."""
        with self._lock:
            self._sinks.append(sink)

    def publish(self, event: FrameEvent) -> None:
        """Hand it to every sink; one that breaks its promise and raises is logged once and does not stop the rest."""
        with self._lock:
            for sink in self._sinks:
                try:
                    sink.put(event)
                except Exception:
                    if sink.name not in self._broken:
                        self._broken.add(sink.name)
                        log.exception("sink %s raised on an event", sink.name)
