"""The newest message alone, between the thread that receives and the one that scores; every other one is counted."""

import threading
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Counts:
    """``received`` is always ``passed + held + skipped``, but for the one message that is being judged or waits.

    Attributes:
        passed: sent on.
        held: judged, and not sent on.
        skipped: a newer one took its place, or the node ended.
    """

    received: int = 0
    passed: int = 0
    held: int = 0
    skipped: int = 0


class Newest:
    """A slot for one message; ``put`` never waits."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._message: Any = None
        self._counts = Counts()
        self._closed = False

    def put(self, message: Any) -> None:
        """Take the place of the one that waits."""
        with self._changed:
            late = self._closed or self._message is not None
            self._count(received=1, skipped=int(late))
            if not self._closed:
                self._message = message
                self._changed.notify_all()

    def take(self, timeout_s: float) -> Any:
        """The message that waits, or the next one; ``None`` after ``timeout_s`` or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._message is not None, timeout_s)
            message, self._message = self._message, None
            return message

    def settle(self, passed: bool) -> None:
        """What became of the message that was taken last."""
        with self._changed:
            self._count(passed=int(passed), held=int(not passed))

    def counts(self) -> Counts:
        """Of one moment."""
        with self._changed:
            return self._counts

    def close(self) -> None:
        """What waits still is skipped, and whatever comes."""
        with self._changed:
            self._closed = True
            self._count(skipped=int(self._message is not None))
            self._message = None
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    def _count(self, **by: int) -> None:
        self._counts = replace(self._counts, **{name: getattr(self._counts, name) + more for name, more in by.items()})
