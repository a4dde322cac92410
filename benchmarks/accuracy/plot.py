"""An accuracy report as one picture: scores against people's with the fitted logistic, and the order per degradation.

Only drawing: every number is taken from the report. matplotlib is imported when a picture is asked for.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.calibration.agreement import Agreement, Figure, fitted_logistic
from dgiqa_edge.runtime.ground.atomic import write_bytes
from dgiqa_edge.runtime.ground.plot_axes import BLUE, FAINT, GREEN, GREY, GRID, INK, ORANGE, ROSE, VIOLET, plain_axes

from ..measures.measures import BUNDLE
from .accuracy import AccuracyReport
from .circumstances import Circumstances
from .graded_series import Share

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACCENT, CURVE = BLUE, ROSE
BASELINES = (ORANGE, GREEN, VIOLET, GREY)
WIDTH, HEIGHT, HEADING, DPI = 13.0, 7.4, 0.08, 120
ROW, OWN_BAR = 0.8, 0.4
"""Parts of a row's height: all its bars, and the bundle's."""
CURVE_POINTS = 200


def draw_accuracy(report: AccuracyReport, about: Circumstances, file: Path) -> None:
    """Write the picture as a PNG: the scatter where people rated the photos, the order where it was measured.

    Raises:
        MachineError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Canvas

    order = _order_rows(report)
    agreed = report.measured[0].agreement
    both = bool(order) and agreed is not None
    figure = Canvas(figsize=(WIDTH if both else HEIGHT, HEIGHT), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    heading, body = list(figure.subfigures(2, 1, height_ratios=(HEADING, 1.0 - HEADING)))  # type: ignore[arg-type]
    heading.text(0.01, 0.68, report.measured[0].source, va="center", fontsize=14, fontweight="bold", color=INK)
    heading.text(0.01, 0.22, _caption(report, about), va="center", fontsize=9, color=FAINT)
    panels = list(body.subplots(1, 2, width_ratios=(1.0, 1.05)) if both else [body.subplots()])
    if agreed is not None:
        _draw_scatter(panels[0], report, agreed)
    if order:
        _draw_order(panels[-1], order)
        bars = panels[-1].get_legend_handles_labels()
        body.legend(*bars, loc="outside lower right", ncols=6, frameon=False, fontsize=9, labelcolor=INK)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", metadata={"Title": "dgiqa-edge bench accuracy"})
    write_bytes(file, picture.getvalue())


def _draw_scatter(panel: "Axes", report: AccuracyReport, figures: Agreement) -> None:
    predicted, human = report.scored_by(BUNDLE)
    size = float(np.clip(9000.0 / len(human), 6.0, 36.0))
    panel.scatter(predicted, human, s=size, color=ACCENT, alpha=0.45, linewidths=0, zorder=2)
    at = np.linspace(predicted.min(), predicted.max(), CURVE_POINTS)
    panel.plot(at, fitted_logistic(predicted, human)(at), color=CURVE, linewidth=2.2, zorder=3, label="fitted logistic")
    plain_axes(panel, f"Agreement with people, {len(human)} photos", "score of the bundle", "mean opinion score")
    lines = [
        f"{name}  {_text(figure)}"
        for name, figure in zip(
            ("SRCC", "PLCC", "KRCC", "RMSE"), (figures.srcc, figures.plcc, figures.krcc, figures.rmse), strict=True
        )
    ]
    panel.text(
        0.03,
        0.97,
        "\n".join(lines),
        transform=panel.transAxes,
        va="top",
        family="monospace",
        fontsize=9,
        color=INK,
        linespacing=1.5,
        zorder=4,
        bbox={"boxstyle": "round,pad=0.5", "facecolor": "white", "edgecolor": GRID, "alpha": 0.92},
    )
    panel.legend(loc="lower right", frameon=False, fontsize=9, labelcolor=INK)


def _order_rows(report: AccuracyReport) -> list[tuple[str, dict[str, Share]]]:
    """Label -> measure -> share in order, from top to bottom; measures without any pair are left out."""
    rows: list[tuple[str, dict[str, Share]]] = []
    if report.degradations:
        part = report.degradations
        for kind in part.kinds:
            shares = {name: orders[kind].clean for name, orders in part.orders.items()}
            rows.append((kind.replace("_", " "), _present(shares)))
        rows.append(("all kinds", _present({name: order.clean for name, order in part.pooled.items()})))
        rows.append(("next strength", _present({name: order.steps for name, order in part.pooled.items()})))
    for pairs in report.pairs:
        orders = pairs.orders
        rows.append((f"{pairs.name}: clean", _present({name: order.clean for name, order in orders.items()})))
        rows.append((f"{pairs.name}: next", _present({name: order.steps for name, order in orders.items()})))
    return [row for row in rows if row[1]]


def _draw_order(panel: "Axes", rows: list[tuple[str, dict[str, Share]]]) -> None:
    """A group of bars per row: the bundle's with its interval and figure, thinner ones of the baselines below it."""
    others = list(dict.fromkeys(name for _, row in rows for name in row if name != BUNDLE))[: len(BASELINES)]
    places = np.arange(len(rows), dtype=float)
    top = places - ROW / 2 + OWN_BAR / 2 if others else places
    own = [(place, row[1][BUNDLE]) for place, row in zip(top, rows, strict=True) if BUNDLE in row[1]]
    where, shares = [place for place, _ in own], [share for _, share in own]
    panel.barh(where, [100 * share.value for share in shares], height=OWN_BAR, color=ACCENT, label=BUNDLE)
    panel.errorbar(
        [100 * share.value for share in shares],
        where,
        xerr=_reach(shares),
        fmt="none",
        ecolor=INK,
        elinewidth=1.0,
        capsize=2.5,
        label="95 % interval",
    )
    thin = (ROW - OWN_BAR) / max(1, len(others))
    for lane, (name, colour) in enumerate(zip(others, BASELINES, strict=False)):
        bars = [(100 * row[name].value, place) for place, (_, row) in zip(places, rows, strict=True) if name in row]
        values, at = zip(*bars, strict=True)
        lanes = np.array(at) - ROW / 2 + OWN_BAR + (lane + 0.5) * thin
        panel.barh(lanes, values, height=0.8 * thin, color=colour, label=name)
    for place, share in own:
        panel.text(101.2, place, f"{100 * share.value:.1f} %", va="center", fontsize=9, color=INK)
    panel.set_yticks(places, [label for label, _ in rows])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set_xlim(0, 100)
    x = "pairs in order, %  (the better picture scores higher)"
    plain_axes(panel, "Order of clean and degraded pictures", x, "")
    panel.grid(axis="y", visible=False)


def _reach(shares: list[Share]) -> np.ndarray:
    """Distances from each share down to and up to its interval's ends, per cent, float64 [2, shares]."""
    ends = np.array([(share.value - share.low, share.high - share.value) for share in shares]).T
    return 100.0 * np.clip(ends, 0.0, None)


def _present(shares: "dict[str, Share | None]") -> dict[str, Share]:
    return {name: share for name, share in shares.items() if share is not None}


def _text(figure: Figure) -> str:
    return f"{figure.value:.3f}  [{figure.low:.3f}, {figure.high:.3f}]"


def _caption(report: AccuracyReport, about: Circumstances) -> str:
    bundle: dict[str, Any] = about.bundle
    split = f" of split {about.split}" if about.split else ""
    parts = [f"bundle {bundle['sha256'][:12]}"]
    if report.photos:
        parts.append(f"{len(report.photos)} photos{split}, {len(report.measured[0].failed)} failed")
    if report.degradations:
        strengths = ", ".join(f"{strength:g}" for strength in report.degradations.strengths)
        parts.append(f"{len(report.degradations.photos)} degraded at {strengths}")
    return "  ·  ".join([*parts, f"dgiqa-edge {about.versions['dgiqa-edge']}"])
