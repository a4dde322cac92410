"""What every sink offers: it takes events and never blocks."""

from typing import Any, Protocol, runtime_checkable

from ..event import FrameEvent
from ..status import RunningBundle, SinkStats


class Sink(Protocol):
    """Takes events without ever blocking the caller."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        ...

    def put(self, event: FrameEvent) -> None:
        """Queue one event; a full queue counts it as missed. Never raises, never waits."""
        ...

    def stats(self) -> SinkStats:
        """A consistent snapshot."""
        ...

    def close(self, timeout_s: float) -> SinkStats:
        """Deliver what is queued within ``timeout_s``, count the rest as missed, free everything."""
        ...

    def describe(self) -> dict[str, Any]:
        """JSON-ready facts; no credentials."""
        ...


@runtime_checkable
class FollowsBundle(Protocol):
    """A sink that also tells which bundle runs."""

    def follow_bundle(self, running: RunningBundle) -> None:
        """At the start, and with each change. Never raises, never waits."""
        ...
