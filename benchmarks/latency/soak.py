"""A soak: one bundle scored without pause for minutes or hours, and what crept up, heated up or throttled meanwhile."""

from dataclasses import dataclass

import numpy as np

from ..telemetry.reading import Channel, Quantity, Reading, Telemetry
from ..telemetry.summary import series
from .drift import ClockDrop, Drift, find_clock_drops, find_drift
from .latency import LatencyPlan, LatencyRun, Progress, measure_in_turn
from .samples import FrameServer, LatencySamples

_DRIFTING = (Quantity.TEMPERATURE, Quantity.POWER, Quantity.MEMORY)


@dataclass(frozen=True, eq=False)
class SoakFindings:
    """What the series say.

    Attributes:
        latency: drift of the latency; ``relative``: of the latency over the yardstick, the machine's own changes out.
        channels: adapter and channel -> drift of temperatures, power and memory.
        clock_drops: channel -> stretches of a throttled clock.
    """

    latency: Drift
    relative: Drift
    channels: dict[str, Drift]
    clock_drops: dict[str, list[ClockDrop]]


def soak(server: FrameServer, minutes: float, block_s: float, progress: Progress | None = None) -> LatencyRun:
    """Score for so many minutes; the yardstick is read after every block."""
    plan = LatencyPlan(duration_s=minutes * 60.0, min_queries=1, block_s=block_s)
    return measure_in_turn([server], plan, progress)[0]


def findings(samples: LatencySamples, telemetry: Telemetry, started: float) -> SoakFindings:
    """Search every series of the soak for drift and throttling; ``started`` as in ``LatencyRun``."""
    channels: dict[str, Drift] = {}
    drops: dict[str, list[ClockDrop]] = {}
    for trace in telemetry.traces:
        readings = [reading for reading in trace.readings if reading.at_s >= started]
        for channel in trace.channels:
            times, values = series(readings, channel)
            name = f"{trace.adapter}: {channel}"
            if channel.quantity in _DRIFTING and len(values):
                channels[name] = find_drift(times - started, values)
            if channel.quantity is Quantity.CLOCK and len(values):
                found = find_clock_drops(times - started, values, _load_beside(readings, channel, times))
                if found:
                    drops[name] = found
    return SoakFindings(
        latency=find_drift(samples.start_s, samples.latency_ms),
        relative=find_drift(*_relative(samples)),
        channels=channels,
        clock_drops=drops,
    )


def _relative(samples: LatencySamples) -> tuple[np.ndarray, np.ndarray]:
    """Per block: its start, and its median latency over the yardstick read at its end."""
    blocks = range(len(samples.yardstick_ms))
    starts = np.array([samples.start_s[samples.block == number][0] for number in blocks])
    medians = np.array([np.median(block) for block in samples.blocks])
    return starts, medians / samples.yardstick_ms


def _load_beside(readings: list[Reading], clock: Channel, times: np.ndarray) -> np.ndarray | None:
    """Load of the same unit at the clock's times; ``None`` where the device does not report it."""
    load_times, loads = series(readings, Channel(Quantity.LOAD, clock.name))
    if not len(loads):
        return None
    return np.interp(times, load_times, loads)
