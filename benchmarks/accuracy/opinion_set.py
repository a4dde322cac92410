"""Photos with human opinion scores, and series of photos whose order of quality is known; read from CSV files.

A photo that a CSV names and that cannot be read is counted and named, never left out silently.
"""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dgiqa_edge.calibration.text_tables import table_rows
from dgiqa_edge.runtime.errors import ReportError, SourceError

from .graded_series import GradedSeries


@dataclass(frozen=True)
class RatedPhoto:
    """A photo and its mean opinion score, higher is better."""

    path: Path
    mos: float


def read_opinions(table: Path, photos: Path, split: str | None = None) -> list[RatedPhoto]:
    """Rows of a CSV with the columns ``file`` and ``mos`` (and ``split``, if asked for).

    Raises:
        SourceError: all photos that the table names are missing.
        ReportError: the table cannot be read or lacks a column, a score is no finite number, a photo comes twice, or
            no row is left.
    """
    rated: dict[Path, RatedPhoto] = {}
    for line, row in table_rows(table, ("file", "mos", *(("split",) if split else ()))):
        if split and row["split"] != split:
            continue
        try:
            mos = float(row["mos"])
        except ValueError:
            raise ReportError(f"{table}, line {line}: the score {row['mos']!r} is not a number") from None
        if not math.isfinite(mos):
            raise ReportError(f"{table}, line {line}: the score {row['mos']} is not finite")
        path = photos / row["file"]
        if path in rated:
            raise ReportError(f"{table}, line {line}: {row['file']} was rated in an earlier line already")
        rated[path] = RatedPhoto(path, mos)
    if not rated:
        raise ReportError(f"{table} has no photo" + (f" of split {split!r}" if split else ""))
    _check_folder(rated, table, photos)
    return list(rated.values())


def read_series(table: Path, photos: Path) -> list[GradedSeries]:
    """Series of a CSV of two forms; pictures are named by their paths.

    ``scene``, ``file`` and, last, the strength of the degradation, 0 for the clean picture. Or ``file``, ``pair``,
    ``role``: what is ``better`` is the clean picture, each kind of ``worse...`` makes a series of its own with it.
    Their strengths stand in ``strength``; where it is not there or empty they are 1.

    Raises:
        SourceError: all photos that the table names are missing.
        ReportError: the table cannot be read or lacks a column, a strength is no number or negative, a role is none, or
            no pair is left.
    """
    rows = table_rows(table, ("file",))
    if rows and "role" in rows[0][1]:
        entries = _by_role(table, table_rows(table, ("file", "pair", "role")))
    else:
        rows = table_rows(table, ("scene", "file"))
        entries = [(row["scene"], _strength(table, line, list(row.values())[-1]), row["file"]) for line, row in rows]
    scenes: dict[str, list[tuple[float, str]]] = {}
    for scene, strength, file in entries:
        scenes.setdefault(scene, []).append((strength, str(photos / file)))
    _check_folder([Path(path) for pictures in scenes.values() for _, path in pictures], table, photos)
    series = [GradedSeries(scene, tuple(sorted(pictures))) for scene, pictures in scenes.items()]
    if not any(one.step_pairs() for one in series):
        raise ReportError(f"{table} has no two photos of one scene with different strengths")
    return series


def _by_role(table: Path, rows: Iterable[tuple[int, dict[str, str]]]) -> list[tuple[str, float, str]]:
    """(series, strength, file): the better pictures of a pair once for each of its kinds of worse ones."""
    better: dict[str, list[str]] = {}
    worse: dict[str, list[tuple[str, float, str]]] = {}
    for line, row in rows:
        if row["role"] == "better":
            better.setdefault(row["pair"], []).append(row["file"])
        elif row["role"].startswith("worse"):
            strength = _strength(table, line, row.get("strength") or "1")
            worse.setdefault(row["pair"], []).append((row["role"], strength, row["file"]))
        else:
            raise ReportError(f"{table}, line {line}: the role {row['role']!r} is neither 'better' nor 'worse...'")
    entries = []
    for pair, pictures in worse.items():
        for role in dict.fromkeys(role for role, _, _ in pictures):
            entries += [(f"{pair} {role}", 0.0, file) for file in better.get(pair, [])]
            entries += [(f"{pair} {role}", strength, file) for kind, strength, file in pictures if kind == role]
    return entries


def _strength(table: Path, line: int, text: str) -> float:
    try:
        strength = float(text)
    except ValueError:
        raise ReportError(f"{table}, line {line}: the strength {text!r} is not a number") from None
    if not 0.0 <= strength < math.inf:
        raise ReportError(f"{table}, line {line}: the strength {text} is below zero or not finite")
    return strength


def _check_folder(photos: Iterable[Path], table: Path, folder: Path) -> None:
    """Single photos may be missing, and are then counted as failed; where all are, the folder is the wrong one."""
    paths = list(photos)
    if paths and not any(os.path.lexists(path) for path in paths):
        raise SourceError(f"{paths[0]} is missing, as is every photo of {table}: is {folder} the right --photos?")
