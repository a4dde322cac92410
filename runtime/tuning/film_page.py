"""A film's verdicts as one page that needs nothing else: its course with pictures, seconds of each reason, the worst
moments with the numbers that decided them, and what people's labels say of it. Its words are in ``templates``.
"""

import base64
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from ..gate.checks import Thresholds
from ..gate.verdict import RunnerUp, State, Verdict
from ..gate.vocabulary import CONDITIONS, FAULTS
from ..ground.pages import html
from ..ground.pages.svg import Plot, scale
from .film import MOST_TOLD, Film, Moment, Step
from .label_score import ReasonScore, label_rows

if TYPE_CHECKING:
    from jinja2 import Environment

_COLOURS = {State.PASS: "green", State.UNKNOWN: "grey", State.REJECT: "rose"}
_LONGEST_IN_SECONDS = 180.0
_LIKELY = 0.5


def environment() -> "Environment":
    """What fills in the templates.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    return html.environment(__package__, "watch", lambda text: text == "-")


def film_page(
    name: str,
    about: Sequence[str],
    film: Film,
    thresholds: Thresholds,
    problems: Sequence[str] = (),
    scores: Mapping[str, ReasonScore] | None = None,
) -> str:
    """The page.

    Args:
        name: of the film, its heading.
        about: what it was judged by, a line each.
        film: ended.
        thresholds: of the score, at the end of the film.
        problems: what is missing of it.
        scores: what ``label_scores`` found.

    Raises:
        MachineError: Jinja2 is not installed.
    """
    by_length = sorted(film.seconds.items(), key=lambda item: -item[1])
    return (
        environment()
        .get_template("film.html.j2")
        .render(
            title=name,
            about=about,
            problems=problems,
            film=film,
            cards=_cards(film),
            plot=_course(film, thresholds),
            thumbnails=[(clock(one.t_s), one.verdict, _data(one.jpeg)) for one in film.thumbnails],
            reasons=[_reason(film, reason, seconds) for reason, seconds in by_length],
            moments=[
                (moment, clock(moment.t_s), _spell(moment), _data(moment.jpeg), _cells(moment.verdict))
                for moment in film.moments
            ],
            told=[(clock(t_s), verdict, decided(verdict)) for t_s, verdict in film.told],
            untold=film.tellings - min(film.tellings, MOST_TOLD),
            labels=None if scores is None else label_rows(scores),
            decided=decided,
        )
    )


def decided(verdict: Verdict | RunnerUp) -> str:
    """What it is and by which number: ``too dark (luminance 31.2, threshold 85)``."""
    if verdict.value is None or verdict.threshold is None:
        return verdict.reason
    return f"{verdict.reason} ({verdict.cue} {verdict.value:.4g}, threshold {verdict.threshold:.4g})"


def clock(seconds: float) -> str:
    """``59.5 s``, ``1:02.5``, ``1:00:02.5``."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest / 10:04.1f}"
    return f"{minutes}:{rest / 10:04.1f}" if minutes else f"{rest / 10:.1f} s"


def _spell(moment: Moment) -> str:
    start, end = clock(moment.start_s), clock(moment.end_s)
    return start if start == end else f"{start} to {end}"


def _cells(verdict: Verdict) -> list[tuple[int, int]]:
    """Column and row of the cells where the fault is more likely than not; none where that is everywhere."""
    rows = verdict.where or ()
    cells = [(x, y) for y, row in enumerate(rows) for x, share in enumerate(row) if share >= _LIKELY]
    return cells if len(cells) < sum(map(len, rows)) else []


def _data(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"


def _cards(film: Film) -> list[tuple[str, str, str]]:
    """What, its figure, and a remark."""
    whole = film.end_s or 1.0
    bad = [(seconds, reason) for reason, seconds in film.seconds.items() if reason in FAULTS]
    lost, most = sum(seconds for seconds, _ in bad), max(bad, default=None)
    return [
        ("passes", f"{film.seconds.get('good', 0.0) / whole:.1%}", f"of {clock(film.end_s)}, {film.frames} frames"),
        ("something is wrong", f"{lost / whole:.1%}", f"{clock(lost)} in all"),
        ("most of it", most[1] if most else "-", clock(most[0]) if most else "no fault was found"),
    ]


def _course(film: Film, thresholds: Thresholds) -> Plot:
    """The score over time on the states, with its thresholds."""
    unit, per = ("s", 1.0) if film.end_s <= _LONGEST_IN_SECONDS else ("min", 60.0)
    levels = [level for level in (thresholds.reject, thresholds.accept) if level is not None]
    plot = Plot(scale([0.0, film.end_s / per], f"time, {unit}"), scale([0.0, 1.0, *levels], "score"), "Score and state")
    for state, steps in groupby(film.steps, key=lambda step: step.state):
        run = list(steps)
        if state is not State.PASS:
            plot.band(run[0].start_s / per, run[-1].end_s / per, _COLOURS[state])
    for scored, steps in groupby(film.steps, key=lambda step: step.scored > 0):
        if scored:
            _curve(plot, list(steps), per)
    if thresholds.accept is not None:
        plot.mark_y(thresholds.accept, f"accept from {thresholds.accept:.3g}")
    if thresholds.reject is not None:
        plot.mark_y(thresholds.reject, f"reject below {thresholds.reject:.3g}", under=True)
    plot.name("score", "blue", "line")
    for state in (State.REJECT, State.UNKNOWN):
        plot.name(state.value, _COLOURS[state], "dot")
    return plot


def _curve(plot: Plot, steps: list[Step], per: float) -> None:
    times = np.array([(step.start_s + step.end_s) / 2.0 / per for step in steps])
    plot.area(times, [step.lowest for step in steps], [step.highest for step in steps], "blue-soft")
    plot.line(times, np.array([step.total / step.scored for step in steps]), "blue")


def _reason(film: Film, reason: str, seconds: float) -> dict[str, Any]:
    """Its row: how long, and when, as runs of steps in per mille of the film."""
    whole = film.end_s or 1.0
    runs = []
    for there, steps in groupby(film.steps, key=lambda step: reason in step.reasons):
        run = list(steps)
        if there:
            start, end = 1000.0 * run[0].start_s / whole, 1000.0 * run[-1].end_s / whole
            runs.append((round(start, 1), round(max(end - start, 2.0), 1)))
    return {
        "reason": reason,
        "says": FAULTS[reason].says if reason in FAULTS else CONDITIONS[reason],
        "time": clock(seconds),
        "share": f"{seconds / whole:.1%}",
        "runs": runs,
        "colour": "rose" if reason in FAULTS else "green" if reason == "good" else "grey",
    }
