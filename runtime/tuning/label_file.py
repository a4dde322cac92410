"""What people say of a film: a CSV file with a line ``start_s,end_s,reason`` for each span, checked strictly."""

import csv
import difflib
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

from ..errors import ReportError
from ..gate.vocabulary import FAULTS, slug
from ..ground.input_file import read_input
from ..ground.names import shown
from .label_score import ReasonScore, Span, VerdictSpans, label_scores

COLUMNS = ("start_s", "end_s", "reason")
CLEAN = ("", "good")
SLACK_S = 1.0
"""By which a label may end after the film does: players round what they show."""
_WORDS = {word: name for name in FAULTS for word in (name, slug(name))}


def read_labels(path: Path) -> list[Span]:
    """The spans by time. A reason is the name or the slug of a fault; empty, or ``good``: nothing is wrong.

    Raises:
        ReportError: it is no such file, a line breaks its rule, or two spans share time.
        SourceError: there is no such file.
    """
    name = shown(path)
    try:
        text = read_input(path).decode("utf-8-sig")
        lines = list(csv.reader(text.splitlines(), strict=True)) or [[]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReportError(f"{name} is no CSV file ({error}): give lines of {','.join(COLUMNS)}") from None
    if tuple(cell.strip() for cell in lines[0]) != COLUMNS:
        raise ReportError(f"{name} begins with {shown(','.join(lines[0]))!r}: its first line is {','.join(COLUMNS)}")
    spans = sorted(
        ((_span(f"{name}, line {number}", cells), number) for number, cells in enumerate(lines[1:], 2) if any(cells)),
        key=lambda pair: pair[0].start_s,
    )
    for (before, first), (after, second) in itertools.pairwise(spans):
        if after.start_s < before.end_s:
            raise ReportError(
                f"{name}, lines {first} and {second}: both hold at {after.start_s:g} s: let one end where "
                "the other begins"
            )
    return [span for span, _ in spans]


def within(labels: Sequence[Span], end_s: float, name: str) -> list[Span]:
    """The labels of a film that ends at ``end_s``; what lies beyond by no more than ``SLACK_S`` is cut off.

    Raises:
        ReportError: a label lies outside the film.
    """
    for label in labels:
        if label.start_s >= end_s or label.end_s > end_s + SLACK_S:
            raise ReportError(
                f"{name}: the label from {label.start_s:g} to {label.end_s:g} s ({label.reason or CLEAN[1]}) lies "
                f"outside the film, which ends at {end_s:.2f} s: is it of another film?"
            )
    return [Span(label.start_s, min(label.end_s, end_s), label.reason) for label in labels]


def scored_against(
    labels: Sequence[Span] | None, name: str, spans: VerdictSpans, end_s: float
) -> tuple[dict[str, ReasonScore] | None, ReportError | None]:
    """What the labels of the file ``name`` say of a film that ends at ``end_s``, or why they are not of it.

    That is known once all of the film has been judged, and should not cost what else was asked for.
    """
    if labels is None:
        return None, None
    try:
        return label_scores(within(labels, end_s, name), *spans.until(end_s)), None
    except ReportError as error:
        return None, error


def _span(where: str, cells: Sequence[str]) -> Span:
    if len(cells) != len(COLUMNS):
        raise ReportError(f"{where} has {len(cells)} cells: give {','.join(COLUMNS)}")
    start_s, end_s = (_seconds(where, *pair) for pair in zip(COLUMNS, cells[:2], strict=False))
    if end_s <= start_s:
        raise ReportError(f"{where}: it ends at {end_s:g} s and begins at {start_s:g} s: let it end later")
    return Span(start_s, end_s, _reason(where, cells[2]))


def _seconds(where: str, column: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0.0):
        raise ReportError(f"{where}: {column} is {shown(cell)!r}: give seconds from the film's start, such as 12.5")
    return value


def _reason(where: str, cell: str) -> str | None:
    word = cell.strip().lower()
    if word in CLEAN:
        return None
    if word not in _WORDS:
        near = difflib.get_close_matches(word, _WORDS, 1)
        known = f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(FAULTS)}, or nothing for good"
        raise ReportError(f"{where}: the reason {shown(cell)!r} is unknown: {known}")
    return _WORDS[word]
