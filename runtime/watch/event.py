"""What the watch loop hands to its sinks: one event per captured frame, whatever became of it, and one whenever a
camera begins or ceases to give verdicts.

``captured = scored + skipped + failed`` is counted in the outcomes of frames, so a frame's event has exactly one of
them. The events of a camera's presence are of no frame and are not counted.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..gate.verdict import Verdict
from ..settings.credentials import masked


class Outcome(str, Enum):
    """``skipped``: a newer frame took its place before it was scored."""

    SCORED = "scored"
    SKIPPED = "skipped"
    FAILED = "failed"


class Presence(str, Enum):
    """Whether a camera gives verdicts; ``roll_call.py`` decides it.

    ``starting``: the watch begins, nothing is scored yet. ``lost``: nothing is scored any more, whatever the reason.
    ``returned``: scored again. ``ended``: the file is over, or the watch ends.
    """

    STARTING = "starting"
    LOST = "lost"
    RETURNED = "returned"
    ENDED = "ended"


@dataclass(frozen=True, eq=False)
class FrameEvent:
    """One captured frame, or a change of a camera's presence.

    Attributes:
        camera: its name in the configuration.
        index: of the frame among all captured from that camera, from 0, across reconnects; ``None`` where the event is
            of no frame.
        captured_at: wall clock, seconds since the epoch; where the event is of no frame, when it happened.
        outcome: what became of the frame, or of the camera.
        verdict: of the gate, where the frame was scored; with every presence too (``unknown`` unless ``returned``), so
            that a camera's last verdict is always its state.
        frame: uint8 [H, W, 3] BGR; ``None`` unless it was scored.
        depth: uint8 [h, w], 255 nearest; ``None`` unless it was scored. ``depth_age`` frames old where depth is
            refreshed every K frames.
        latency_ms: from capture to verdict.
        error: one line, where the frame failed or the camera was lost.
        source_state: of the connection (``CameraState``), with a presence.
        away_s: with a presence, seconds since the last scored frame before it; where there was none, ``None``, but with
            ``returned`` since the start.
    """

    camera: str
    index: int | None
    captured_at: float
    outcome: Outcome | Presence
    verdict: Verdict | None = None
    frame: NDArray[np.uint8] | None = None
    depth: NDArray[np.uint8] | None = None
    depth_age: int = 0
    latency_ms: float | None = None
    error: str | None = None
    source_state: str | None = None
    away_s: float | None = None

    @property
    def tells_state(self) -> bool:
        """Whether whoever keeps a camera's state must take note: it changed, settled, or is nobody's to tell now."""
        if isinstance(self.outcome, Presence):
            return True
        return self.verdict is not None and (self.verdict.changed or self.verdict.announced)

    @property
    def announced(self) -> bool:
        """Whether people are to be told: a change of presence, or a state and reason that have settled."""
        return isinstance(self.outcome, Presence) or (self.verdict is not None and self.verdict.announced)

    def __post_init__(self) -> None:
        object.__setattr__(self, "error", self.error and masked(self.error))


@dataclass(frozen=True)
class SinkStats:
    """Every event that ``put`` accepted or refused is in exactly one of these, once the queue is empty."""

    offered: int
    delivered: int
    ignored: int
    missed: int
    failed: int
    last_error: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "last_error", self.last_error and masked(self.last_error))


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
