"""A comparison of two reports, and a table of many, as pages: the words and figures of the command, and their plots."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.runtime.ground.pages.svg import BOTTOM, TOP, Plot, Scale, scale

from ..report import facts
from ..report.facts import NOT_MEASURED, Table
from ..report.html import page
from .pareto import Candidate, rows
from .verdicts import Comparison, Row, Verdict, row_cells

Report = Mapping[str, Any]
_COLOURS = {Verdict.WORSE: "rose", Verdict.BETTER: "green", Verdict.SAME: "blue", Verdict.UNDECIDED: "grey"}
_ROW_HEIGHT = 60


def comparison_page(
    comparison: Comparison, reports: Sequence[tuple[Path, Report]], undecided: Sequence[Row] = ()
) -> str:
    """The page of ``bench compare``.

    Args:
        reports: both with the files they were read from.
        undecided: figures with a limit whose verdict is missing and was asked for.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    decided = [row for row in comparison.rows if row.verdict is not Verdict.ABSENT]
    absent = Table(("", ""), tuple((row.metric.title, row.reason) for row in comparison.rows if row not in decided))
    counts = Counter(row.verdict.value for row in decided)
    return page(
        "comparison",
        title_of_both(*(facts.title(report) for _, report in reports)),
        comparison=comparison,
        subjects=Table(
            ("", "report", "what", "where", "measured"),
            tuple(
                (name, str(path), facts.title(report), facts.device(report), facts.moment(report["created"]))
                for name, (path, report) in zip(("first", "second"), reports, strict=True)
            ),
        ),
        summary=", ".join(f"{counts[one.value]} {one.value}" for one in Verdict if counts[one.value]),
        broken=[f"{row.metric.title} (limit {row.limit})" for row in decided if row.fails],
        undecided=[f"{row.metric.title} (limit {row.limit}): {row.reason}" for row in undecided],
        rows=[(row.verdict.value, row_cells(row)) for row in decided],
        absent=absent,
        plot=changes(decided),
    )


def table_page(candidates: Sequence[Candidate]) -> str:
    """The page of ``bench table``, of candidates in the order of ``with_fronts``: those of a device under its name.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    groups = []
    for device, members in itertools.groupby(candidates, key=lambda one: one.device):
        own = list(members)
        by_frame = [list(same) for _, same in itertools.groupby(own, key=lambda one: one.frame)]
        plots = [plot for same in by_frame for plot in (pareto_plot(same, "srcc"), pareto_plot(same, "score_mae"))]
        groups.append((device, *_measured_columns(own), [one.front for one in own], list(filter(None, plots))))
    count = f"{len(candidates)} reports" if len(candidates) != 1 else "One report"
    return page("table", f"{count} side by side", groups=groups)


def title_of_both(first: str, second: str) -> str:
    """Both, with what they share said once."""
    if first == second:
        return f"Two reports of {first}"
    (name, _, rest), (other, _, also) = first.partition(" at "), second.partition(" at ")
    return f"{name} against {other} at {rest}" if rest == also else f"{first} against {second}"


def changes(compared: Sequence[Row]) -> Plot | None:
    """Each relative change with its interval and, where it stops being harmless, its limit; None without any."""
    found = [row for row in compared if row.metric.relative and None not in (row.change, row.low, row.high)]
    if not found:
        return None
    shares = [100.0 * np.array([row.change, row.low, row.high], float) for row in found]
    limits = [100.0 * row.limit.amount * (1 if row.metric.lower_is_better else -1) for row in found]
    height = TOP + _ROW_HEIGHT * len(found) + BOTTOM
    x = scale([0.0, *np.concatenate(shares), *limits], "change from the first to the second, %")
    plot = Plot(x, Scale(0.0, float(len(found)), "", ()), "Changes with their intervals", height)
    plot.mark_x(0.0, "")
    for number, (row, (change, low, high), limit) in enumerate(zip(found, shares, limits, strict=True)):
        at = np.full(2, len(found) - number - 0.75)
        colour = _COLOURS[row.verdict]
        first = colour not in {shown for _, shown, _ in plot.legend}
        plot.line(np.array([low, high]), at, colour)
        plot.dots(np.array([change]), at[:1], colour, row.verdict.value if first else "", size=9.0)
        plot.line(np.array([limit, limit]), at + np.array([-0.15, 0.15]), "ink", "its limit" if number == 0 else "")
        plot.note(x.low, float(at[0]) + 0.32, row.metric.title)
    return plot


def pareto_plot(candidates: Sequence[Candidate], figure: str) -> Plot | None:
    """Median latency against ``srcc`` or ``score_mae`` of reports that compete; None where none has both.

    Scores of seeded weights agree with people by chance, and are left out of the first.
    """
    shown = [
        (one, one.p50_ms, value)
        for one in candidates
        if one.p50_ms is not None and (value := getattr(one, figure)) is not None
        if not (figure == "srcc" and one.seeded)
    ]
    if not shown:
        return None
    label, title = {
        "srcc": ("agreement with people, SRCC", "Agreement with people against latency, {}; best: top left"),
        "score_mae": (
            "mean error of the score, MAE",
            "Score error to the preset's FP32 against latency, {}; best: bottom left",
        ),
    }[figure]
    reach = [0.0, 1.0] if figure == "srcc" else [0.0, *(1.25 * value for _, _, value in shown)]
    plot = Plot(
        scale([0.0, *(p50 for _, p50, _ in shown)], "median latency, ms", from_zero=True),
        scale(reach, label, from_zero=True),
        title.format(shown[0][0].frame),
    )
    names = Counter(f"{one.preset} {one.precision}" for one, _, _ in shown)
    placed: list[tuple[float, float, float]] = []
    for kind, colour in ((True, "blue"), (False, "grey")):
        points = [(p50, value) for one, p50, value in shown if one.front is kind]
        if points:
            xs, ys = np.array(points).T
            plot.dots(xs, ys, colour, "beaten by none" if kind else "beaten by another", size=10.0)
    for one, p50, value in shown:
        name = f"{one.preset} {one.precision}"
        plot.note(p50, value, name if names[name] == 1 else f"{name} {one.backend}", placed)
    return plot


def _measured_columns(candidates: Sequence[Candidate]) -> tuple[Table, list[str]]:
    """The table without the columns that no report has a figure for, and their names."""
    columns, cells = rows(candidates)
    absent = [number for number in range(len(columns)) if all(row[number] == NOT_MEASURED for row in cells)]
    kept = [number for number in range(len(columns)) if number not in absent]
    table = Table(tuple(columns[n] for n in kept), tuple(tuple(row[n] for n in kept) for row in cells))
    return table, [columns[number] for number in absent]
