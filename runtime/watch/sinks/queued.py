"""A sink with a bounded queue and a thread of its own, so that a slow or dead destination never stalls the caller.

What the destination is stands in a ``Target``; this module knows only queueing, retrying and exact counting. A camera's
newest state that could not be delivered stays owed: it is offered again until it arrives or a newer one does, so that
no consumer goes on with an older state once it can be reached.
"""

import dataclasses
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from ...backoff import Backoff, BackoffPolicy
from ...errors import DgiqaEdgeError, SinkError
from ...ground.error_text import one_line
from ...settings.credentials import masked
from ...settings.section import Section
from ..event import FrameEvent
from ..status import SinkStats

_LOG = logging.getLogger(__name__)
_LONGEST_MESSAGE = 300
_CLOSE_GRACE_S = 3.0  # for the target's own close: a muxer that finishes its file
_ABORT_GRACE_S = 1.0
_OWED_PAUSE_S = 1.0  # at least, before a state that is owed is offered again


class RefusedError(SinkError):
    """The destination will not take this event, however often it is offered."""


class _Entry(NamedTuple):
    """An item that waits; ``camera`` whose state it tells, or None. ``again``: it was counted as missed or failed."""

    item: Any
    camera: str | None
    again: bool = False


class Target(Protocol):
    """One destination. Only the sink's thread calls it, but for ``select`` (any thread) and ``abort``."""

    def select(self, event: FrameEvent) -> Any | None:
        """What of the event to queue; ``None`` ignores it. Quick: it runs in the caller of ``put``, one at a time."""
        ...

    def deliver(self, item: Any) -> None:
        """Hand one item over, or raise.

        Raises:
            RefusedError: this item cannot be delivered; it counts as failed and is not tried again.
            DgiqaEdgeError, OSError: not now; it is tried again after a pause, as often as the policy allows.
        """
        ...

    def close(self) -> None:
        """Free everything; called once, also after failures. Does nothing where nothing is kept open."""
        return

    def abort(self) -> None:
        """Called by the closing thread while ``deliver`` or ``close`` hang past their time: make them return.

        Does nothing where nothing can be woken (a hanging disk), or all that waits ends by a time-out of its own.
        """
        return

    def describe(self) -> dict[str, Any]:
        """JSON-ready facts; no credentials."""
        ...


@dataclass(frozen=True)
class QueuePolicy:
    """How a sink treats pressure and failure.

    Attributes:
        size: items that wait at most; one more is in delivery.
        when_full: which one is dropped and counted as missed: the ``oldest`` waiting, or the ``newest``.
        attempts: deliveries of one item before it counts as failed.
        backoff: pauses after failures in a row, whichever items they belong to.
    """

    size: int = 256
    when_full: str = "newest"
    attempts: int = 1
    backoff: BackoffPolicy = field(default_factory=lambda: BackoffPolicy(first_s=0.2, longest_s=10.0))


class QueuedSink:
    """Implements ``Sink`` over a ``Target``.

    After ``close``, ``offered = delivered + ignored + missed + failed``; before it the difference is what waits or is
    in delivery. An owed state that arrives in the end counts as offered and delivered once more.

    Args:
        name: as the configuration calls it.
        target: freed by ``close``.
        policy: queue length, what to drop, retries.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        target: Target,
        policy: QueuePolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._target = target
        self._policy = policy or QueuePolicy()
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: deque[_Entry] = deque()
        self._owed: dict[str, _Entry] = {}
        self._in_delivery = False
        self._stats = SinkStats(offered=0, delivered=0, ignored=0, missed=0, failed=0)
        self._deadline: float | None = None  # set by close
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"sink-{name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        return self._name

    def put(self, event: FrameEvent) -> None:
        with self._changed:
            if self._deadline is not None:
                self._count(missed=1, offered=1)
                return
            try:
                item = self._target.select(event)
            except Exception as error:
                self._count(failed=1, offered=1, last_error=_recorded(error))
                return
            if item is None:
                self._count(ignored=1, offered=1)
                return
            self._count(offered=1)
            entry = _Entry(item, event.camera if event.tells_state else None)
            if entry.camera is not None:
                self._owed.pop(entry.camera, None)
            if len(self._waiting) >= self._policy.size:
                self._count(missed=1)
                if self._policy.when_full == "newest":
                    if entry.camera is not None:
                        self._owed[entry.camera] = entry._replace(again=True)
                    return
                oldest = self._waiting.popleft()
                self._waiting.append(entry)
                self._owe(oldest)
            else:
                self._waiting.append(entry)
            self._changed.notify_all()

    def stats(self) -> SinkStats:
        with self._changed:
            return self._stats

    def close(self, timeout_s: float) -> SinkStats:
        with self._changed:
            if self._deadline is None:
                self._deadline = self._clock() + timeout_s
            self._changed.notify_all()
        self._thread.join(max(0.0, timeout_s) + _CLOSE_GRACE_S)
        if self._thread.is_alive():
            self._target.abort()
            self._thread.join(_ABORT_GRACE_S)
        with self._changed:
            if not self._closed:  # the target hangs still: what it holds counts as missed, whatever becomes of it
                self._settle_rest()
            return self._stats

    def describe(self) -> dict[str, Any]:
        return {"name": self._name, "queue": self._policy.size, **self._target.describe()}

    def _work(self) -> None:
        backoff = Backoff(self._policy.backoff, random.Random())
        pause_s = 0.0
        try:
            while (entry := self._take()) is not None:
                pause_s = self._deliver(entry, backoff, pause_s)
        finally:
            try:
                self._target.close()
            except Exception as error:
                _LOG.warning("sink %s: closing failed: %s", self._name, _recorded(error))
            with self._changed:
                if not self._closed:
                    self._settle_rest()

    def _take(self) -> _Entry | None:
        """The next entry, an owed one only where no other waits; ``None`` once closing and there is nothing left, or no
        time.
        """
        with self._changed:
            while not (self._waiting or self._owed) and self._deadline is None:
                self._changed.wait()
            if self._is_late() or not (self._waiting or self._deadline is None):
                return None
            entry = self._waiting.popleft() if self._waiting else self._owed.pop(next(iter(self._owed)))
            self._in_delivery = not entry.again
            return entry

    def _deliver(self, entry: _Entry, backoff: Backoff, pause_s: float) -> float:
        """Try one entry; returns the pause to make before the next attempt, of whichever entry."""
        error: Exception | None = None
        if entry.again:
            pause_s = max(pause_s, _OWED_PAUSE_S)
        for _ in range(1 if entry.again else self._policy.attempts):
            if not self._pause(pause_s):
                self._settle(entry, missed=1, last_error=None if error is None else _recorded(error))
                return 0.0
            try:
                self._target.deliver(entry.item)
            except RefusedError as refused:
                backoff.reset()  # the destination answers
                self._settle(entry, failed=1, last_error=_recorded(refused))
                return 0.0
            except Exception as failure:
                error = failure
                pause_s = backoff.next_s()
                self._note(failure, pause_s)
            else:
                backoff.reset()
                self._settle(entry, delivered=1)
                return 0.0
        assert error is not None
        self._settle(entry, failed=1, last_error=_recorded(error))
        with self._changed:
            self._owe(entry)
        return pause_s

    def _owe(self, entry: _Entry) -> None:
        """Keep a state that did not arrive, unless a newer one of the same camera is on its way."""
        newer = entry.camera in self._owed or any(other.camera == entry.camera for other in self._waiting)
        if entry.camera is not None and not newer:
            self._owed[entry.camera] = entry._replace(again=True)

    def _pause(self, seconds: float) -> bool:
        """Wait; False when closing leaves no time for it. Closing cuts a pause short only at its deadline."""
        until = self._clock() + seconds
        with self._changed:
            while (left := until - self._clock()) > 0:
                if self._deadline is not None and self._deadline < until:
                    return False
                self._changed.wait(left)
            return not self._is_late()

    def _is_late(self) -> bool:
        return self._deadline is not None and self._clock() >= self._deadline

    def _note(self, failure: Exception, pause_s: float) -> None:
        text = _recorded(failure)
        with self._changed:
            if self._closed:
                return
            repeated = text == self._stats.last_error
            self._count(last_error=text)
        if not repeated:
            _LOG.warning("sink %s: %s; next attempt in %.1f s", self._name, text, pause_s)

    def _settle(self, entry: _Entry, delivered: int = 0, last_error: str | None = None, **counts: int) -> None:
        with self._changed:
            if self._closed:
                return
            self._in_delivery = False
            if not entry.again:
                self._count(delivered=delivered, last_error=last_error, **counts)
            elif delivered:
                self._count(offered=1, delivered=1)
            else:
                self._count(last_error=last_error)

    def _settle_rest(self) -> None:
        self._count(missed=len(self._waiting) + self._in_delivery)
        self._waiting.clear()
        self._in_delivery = False
        self._closed = True

    def _count(self, last_error: str | None = None, **counts: int) -> None:
        grown: dict[str, Any] = {name: getattr(self._stats, name) + by for name, by in counts.items()}
        if last_error is not None:
            grown["last_error"] = last_error
        self._stats = replace(self._stats, **grown)


def queue_options(options: Section, default: QueuePolicy, with_attempts: bool = False) -> QueuePolicy:
    """The sink's default policy with what the settings say about it."""
    attempts = options.integer("attempts", default.attempts, low=1, high=100) if with_attempts else default.attempts
    return dataclasses.replace(
        default,
        size=options.integer("queue", default.size, low=1, high=100_000),
        when_full=options.choice("when_full", default.when_full, ("oldest", "newest")),
        attempts=attempts,
    )


def _recorded(error: Exception) -> str:
    text = one_line(error)
    if not isinstance(error, DgiqaEdgeError):
        text = f"{type(error).__name__}: {text}"
    return masked(text)[:_LONGEST_MESSAGE]
