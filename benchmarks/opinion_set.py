"""Photos with human opinion scores, and pairs of photos whose order of quality is known; read from CSV files.

A photo that a CSV names and that cannot be read is counted and named, never left out silently.
"""

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError


@dataclass(frozen=True)
class RatedPhoto:
    """A photo and its mean opinion score, higher is better."""

    path: Path
    mos: float


@dataclass(frozen=True)
class OrderedPair:
    """Two photos of one scene; ``better`` has less of the degradation."""

    scene: str
    better: Path
    worse: Path


def read_opinions(table: Path, photos: Path, split: str | None = None) -> list[RatedPhoto]:
    """Rows of a CSV with the columns ``file`` and ``mos`` (and ``split``, if asked for).

    Raises:
        SourceError: the table or a photo it names is missing.
        ConfigurationError: a column is missing, a score is no number, or no row is left.
    """
    rows = _rows(table, ("file", "mos", *(("split",) if split else ())))
    rated = []
    for line, row in enumerate(rows, start=2):
        if split and row["split"] != split:
            continue
        try:
            mos = float(row["mos"])
        except ValueError:
            raise ConfigurationError(f"{table}, line {line}: the score {row['mos']!r} is not a number") from None
        rated.append(RatedPhoto(_existing(photos / row["file"], table, line), mos))
    if not rated:
        raise ConfigurationError(f"{table} has no photo" + (f" of split {split!r}" if split else ""))
    return rated


def read_pairs(table: Path, photos: Path) -> list[OrderedPair]:
    """Pairs of a CSV with the columns ``scene``, ``file`` and, last, the strength of the degradation (0 is clean).

    Within a scene every photo is paired with the next stronger one; equal strengths make no pair.

    Raises:
        SourceError: the table or a photo it names is missing.
        ConfigurationError: a column is missing, a strength is no number, or no pair is left.
    """
    rows = _rows(table, ("scene", "file"))
    scenes: dict[str, list[tuple[float, Path]]] = {}
    for line, row in enumerate(rows, start=2):
        strength = list(row.values())[-1]
        try:
            entry = (float(strength), _existing(photos / row["file"], table, line))
        except ValueError:
            raise ConfigurationError(f"{table}, line {line}: the strength {strength!r} is not a number") from None
        scenes.setdefault(row["scene"], []).append(entry)
    pairs = []
    for scene, entries in scenes.items():
        for (weak, better), (strong, worse) in pairwise(sorted(entries)):
            if weak < strong:
                pairs.append(OrderedPair(scene, better, worse))
    if not pairs:
        raise ConfigurationError(f"{table} has no two photos of one scene with different strengths")
    return pairs


def _rows(table: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"cannot read the table {table}: {error}") from error
    missing = [column for column in columns if column not in (reader.fieldnames or ())]
    if missing:
        raise ConfigurationError(f"{table} lacks the column {', '.join(missing)}: its first line must name {columns}")
    return rows


def _existing(path: Path, table: Path, line: int) -> Path:
    if not path.is_file():
        raise SourceError(f"{table}, line {line}: {path} is missing; is --photos the right folder?")
    return path
