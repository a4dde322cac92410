"""Figures of a telemetry trace over a measurement: mean and peak power, energy per frame, temperatures, throttling.

Pure functions: readings in, figures or reasons out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .reading import Channel, PowerScope, Quantity, Reading, Telemetry, Trace

FEWEST_READINGS = 2


@dataclass(frozen=True)
class ChannelFigures:
    """One sensor over the measurement, in the channel's unit."""

    mean: float
    low: float
    high: float
    readings: int


@dataclass(frozen=True)
class PowerFigures:
    """Total power: mean weighted by time, highest reading, energy between the first and the last reading.

    ``j_per_frame`` is mean power times the whole measurement's duration over its frames: decoding, pauses between
    queries and the device's idle power are in it, as they are on the battery's bill.
    """

    covers: str
    rails: tuple[str, ...]
    adapter: str
    mean_w: float
    peak_w: float
    energy_j: float
    j_per_frame: float | None


@dataclass(frozen=True)
class TelemetrySummary:
    """``channels``: adapter -> channel -> figures. ``not_measured``: quantity -> reason."""

    channels: Mapping[str, Mapping[str, ChannelFigures]]
    power: PowerFigures | None
    throttled: tuple[str, ...]
    not_measured: Mapping[str, str]


def summarize(telemetry: Telemetry, started: float, ended: float, frames: int | None) -> TelemetrySummary:
    """Figures of the readings between two moments of ``time.perf_counter``."""
    windows = {trace.adapter: _within(trace.readings, started, ended) for trace in telemetry.traces}
    powers = [
        found for trace in telemetry.traces if (found := _power(trace, windows[trace.adapter], frames, ended - started))
    ]
    channels = {
        trace.adapter: {str(channel): _figures(windows[trace.adapter], channel) for channel in trace.channels}
        for trace in telemetry.traces
        if windows[trace.adapter]
    }
    return TelemetrySummary(
        channels=channels,
        power=powers[0] if powers else None,
        throttled=tuple(line for trace in telemetry.traces for line in throttling(windows[trace.adapter])),
        not_measured=_not_measured(telemetry, windows, bool(powers)),
    )


def series(readings: Sequence[Reading], channel: Channel) -> tuple[np.ndarray, np.ndarray]:
    """Times (``perf_counter`` seconds) and values of one channel."""
    pairs = [(reading.at_s, reading.values[channel]) for reading in readings if channel in reading.values]
    return np.array([at for at, _ in pairs]), np.array([value for _, value in pairs])


def total_power(readings: Sequence[Reading], scope: PowerScope) -> tuple[np.ndarray, np.ndarray]:
    """Times and watts of the total, from those readings that hold every rail of it."""
    channels = [Channel(Quantity.POWER, rail) for rail in scope.rails]
    whole = [reading for reading in readings if all(channel in reading.values for channel in channels)]
    return (
        np.array([reading.at_s for reading in whole]),
        np.array([sum(reading.values[channel] for channel in channels) for reading in whole]),
    )


def throttling(readings: Sequence[Reading]) -> list[str]:
    """Counters that rose and states that were on, in words."""
    found = []
    channels = sorted({channel for reading in readings for channel in reading.values})
    for channel in channels:
        _, values = series(readings, channel)
        if channel.quantity is Quantity.THROTTLE_EVENTS and values[-1] > values[0]:
            found.append(f"{channel.name}: {values[-1] - values[0]:.0f} events")
        elif channel.quantity is Quantity.THROTTLE_STATE and values.max() > 0:
            found.append(f"{channel.name}: on in {np.mean(values > 0):.0%} of the readings")
    return found


def _within(readings: Sequence[Reading], started: float, ended: float) -> list[Reading]:
    return [reading for reading in readings if started <= reading.at_s <= ended]


def _figures(readings: Sequence[Reading], channel: Channel) -> ChannelFigures:
    _, values = series(readings, channel)
    if not len(values):
        return ChannelFigures(float("nan"), float("nan"), float("nan"), 0)
    return ChannelFigures(float(values.mean()), float(values.min()), float(values.max()), len(values))


def _power(trace: Trace, readings: Sequence[Reading], frames: int | None, wall_s: float) -> PowerFigures | None:
    if trace.power_scope is None:
        return None
    times, watts = total_power(readings, trace.power_scope)
    if len(times) < FEWEST_READINGS:
        return None
    joules = float(np.sum((watts[1:] + watts[:-1]) / 2.0 * np.diff(times)))
    seconds = float(times[-1] - times[0])
    mean_w = joules / seconds
    return PowerFigures(
        covers=trace.power_scope.covers,
        rails=trace.power_scope.rails,
        adapter=trace.adapter,
        mean_w=mean_w,
        peak_w=float(watts.max()),
        energy_j=joules,
        j_per_frame=mean_w * wall_s / frames if frames else None,
    )


def _not_measured(telemetry: Telemetry, windows: Mapping[str, Sequence[Reading]], has_power: bool) -> dict[str, str]:
    present = {channel.quantity for readings in windows.values() for reading in readings for channel in reading.values}
    missing = {
        quantity.value: "no adapter that works on this machine has a sensor for it"
        for quantity in Quantity
        if quantity not in present
    }
    if not has_power and Quantity.POWER in present:
        missing["power total"] = "the rails that were read are no documented total of this module"
    return missing
