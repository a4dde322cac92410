"""What the watch loop hands to its sinks: one event per captured frame, whatever became of it.

``captured = scored + skipped + failed`` is counted in these outcomes, so an event has exactly one of them.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .verdict import Verdict


class Outcome(str, Enum):
    """``skipped``: a newer frame took its place before it was scored."""

    SCORED = "scored"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, eq=False)
class FrameEvent:
    """One captured frame.

    Attributes:
        camera: its name in the configuration.
        index: of the frame among all captured from that camera, from 0, across reconnects.
        captured_at: wall clock, seconds since the epoch.
        outcome: what became of it.
        verdict: of the gate, where it was scored.
        frame: uint8 [H, W, 3] BGR; ``None`` unless it was scored.
        depth: uint8 [h, w], 255 nearest; ``None`` unless it was scored. ``depth_age`` frames old where depth is
            refreshed every K frames.
        latency_ms: from capture to verdict.
        error: one line, where the frame failed.
    """

    camera: str
    index: int
    captured_at: float
    outcome: Outcome
    verdict: Verdict | None = None
    frame: NDArray[np.uint8] | None = None
    depth: NDArray[np.uint8] | None = None
    depth_age: int = 0
    latency_ms: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class SinkStats:
    """Every event that ``put`` accepted or refused is in exactly one of these, once the queue is empty."""

    offered: int
    delivered: int
    ignored: int
    missed: int
    failed: int
    last_error: str | None = None


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
