"""Drawings as SVG shapes: plots with axes on round ticks, lines, dots, columns, marks. The page's template writes them.

Colours are names of the page's CSS variables, so that print and screen can differ.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

WIDTH, HEIGHT = 680, 290
LEFT, RIGHT, TOP, BOTTOM = 84, 26, 34, 54
_LABEL_GAP, _LETTER = 21, 10.6
"""Margins, gaps and a letter's width are those of a phone, where letters are nearly twice as large in a drawing."""
TICKS = 6


@dataclass(frozen=True)
class Scale:
    """A linear axis; ``label`` names the quantity and its unit."""

    low: float
    high: float
    label: str
    ticks: tuple[float, ...]

    @property
    def step(self) -> float:
        """Between two ticks."""
        return self.ticks[1] - self.ticks[0] if len(self.ticks) > 1 else 1.0

    def share(self, values: ArrayLike) -> np.ndarray:
        """Where values lie between the ends, 0 to 1, cut off outside."""
        return np.clip((np.asarray(values, float) - self.low) / (self.high - self.low), 0.0, 1.0)


def scale(
    values: Iterable[float], label: str, from_zero: bool = False, ticks: int = TICKS, whole: bool = False
) -> Scale:
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
class Drawing:
    """Shapes on ``width`` x ``height`` pixels, the first at the back, and their legend.

    A shape is an SVG tag, its attributes and the text inside; an entry of the legend is a name, its colour, and
    ``line`` or ``dot``.
    """

    title: str
    width: int = WIDTH
    height: int = HEIGHT
    shapes: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    legend: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, tag: str, text: str = "", **attributes: str | float) -> None:
        """One more shape in front; an attribute's ``_`` is SVG's ``-``, its numbers are pixels."""
        texts = {
            name.rstrip("_").replace("_", "-"): value if isinstance(value, str) else f"{round(value, 1):g}"
            for name, value in attributes.items()
        }
        self.shapes.append((tag, texts, text))

    def name(self, name: str, colour: str, kind: str) -> None:
        """Put into the legend what has a name."""
        if name:
            self.legend.append((name, colour, kind))


class Plot(Drawing):
    """A drawing of two scales with their grid."""

    def __init__(self, x: Scale, y: Scale, title: str, height: int = HEIGHT) -> None:
        super().__init__(title, height=height)
        self.x, self.y = x, y
        self.right, self.bottom = self.width - RIGHT, height - BOTTOM
        for value, (at, _) in zip(x.ticks, self.at(x.ticks, [y.low] * len(x.ticks)), strict=True):
            self.add("line", class_="grid", x1=at, x2=at, y1=TOP, y2=self.bottom)
            self._tick(at, self.bottom + 20, tick_text(value, x.step), "middle")
        for value, (_, at) in zip(y.ticks, self.at([x.low] * len(y.ticks), y.ticks), strict=True):
            self.add("line", class_="grid", x1=LEFT, x2=self.right, y1=at, y2=at)
            self._tick(LEFT - 7, at + 4, tick_text(value, y.step), "end")
        self.add("text", x.label, class_="axis", x=(LEFT + self.right) / 2, y=height - 8, text_anchor="middle")
        self.add("text", y.label, class_="axis", x=LEFT, y=TOP - 13)

    def at(self, xs: ArrayLike, ys: ArrayLike) -> list[tuple[float, float]]:
        """Pixels of data points."""
        across = LEFT + self.x.share(xs) * (self.right - LEFT)
        down = self.bottom - self.y.share(ys) * (self.bottom - TOP)
        return list(zip(np.round(across, 1).tolist(), np.round(down, 1).tolist(), strict=True))

    def line(self, xs: np.ndarray, ys: np.ndarray, colour: str, name: str = "", dashed: bool = False) -> None:
        """Connected points."""
        points = " ".join(f"{x:g},{y:g}" for x, y in self.at(xs, ys))
        dash = {"stroke_dasharray": "5 4"} if dashed else {}
        self.add("polyline", class_="line", style=f"stroke:var(--{colour})", **dash, points=points)
        self.name(name, colour, "line")

    def steps(self, xs: np.ndarray, ys: np.ndarray, colour: str, name: str = "") -> None:
        """A staircase: each value holds until the next x."""
        self.line(np.repeat(xs, 2)[1:], np.repeat(ys, 2)[:-1], colour, name)

    def dots(self, xs: np.ndarray, ys: np.ndarray, colour: str, name: str = "", size: float = 3.0) -> None:
        """Points, as one path of zero-length strokes: thousands stay small."""
        path = "".join(f"M{x:g} {y:g}h0" for x, y in self.at(xs, ys))
        self.add("path", class_="dots", style=f"stroke:var(--{colour});stroke-width:{size:g}", d=path)
        self.name(name, colour, "dot")

    def columns(self, edges: np.ndarray, heights: np.ndarray, colour: str) -> None:
        """A histogram: one column between each pair of edges."""
        for (x, y), (end, _) in zip(self.at(edges[:-1], heights), self.at(edges[1:], heights), strict=True):
            width = max(end - x - 1, 0.5)
            self.add("rect", x=x + 0.5, y=y, width=width, height=self.bottom - y, style=f"fill:var(--{colour})")

    def mark_x(self, value: float, text: str, row: int = 0) -> None:
        """A vertical line with a label at its top; with ``row`` from 1 on at its foot, the first row lowest."""
        ((x, _),) = self.at([value], [self.y.low])
        anchor, gap = ("end", -4) if x > self.width / 2 else ("start", 4)
        y = self.bottom - 6 - (row - 1) * _LABEL_GAP if row else TOP + 12
        self.add("line", class_="mark", x1=x, x2=x, y1=TOP, y2=self.bottom)
        self.add("text", text, class_="note", x=x + gap, y=y, text_anchor=anchor)

    def mark_y(self, value: float, text: str) -> None:
        """A horizontal line with a label at its right."""
        ((_, y),) = self.at([self.x.low], [value])
        self.add("line", class_="mark", x1=LEFT, x2=self.right, y1=y, y2=y)
        self.add("text", text, class_="note", x=self.right - 3, y=y - 4, text_anchor="end")

    def note(self, x: float, y: float, text: str, placed: "list[tuple[float, float, float]] | None" = None) -> None:
        """A text beside a point, above or below the texts in ``placed`` (left, right, row) that it would lie on."""
        ((point, down),) = self.at([x], [y])
        ahead = point < 0.65 * self.width
        room = _LETTER * len(text)
        left = point + 9 if ahead else point - 9 - room
        taken = [] if placed is None else placed
        rows = [down + 5 + sign * number * _LABEL_GAP for number in range(2 * len(taken) + 2) for sign in (1, -1)]
        inside = [row for row in rows if TOP + 8 <= row <= self.bottom - 4] or [down]
        over = [(row, other) for row in inside for start, end, other in taken if start < left + room and left < end]
        free = [row for row in inside if all(abs(row - other) >= _LABEL_GAP for at, other in over if at == row)]
        row = (free or inside)[0]
        taken.append((left, left + room, row))
        beside: dict[str, Any] = (
            {"x": point + 9, "text_anchor": "start"} if ahead else {"x": point - 9, "text_anchor": "end"}
        )
        self.add("text", text, class_="note", y=row, **beside)

    def _tick(self, x: float, y: float, text: str, anchor: str) -> None:
        self.add("text", text, class_="tick", x=x, y=y, text_anchor=anchor)
