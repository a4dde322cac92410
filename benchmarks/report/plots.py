"""The plots of a report, drawn from the JSON document alone. ``None`` where the document holds nothing to draw."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dgiqa_edge.runtime.ground.pages.svg import WIDTH, Drawing, Plot, scale

from ..latency.drift import window_medians
from .accuracy import scored_photos
from .series import decode

Section = Mapping[str, Any]

MOST_DOTS = 4000
CDF_POINTS = 500
_COLOURS = ("blue", "orange", "green", "violet", "rose", "teal", "gold", "grey")


def latency_cdf(latency: Section) -> Drawing:
    """Share of queries that were at most as slow, with the percentiles that the queries support."""
    values = np.sort(decode(_query_series(latency)))
    share = np.arange(1, len(values) + 1) / len(values) * 100.0
    keep = np.unique(np.linspace(0, len(values) - 1, CDF_POINTS).round().astype(int))
    plot = Plot(
        scale(values, "latency, ms", from_zero=True), scale([0.0, 100.0], "queries, %", ticks=5), "Latency distribution"
    )
    plot.steps(values[keep], share[keep], "blue")
    known = [row for row in latency["percentiles"] if row["value_ms"] is not None]
    for row, entry in enumerate(reversed(known), start=1):  # at the foot, where the curve has no business
        plot.mark_x(entry["value_ms"], f"p{entry['percent']:g} {entry['value_ms']:.1f} ms", row)
    return plot


def latency_timeline(latency: Section) -> Drawing:
    """Every frame's latency over the measurement, and the median of each block."""
    samples = latency["samples"]
    starts, values = decode(samples["start_s"]), decode(samples["latency_ms"])
    blocks = decode(samples["block"])
    plot = Plot(scale([0.0, *starts], "time, s"), scale(values, "latency, ms", from_zero=True), "Latency over time")
    keep = np.unique(np.linspace(0, len(values) - 1, MOST_DOTS).round().astype(int))
    plot.dots(starts[keep], values[keep], "blue-soft", "each frame")
    numbers = np.unique(blocks)
    middles = np.array([np.mean(starts[blocks == number]) for number in numbers])
    medians = np.array([np.median(values[blocks == number]) for number in numbers])
    plot.line(middles, medians, "blue", "median of each block")
    yardstick = decode(samples["yardstick_ms"])
    if len(yardstick) == len(middles) and np.isfinite(yardstick).all():
        scaled = yardstick * float(np.median(values) / np.median(yardstick))
        plot.line(
            middles, scaled, "orange", "yardstick (a fixed piece of work), scaled to the same median", dashed=True
        )
    return plot


def stage_bars(latency: Section) -> Drawing:
    """One bar from the encoded frame to the result, cut into its stages by mean time."""
    rows = [row for row in latency["stages"] if row["mean_ms"] is not None]
    total = sum(row["mean_ms"] for row in rows)
    bar, x = Drawing("Time per stage", height=34), 0.0
    for row, colour in zip(rows, _COLOURS, strict=False):
        length = WIDTH * row["mean_ms"] / total if total else 0.0
        bar.add("rect", x=x, y=0, width=max(length, 0.4), height=bar.height, style=f"fill:var(--{colour})")
        bar.name(f"{row['name']} {row['mean_ms']:.2f} ms ({row['share_percent']:.1f} %)", colour, "dot")
        x += length
    return bar


def telemetry_plots(telemetry: Section) -> list[Drawing]:
    """One for each quantity that was read over time: power, temperature, clocks, load."""
    quantities = {
        "power_w": ("Power", "power, W"),
        "temperature_c": ("Temperature", "temperature, °C"),
        "clock_mhz": ("Clocks", "clock, MHz"),
        "load_percent": ("Load", "load, %"),
    }
    drawn = (_channels_plot(telemetry, quantity, *words) for quantity, words in quantities.items())
    return [plot for plot in drawn if plot]


def accuracy_scatter(accuracy: Section) -> Drawing | None:
    """Score against human opinion, one dot per photo."""
    scores, human, _ = scored_photos(accuracy)
    if not len(scores):
        return None
    plot = Plot(
        scale(human, "human score (as the data set gives it)"),
        scale([0.0, 1.0, *scores], "score of the bundle"),
        "Score against human opinion",
        height=330,
    )
    plot.dots(human, scores, "blue", size=4.0)
    return plot


def score_deltas(fidelity: Section) -> Drawing | None:
    """Histogram of score minus FP32 score over the photos of the build's check."""
    rows = fidelity.get("per_image")
    if not rows:
        return None
    deltas = np.array([row["candidate"] - row["reference"] for row in rows])
    reach = max(float(np.abs(deltas).max()), 1e-6)
    bins = int(np.clip(2 * round(len(deltas) ** 0.5) + 1, 5, 41))
    heights, edges = np.histogram(deltas, bins=bins, range=(-reach, reach))
    plot = Plot(
        scale([-reach, reach], "score minus FP32 score"),
        scale([0.0, 1.2 * float(heights.max())], "photos", from_zero=True, ticks=4, whole=True),
        "Score against FP32",
        height=250,
    )
    plot.columns(edges, heights.astype(float), "blue")
    plot.mark_x(0.0, f"mean error {np.abs(deltas).mean():.4f}")
    return plot


def soak_drift(latency: Section, soak: Section) -> Drawing:
    """Window medians of the latency in percent of the first, and the yardstick after each block likewise."""
    samples = latency["samples"]
    starts, values = decode(samples["start_s"]), decode(samples["latency_ms"])
    middles, medians = window_medians(starts, values)
    relative = medians / medians[0] * 100.0
    blocks, yardstick = decode(samples["block"]), decode(samples["yardstick_ms"])
    ends = np.array([starts[blocks == number][-1] for number in np.unique(blocks)])
    stick_at, sticks = window_medians(ends, yardstick) if len(ends) == len(yardstick) else (np.array([]), np.array([]))
    sticks = sticks / sticks[0] * 100.0 if len(sticks) else sticks
    plot = Plot(
        scale([0.0, *(middles / 60.0)], "time, min"),
        scale([95.0, 105.0, *relative, *sticks], "median, % of the first"),
        "Drift",
    )
    plot.line(middles / 60.0, relative, "blue", "latency")
    if len(sticks):
        plot.line(stick_at / 60.0, sticks, "orange", "yardstick", dashed=True)
    found = soak["latency"]["found"]
    words = {True: "drift found", False: "no drift found", None: "too short to tell"}[found]
    change = soak["latency"]["change_percent"]
    plot.mark_y(100.0, f"{words}: {change:+.1f} % over the soak" if change is not None else words)
    return plot


def _query_series(latency: Section) -> dict[str, Any]:
    samples = latency["samples"]
    return samples.get("query_ms") or samples["latency_ms"]


def _channels_plot(telemetry: Section, quantity: str, heading: str, label: str) -> Drawing | None:
    lines = []
    for adapter in telemetry["adapters"]:
        for name, pair in adapter["series"].items():
            if name.startswith(f"{quantity}."):
                times, values = decode(pair["time_s"]), decode(pair["value"])
                times, values = times[times >= 0.0], values[times >= 0.0]
                if len(values) > 1:
                    lines.append((name.removeprefix(f"{quantity}."), times, values))
    if not lines:
        return None
    plot = Plot(
        scale([0.0, *(times[-1] for _, times, _ in lines)], "time, s"),
        scale([value for _, _, values in lines for value in values], label, from_zero=True),
        heading,
        height=250,
    )
    for (name, times, values), colour in zip(lines, _COLOURS * (len(lines) // len(_COLOURS) + 1), strict=False):
        plot.line(times, values, colour, name)
    return plot
