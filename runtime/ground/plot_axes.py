"""What every plot by matplotlib looks like: its colours, those of the reports' pages, and its axes."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, FAINT, GRID, PAPER = "#1c2126", "#68727d", "#dfe4e9", "#ffffff"
BLUE, ORANGE, GREEN, VIOLET, GREY, ROSE = "#2563c9", "#d97706", "#2f855a", "#7c4dbc", "#8a94a0", "#c2385b"
TEAL, GOLD = "#0f8b8d", "#b7901f"


def plain_axes(panel: "Axes", title: str, x: str, y: str) -> None:
    """A title at the left, the quantities and their units, a faint grid, no frame."""
    panel.set_title(title, loc="left", fontsize=11, color=INK)
    panel.set_xlabel(x, fontsize=9, color=FAINT)
    panel.set_ylabel(y, fontsize=9, color=FAINT)
    panel.set_axisbelow(True)
    panel.grid(color=GRID, linewidth=0.8)
    panel.tick_params(colors=INK, labelsize=9, length=0)
    for side, spine in panel.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
