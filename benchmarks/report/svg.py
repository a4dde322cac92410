"""A small writer of plots as SVG text: axes with round ticks, lines, dots, bars, marks. No script, no font, no file.

Colours come from the page's CSS variables, so that print and screen can differ.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

WIDTH, HEIGHT = 680, 270
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 14, 44
_LABEL_GAP = 13


@dataclass(frozen=True)
class Scale:
    """A linear axis; ``label`` names the quantity and its unit."""

    low: float
    high: float
    label: str
    ticks: tuple[float, ...]

    def share(self, values: np.ndarray) -> np.ndarray:
        """Where values lie between the ends, 0 to 1, cut off outside."""
        return np.clip((np.asarray(values, float) - self.low) / (self.high - self.low), 0.0, 1.0)


def scale(values: Iterable[float], label: str, from_zero: bool = False, ticks: int = 6, whole: bool = False) -> Scale:
    """A scale around the values that are numbers, ending on round ticks; ``whole`` for counts."""
    known = [float(value) for value in values if math.isfinite(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if from_zero:
        low = min(low, 0.0)
    if high - low < 1e-9 * max(1.0, abs(high)):
        spread = abs(high) * 0.1 or 1.0
        low, high = low - (0.0 if from_zero and low >= 0 else spread), high + spread
    step = _round_step((high - low) / ticks, whole)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return Scale(first * step, last * step, label, tuple(number * step for number in range(first, last + 1)))


def _round_step(raw: float, whole: bool) -> float:
    if whole:
        raw = max(raw, 1.0)
    power = 10.0 ** math.floor(math.log10(raw))
    factors = (1.0, 2.0, 5.0, 10.0) if whole else (1.0, 2.0, 2.5, 5.0, 10.0)
    return next(factor * power for factor in factors if factor * power >= raw * 0.999)


def tick_text(value: float, step: float) -> str:
    """A tick with as many decimals as its step needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) + (
        1 if step and round(step / 10 ** math.floor(math.log10(step)), 6) == 2.5 else 0
    )
    text = f"{value:.{decimals}f}"
    return "0" if float(text) == 0 else text


@dataclass
class Plot:
    """One plot under construction; every method adds to it, ``render`` gives the SVG element."""

    x: Scale
    y: Scale
    title: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    _parts: list[str] = field(default_factory=list)
    _legend: list[tuple[str, str, str]] = field(default_factory=list)

    def at(self, xs: np.ndarray, ys: np.ndarray) -> list[tuple[float, float]]:
        """Pixels of data points."""
        across = self.left + self.x.share(xs) * (self.width - self.left - RIGHT)
        down = self.height - BOTTOM - self.y.share(ys) * (self.height - TOP - BOTTOM)
        return list(zip(np.round(across, 1).tolist(), np.round(down, 1).tolist(), strict=True))

    def line(self, xs: np.ndarray, ys: np.ndarray, colour: str, name: str = "", dashed: bool = False) -> None:
        """Connected points."""
        points = " ".join(f"{x:g},{y:g}" for x, y in self.at(xs, ys))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self._parts.append(f'<polyline class="line" style="stroke:var(--{colour})"{dash} points="{points}"/>')
        self._name(name, colour, "line")

    def steps(self, xs: np.ndarray, ys: np.ndarray, colour: str, name: str = "") -> None:
        """A staircase: each value holds until the next x."""
        self.line(np.repeat(xs, 2)[1:], np.repeat(ys, 2)[:-1], colour, name)

    def dots(self, xs: np.ndarray, ys: np.ndarray, colour: str, name: str = "", size: float = 3.0) -> None:
        """Points, as one path of zero-length strokes: thousands stay small."""
        path = "".join(f"M{x:g} {y:g}h0" for x, y in self.at(xs, ys))
        self._parts.append(f'<path class="dots" style="stroke:var(--{colour});stroke-width:{size:g}" d="{path}"/>')
        self._name(name, colour, "dot")

    def columns(self, edges: np.ndarray, heights: np.ndarray, colour: str) -> None:
        """A histogram: one column between each pair of edges."""
        tops = self.at(edges[:-1], heights)
        ends = self.at(edges[1:], np.zeros(len(heights)))
        for (x, y), (end, base) in zip(tops, ends, strict=True):
            self._parts.append(
                f'<rect x="{x + 0.5:g}" y="{y:g}" width="{max(end - x - 1, 0.5):g}" height="{max(base - y, 0):g}" '
                f'style="fill:var(--{colour})"/>'
            )

    def mark_x(self, value: float, text: str, row: int = 0) -> None:
        """A vertical line with a label at its top; with ``row`` from 1 on at its foot, the first row lowest."""
        (x, _), *_ = self.at(np.array([value]), np.array([self.y.low]))
        right = x > self.width - 170
        anchor, gap = ("end", -4) if right else ("start", 4)
        y = self.height - BOTTOM - 6 - (row - 1) * _LABEL_GAP if row else TOP + 10
        self._parts.append(
            f'<line class="mark" x1="{x:g}" x2="{x:g}" y1="{TOP}" y2="{self.height - BOTTOM}"/>'
            f'<text class="note" x="{x + gap:g}" y="{y:g}" text-anchor="{anchor}">'
            f"{escape(text)}</text>"
        )

    def mark_y(self, value: float, text: str) -> None:
        """A horizontal line with a label at its right."""
        (_, y), *_ = self.at(np.array([self.x.low]), np.array([value]))
        self._parts.append(
            f'<line class="mark" x1="{self.left}" x2="{self.width - RIGHT}" y1="{y:g}" y2="{y:g}"/>'
            f'<text class="note" x="{self.width - RIGHT - 3}" y="{y - 4:g}" text-anchor="end">{escape(text)}</text>'
        )

    def render(self) -> str:
        """The plot with its axes, grid and legend."""
        legend = legend_text(self._legend) if self._legend else ""
        body = "".join([self._grid(), *self._parts])
        return (
            f'<figure>{legend}<svg viewBox="0 0 {self.width} {self.height}" role="img" '
            f'aria-label="{escape(self.title, quote=True)}"><title>{escape(self.title)}</title>{body}</svg></figure>'
        )

    def _name(self, name: str, colour: str, kind: str) -> None:
        if name:
            self._legend.append((name, colour, kind))

    def _grid(self) -> str:
        parts = []
        bottom, right = self.height - BOTTOM, self.width - RIGHT
        for value, (x, _) in zip(self.x.ticks, self._tick_points(self.x.ticks, horizontal=True), strict=True):
            parts.append(f'<line class="grid" x1="{x:g}" x2="{x:g}" y1="{TOP}" y2="{bottom}"/>')
            parts.append(_tick(x, bottom + 16, value, self.x.ticks, "middle"))
        for value, (_, y) in zip(self.y.ticks, self._tick_points(self.y.ticks, horizontal=False), strict=True):
            parts.append(f'<line class="grid" x1="{self.left}" x2="{right}" y1="{y:g}" y2="{y:g}"/>')
            parts.append(_tick(self.left - 7, y + 4, value, self.y.ticks, "end"))
        middle = (self.left + right) / 2
        label = escape(self.x.label)
        parts.append(f'<text class="axis" x="{middle:g}" y="{self.height - 8}" text-anchor="middle">{label}</text>')
        across = (TOP + bottom) / 2
        parts.append(
            f'<text class="axis" transform="translate(14 {across:g}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.y.label)}</text>"
        )
        return "".join(parts)

    def _tick_points(self, ticks: Sequence[float], horizontal: bool) -> list[tuple[float, float]]:
        values = np.array(ticks)
        flat = np.full(len(values), self.y.low if horizontal else self.x.low)
        return self.at(values, flat) if horizontal else self.at(flat, values)


def legend_text(entries: Sequence[tuple[str, str, str]]) -> str:
    """Names with their colours, above a plot."""
    spans = "".join(
        f'<span><i class="{kind}" style="background:var(--{colour})"></i>{escape(name)}</span>'
        for name, colour, kind in entries
    )
    return f'<div class="legend">{spans}</div>'


def _tick(x: float, y: float, value: float, ticks: Sequence[float], anchor: str) -> str:
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    return f'<text class="tick" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{tick_text(value, step)}</text>'
