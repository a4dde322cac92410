"""What the watch loop hands to its sinks: one event per captured frame, whatever became of it, and one whenever a
camera begins or ceases to give verdicts.

``captured = scored + skipped + failed`` is counted in the outcomes of frames, so a frame's event has exactly one of
them. The events of a camera's presence are of no frame and are not counted.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gate.verdict import Verdict
from ..ground.framing import Box
from ..ground.names import json_text
from ..settings.credentials import masked

SCHEMA_VERSION = 3


class Outcome(str, Enum):
    """``skipped``: a newer frame took its place before it was scored."""

    SCORED = "scored"
    SKIPPED = "skipped"
    FAILED = "failed"


class Presence(str, Enum):
    """Whether a camera gives verdicts; ``watch/loop/roll_call.py`` decides it.

    ``starting``: the watch begins, or another bundle takes over, nothing is scored yet. ``lost``: nothing is scored any
    more, whatever the reason. ``returned``: scored again. ``ended``: the file is over, or the watch ends.
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
        depth: of the picture alone, uint8 [h, w], 255 nearest; ``None`` unless it was scored. ``depth_age`` frames
            old where depth is refreshed every K frames.
        frame_box: the part of the frame that ``depth`` shows; ``None``: all of it.
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
    frame_box: Box | None = None
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


def event_record(event: FrameEvent) -> dict[str, Any]:
    """JSON-ready; numbers that JSON cannot hold (NaN, infinity) become null."""
    return {
        "schema_version": SCHEMA_VERSION,
        "camera": event.camera,
        "index": event.index,
        "captured_at": event.captured_at,
        "time": utc_text(event.captured_at),
        "outcome": event.outcome.value,
        "verdict": None if event.verdict is None else verdict_record(event.verdict),
        "latency_ms": _finite(event.latency_ms),
        "frame_size": None if event.frame is None else [int(event.frame.shape[1]), int(event.frame.shape[0])],
        "depth_age": event.depth_age if event.depth is not None else None,
        "error": event.error,
        "source_state": event.source_state,
        "away_s": _finite(event.away_s),
    }


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """The verdict's fields by their names."""
    return _finite_record(verdict.to_dict())


def record_text(event: FrameEvent) -> str:
    """The record in one line of ASCII, without a line end."""
    return json_text(event_record(event), separators=(",", ":"), allow_nan=False)


def utc_text(epoch_s: float) -> str:
    """Seconds since the epoch as ``2026-01-31T12:00:00.123Z``."""
    moment = datetime.fromtimestamp(epoch_s, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _finite_record(record: dict[str, Any]) -> dict[str, Any]:
    shown = {name: _finite(value) if isinstance(value, float) else value for name, value in record.items()}
    return {name: _finite_record(value) if isinstance(value, dict) else value for name, value in shown.items()}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
