"""What a comparison needs from a report: latencies by block, power by window, score errors by photo."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..report.accuracy import scored_photos
from ..report.series import decode

POWER_WINDOW_S = 5.0


@dataclass(frozen=True, eq=False)
class LatencyBlocks:
    """Latencies (ms) of each block and the yardstick read after it; ``yardstick`` is ``None`` where it was not."""

    blocks: list[np.ndarray]
    yardstick_ms: np.ndarray | None

    def relative(self) -> list[np.ndarray] | None:
        """The same blocks in units of the yardstick."""
        if self.yardstick_ms is None:
            return None
        return [block / stick for block, stick in zip(self.blocks, self.yardstick_ms, strict=True)]


def latency_blocks(report: Mapping[str, Any]) -> LatencyBlocks | None:
    """Blocks of the latency section, empty ones left out; ``None`` without a latency section."""
    if report["latency"] is None:
        return None
    samples = report["latency"]["samples"]
    latencies, number = decode(samples["latency_ms"]), decode(samples["block"]).astype(int)
    yardstick = decode(samples["yardstick_ms"])
    filled = [index for index in range(len(yardstick)) if (number == index).any()]
    sticks = yardstick[filled]
    return LatencyBlocks(
        [latencies[number == index] for index in filled], sticks if np.isfinite(sticks).all() else None
    )


def power_windows(report: Mapping[str, Any]) -> list[np.ndarray] | None:
    """Total power (W) in windows of five seconds; ``None`` where no total was measured."""
    telemetry = report["telemetry"]
    if telemetry is None or telemetry["power"] is None:
        return None
    power = telemetry["power"]
    adapter = next(entry for entry in telemetry["adapters"] if entry["name"] == power["adapter"])
    pairs = [adapter["series"].get(f"power_w.{rail}") for rail in power["rails"]]
    if not pairs or any(pair is None for pair in pairs):
        return None
    values = [decode(pair["value"]) for pair in pairs if pair]
    if len({len(value) for value in values}) != 1:
        return None  # a rail was missed once: the total of a moment is not known
    times, watts = decode(pairs[0]["time_s"]), np.sum(values, axis=0)  # type: ignore[index]
    inside = (times >= 0.0) & (times <= report["latency"]["duration_s"])
    window = ((times - times.min()) // POWER_WINDOW_S).astype(int)
    return [watts[inside & (window == index)] for index in np.unique(window[inside])]


def score_errors(report: Mapping[str, Any]) -> tuple[np.ndarray, list[str] | None] | None:
    """Absolute score differences to FP32 by photo, and the photos' hashes where they are known."""
    fidelity = report["fidelity"]
    if fidelity is None or not fidelity["per_image"]:
        return None
    rows = fidelity["per_image"]
    return np.array([abs(row["candidate"] - row["reference"]) for row in rows]), fidelity["photos"]


def rated_scores(report: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray] | None:
    """Scores and human scores of the accuracy section's photos, in the order of their table."""
    if report["accuracy"] is None:
        return None
    scores, human, _ = scored_photos(report["accuracy"])
    return (scores, human) if len(scores) else None
