"""The picture of a tuning, by matplotlib: scores and their thresholds, a ROC curve per check, the nearest mistakes."""

import warnings
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigurationError
from ..frames.images import read_image
from ..gate.policy import HEAD_CHECKS, GatePolicy
from ..ground.atomic import atomic_file
from ..ground.extra_packages import watch_package
from ..ground.names import shown
from ..ground.plot_axes import (
    BLUE,
    FAINT,
    GOLD,
    GREEN,
    GREY,
    GRID,
    INK,
    ORANGE,
    PAPER,
    ROSE,
    TEAL,
    VIOLET,
    plain_axes,
)
from .mistakes import Mistake, mistakes
from .photos import Measured
from .reason_table import PASSES
from .thresholds import TUNED, Proposal, check_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

FORMATS = (".png", ".svg", ".pdf")
BINS = 30
DRAWN = 4
"""Mistakes of each kind that are shown."""
_CUES_FIRST = sorted(TUNED, key=HEAD_CHECKS.__contains__)
_OTHERS = cycle((ORANGE, GREEN, VIOLET, ROSE, TEAL, GOLD, INK, GREY))
COLOURS = dict(zip(_CUES_FIRST, _OTHERS, strict=False)) | {"score": BLUE}
"""Of the curves."""
THUMBNAIL, NAME = 320, 22
"""The longer side of a photo that is shown, in pixels, and the most letters of its name."""


def check_plot_path(path: Path) -> None:
    """Refuse early what could not be written at the end.

    Raises:
        ConfigurationError: the name does not end in a picture format.
        MachineError: matplotlib is not installed.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigurationError(f"{path}: the plot's name must end in {', '.join(FORMATS)}")
    watch_package("matplotlib", "--plot")


def write_roc_plot(
    path: Path, proposals: Sequence[Proposal], tuned: GatePolicy, photos: tuple[Measured, Measured], facts: str
) -> None:
    """Write the picture to ``path``, whole or not at all.

    Args:
        tuned: the policy with the proposals; what it gets wrong is shown.
        photos: the good and the bad ones.
        facts: one line on what was tuned on what.

    Raises:
        SourceError: a photo that is shown cannot be read any more.
    """
    from matplotlib.figure import Figure

    good, bad = photos
    figure = Figure(figsize=(12.0, 8.0), dpi=120, facecolor=PAPER, layout="constrained")
    above, below = list(figure.subfigures(2, 1, height_ratios=(2.4, 1.0)))  # type: ignore[arg-type]
    figure.suptitle(facts, fontsize=10, color=FAINT, x=0.01, ha="left", parse_math=False)
    left, right = above.subplots(1, 2, width_ratios=(1.2, 1.0))
    _draw_values(left, next((one for one in proposals if one.check == "score"), proposals[0]), photos)
    _draw_curves(right, proposals)
    sides = below.subfigures(1, 2)
    _draw_mistakes(sides[0], "Good photos it rejects", mistakes(good, tuned, should_pass=True), good)
    _draw_mistakes(sides[1], "Bad photos it passes", mistakes(bad, tuned, should_pass=False), bad)
    with atomic_file(path) as partial, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name's letters that the font lacks are boxes
        figure.savefig(partial, format=path.suffix[1:].lower())


def _draw_values(panel: "Axes", proposal: Proposal, photos: tuple[Measured, Measured]) -> None:
    """Histograms of both sides in per cent of the side, so that sides of different size compare."""
    good, bad = (check_values(proposal.check, list(side.readings.values())) for side in photos)
    limits, effect = proposal.limits, proposal.effect
    known = np.concatenate([good, bad, [value for value in (limits.reject, limits.accept) if value is not None]])
    low, high = (0.0, 1.0) if proposal.check == "score" else (float(known.min()), float(known.max()) + 1e-9)
    edges = np.linspace(low, high, BINS + 1)
    for values, colour, name in ((good, BLUE, "good photos"), (bad, ORANGE, "bad photos")):
        weights = np.full(values.size, 100.0 / max(values.size, 1))
        panel.hist(values, edges.tolist(), weights=weights, color=colour, alpha=0.45, label=f"{name} ({values.size})")
        # An outline, for where both lie upon each other the fill is neither's colour.
        panel.hist(values, edges.tolist(), weights=weights, color=colour, histtype="step", linewidth=1.5)
    title = proposal.check.capitalize()
    if effect is not None:
        shares = f"{effect.caught:.0%} of the bad and {effect.false_reject:.0%} of the good photos"
        title += f": {shares} lie {limits.side.value} the threshold"
    plain_axes(panel, title, proposal.check, "photos, % of their set")
    panel.set_xlim(low, high)
    panel.set_ylim(0.0, 1.25 * panel.get_ylim()[1])
    words = ("below", "from") if limits.side.value == "below" else ("above", "up to")
    drawn = [
        (value, verb, word, style, row)
        for value, verb, word, style, row in (
            (limits.reject, "reject", words[0], "-", 0.96),
            (limits.accept, "accept", words[1], "--", 0.90),
        )
        if value is not None
    ]
    first, last = (end((value for value, *_ in drawn), default=low) for end in (min, max))
    for value, verb, word, style, row in drawn:
        panel.axvline(value, color=INK, linestyle=style, linewidth=1.2)
        # Beside both lines, so that neither runs through the words.
        at, side = (first, "right") if first - low > 0.6 * (high - low) else (last, "left")
        text = f" {verb} {word} {value:.4g} "
        panel.text(at, row, text, transform=panel.get_xaxis_transform(), ha=side, fontsize=9, color=INK)
    panel.legend(loc="upper left", frameon=False, fontsize=9, labelcolor=INK, bbox_to_anchor=(0.0, 0.88))


def _draw_curves(panel: "Axes", proposals: Sequence[Proposal]) -> None:
    panel.plot([0, 100], [0, 100], color=GRID, linestyle=":", linewidth=1.2)
    for proposal in sorted(proposals, key=lambda one: (one.check != "score", not one.adopted)):
        shares = [(100 * cut.false_reject, 100 * cut.caught) for cut in proposal.curve.cuts]
        is_score = proposal.check == "score"
        (line,) = panel.plot(
            *zip(*shares, strict=True),
            color=COLOURS[proposal.check],
            linewidth=2.5 if is_score else 1.2,
            linestyle="-" if proposal.adopted else (0, (2, 2)),
            zorder=3 if is_score else 2,
            label=f"{proposal.check} ({proposal.curve.area:.3f})",
        )
        if proposal.effect is not None:
            at = (100 * proposal.effect.false_reject, 100 * proposal.effect.caught)
            panel.plot(*at, "o", color=line.get_color(), zorder=4, clip_on=False)
    title = "ROC curves (area); dots: thresholds; dotted: not tuned"
    plain_axes(panel, title, "good photos rejected, %", "bad photos rejected, %")
    panel.set(xlim=(0, 100), ylim=(0, 101))
    panel.legend(loc="lower right", frameon=False, fontsize=8, labelcolor=INK)


def _draw_mistakes(figure: "SubFigure", heading: str, found: Sequence[Mistake], side: Measured) -> None:
    """The nearest as small pictures: name, score, and what a rejected one is called or what is wrong with the other."""
    import cv2

    more = ", nearest to the threshold first" if len(found) > 1 else ""
    figure.suptitle(f"{heading}: {len(found)} of {len(side.readings)}{more}", fontsize=11, color=INK, x=0.02, ha="left")
    panels = figure.subplots(1, DRAWN)
    for panel in panels:
        panel.set_axis_off()
    for panel, one in zip(panels, found, strict=False):
        photo = read_image(one.photo)
        scale = min(1.0, THUMBNAIL / max(photo.shape[:2]))
        small = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        panel.imshow(small[:, :, ::-1])
        name = shown(one.photo.name)
        name = name if len(name) <= NAME else "..." + name[3 - NAME :]
        score = "" if one.score is None else f"\nscore {one.score:.3f}"
        called = one.called if one.called != PASSES else shown(side.labels[one.photo])
        panel.set_title(f"{name}\n{called}{score}", fontsize=8, color=INK, parse_math=False)
        panel.set_anchor("N")
