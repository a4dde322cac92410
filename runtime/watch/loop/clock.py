"""Time as the watch loop sees it, so that tests can make it pass."""

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds for intervals, seconds since the epoch for records, and waiting."""

    def monotonic(self) -> float: ...

    def wall(self) -> float: ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait for the event, at most so long; whether it is set."""
        ...


class SystemClock:
    """The machine's own."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)
