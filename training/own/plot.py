"""Scores of held-out photos against the user's, before and after, as one picture. Needs matplotlib (extra `bench`)."""

import io
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.ground.atomic import write_bytes

from .report import Report

INK, GRID, BASE, OWN = "#20262e", "#e3e7ec", "#7a7f87", "#1f6fb2"


def draw(report: Report, file: Path) -> bool:
    """Write the picture as PNG; False where there is nothing to draw it with, or pairs were given instead of scores."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    said = report.opinions.scores
    if said is None:
        return False
    canvas = Figure(figsize=(10.0, 5.0), dpi=120, facecolor="white", layout="constrained")
    FigureCanvasAgg(canvas)
    panels = np.ravel(canvas.subplots(1, 2, sharex=True, sharey=True))
    figure = report.gains[0]
    for panel, scores, colour, title, told in (
        (panels[0], report.held_out.base, BASE, report.base, figure.base),
        (panels[1], report.held_out.own, OWN, "own, photos held out", figure.own),
    ):
        panel.scatter(said, scores, s=14, color=colour, alpha=0.7, linewidths=0)
        heading = f"{title}: {figure.name} {told.value:.3f} [{told.low:.3f}, {told.high:.3f}]"
        panel.set_title(heading, loc="left", fontsize=10, color=INK)
        panel.set_ylim(0.0, 1.0)
        panel.set_xlabel("your score", color=INK)
        panel.grid(color=GRID, linewidth=0.8)
        panel.set_axisbelow(True)
    panels[0].set_ylabel("network's score", color=INK)
    picture = io.BytesIO()
    canvas.savefig(picture, format="png", metadata={"Title": "dgiqa-edge train"})
    write_bytes(file, picture.getvalue())
    return True
