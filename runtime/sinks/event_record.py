"""A frame event as JSON, without its pictures: the one record that files, webhooks, brokers and the dashboard share.

Its schema is ``schemas/frame_event.schema.json``.
"""

import dataclasses
import math
from datetime import datetime, timezone
from typing import Any

from ..gate.verdict import Verdict
from ..ground.names import json_text
from ..watch.event import FrameEvent

SCHEMA_VERSION = 2


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
    record = {item.name: getattr(verdict, item.name) for item in dataclasses.fields(verdict)}
    record["state"] = verdict.state.value
    return {name: _finite(value) if isinstance(value, float) else value for name, value in record.items()}


def record_text(event: FrameEvent) -> str:
    """The record in one line of ASCII, without a line end."""
    return json_text(event_record(event), separators=(",", ":"), allow_nan=False)


def utc_text(epoch_s: float) -> str:
    """Seconds since the epoch as ``2026-01-31T12:00:00.123Z``."""
    moment = datetime.fromtimestamp(epoch_s, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
