"""What the user says of photos: a table of scores (``image``, ``score``) or of pairs (``better``, ``worse``).

Photos are known by their content: of copies under several names the opinions are those of one photo. Rows that name
the same photo are averaged. Photos of one ``group`` (a column that may be there: a scene, a camera, a day) are never
divided between what is learned from and what is judged on.
"""

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.text_tables import table_rows
from dgiqa_edge.runtime.errors import ReportError, SourceError
from dgiqa_edge.runtime.ground.names import shown
from dgiqa_edge.runtime.hashing import sha256_file

FEWEST = 20
FEW = 60
IMAGES = ("image", "file", "filename", "file_name", "photo", "path", "name", "image name")
SCORES = ("score", "mos", "rating", "quality")
PAIR = ("better", "worse")
GROUPS = ("group", "scene")
NAMES_SHOWN = 5

Row = tuple[int, dict[str, str]]


@dataclass(frozen=True)
class Opinions:
    """Photos, and what is said of them.

    Attributes:
        photos: one file each.
        keys: SHA-256 of each file.
        groups: int64 [photos]: which of them belong together.
        scores: float64 [photos], higher is better, in the user's own units; None where pairs are given.
        pairs: int64 [pairs, 2], the better photo first; None where scores are given.
        notes: what of the table could not be used.
    """

    photos: tuple[Path, ...]
    keys: tuple[str, ...]
    groups: np.ndarray
    scores: np.ndarray | None = None
    pairs: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=(), compare=False)

    def among(self, kept: np.ndarray) -> "Opinions":
        """Those of some photos, bool [photos], and of pairs both of whose photos are among them."""
        rows = np.flatnonzero(kept)
        return replace(
            self,
            photos=tuple(self.photos[row] for row in rows),
            keys=tuple(self.keys[row] for row in rows),
            groups=self.groups[rows],
            scores=None if self.scores is None else self.scores[rows],
            pairs=None if self.pairs is None else pairs_among(self.pairs, rows, len(self.photos)),
        )

    def check(self) -> "Opinions":
        """Themselves, if they are enough to learn from.

        Raises:
            ReportError: too few photos or pairs, or all scores are the same.
        """
        if len(self.photos) < FEWEST:
            raise ReportError(
                f"{len(self.photos)} photos with opinions are too few to learn from: give at least {FEWEST}"
            )
        if self.pairs is not None and len(self.pairs) < FEWEST:
            raise ReportError(f"{len(self.pairs)} pairs are too few to learn from: give at least {FEWEST}")
        if self.scores is not None and np.ptp(self.scores) == 0.0:
            raise ReportError(f"all photos have the score {self.scores[0]:g}: there is nothing to learn")
        return self


def pairs_among(pairs: np.ndarray, rows: np.ndarray, photos: int) -> np.ndarray:
    """Pairs of which both photos are among ``rows``, numbered as these: int64 [pairs, 2]."""
    place = np.full(photos, -1)
    place[rows] = np.arange(len(rows))
    found = place[pairs]
    return found[(found >= 0).all(axis=1)]


def read_opinions(table: Path, folder: Path, split: str | None = None) -> Opinions:
    """The opinions of a CSV file on photos of a folder.

    Args:
        split: only rows with this word in the column ``split``.

    Raises:
        ReportError: the table cannot be read, lacks columns, or says what makes no sense.
        SourceError: all photos that it names are missing.
    """
    rows = table_rows(table)
    header = {name.lower(): name for name in (rows[0][1] if rows else {})}
    if split is not None:
        column = header.get("split")
        if column is None:
            raise ReportError(f"{table} has no column split: leave --split out")
        rows = [row for row in rows if row[1][column] == split]
    if not rows:
        raise ReportError(f"{table} has no row" + (f" of split {split!r}" if split else ""))
    image = next((header[name] for name in IMAGES if name in header), None)
    score = next((header[name] for name in SCORES if name in header), None)
    is_of_pairs = all(name in header for name in PAIR)
    if not is_of_pairs and (image is None or score is None):
        raise ReportError(
            f"{table}: its first line names {', '.join(header.values())}; write image,score (also "
            f"{', '.join(IMAGES[1:4])}; {', '.join(SCORES[1:])}) or {','.join(PAIR)}"
        )
    columns = [header[name] for name in PAIR] if is_of_pairs else [str(image)]
    shelf = _Shelf(table, folder, rows, columns)
    if is_of_pairs:
        return _of_pairs(table, shelf, rows, columns)
    group = next((header[name] for name in GROUPS if name in header), None)
    return _of_scores(table, shelf, rows, columns[0], str(score), group)


class _Shelf:
    """The photos that a table names: each content once, by the first name that it has."""

    def __init__(self, table: Path, folder: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
        self.numbers: dict[str, int] = {}
        self.photos: list[Path] = []
        self.keys: list[str] = []
        names = list(dict.fromkeys(row[column] for _, row in rows for column in columns))
        missing = [name for name in names if not os.path.isfile(folder / name)]  # noqa: PTH113 - never raises
        if len(missing) == len(names):
            raise SourceError(
                f"{shown(folder / names[0])} is missing, as is every photo of {table}: is {shown(folder)} the right "
                "--photos?"
            )
        by_key: dict[str, int] = {}
        copies = 0
        for name in names:
            if name in missing:
                continue
            key = sha256_file(folder / name)
            copies += key in by_key
            if key not in by_key:
                by_key[key] = len(self.photos)
                self.photos.append(folder / name)
                self.keys.append(key)
            self.numbers[name] = by_key[key]
        self.notes = []
        if missing:
            self.notes.append(f"{len(missing)} photos of {table.name} are missing: {named(missing)}")
        if copies:
            self.notes.append(f"{copies} photos are copies of others: each content counts as one photo")

    def opinions(self, groups: np.ndarray, notes: Sequence[str] = (), **said: np.ndarray) -> Opinions:
        return Opinions(tuple(self.photos), tuple(self.keys), groups, notes=(*self.notes, *notes), **said)


def _of_scores(table: Path, shelf: _Shelf, rows: Sequence[Row], image: str, score: str, group: str | None) -> Opinions:
    said: list[list[float]] = [[] for _ in shelf.photos]
    joined = _Joined(len(shelf.photos))
    first_of: dict[str, int] = {}
    for line, row in rows:
        value = _score(table, line, row[score])
        number = shelf.numbers.get(row[image])
        if number is None:
            continue
        said[number].append(value)
        if group is not None and row[group]:
            joined.join(number, first_of.setdefault(row[group], number))
    several = sum(len(of) > 1 for of in said)
    notes = [f"{several} photos have several scores, which were averaged"] if several else []
    return shelf.opinions(joined.groups(), notes, scores=np.array([np.mean(of) for of in said])).check()


def _of_pairs(table: Path, shelf: _Shelf, rows: Sequence[Row], columns: Sequence[str]) -> Opinions:
    found = []
    joined = _Joined(len(shelf.photos))
    for line, row in rows:
        names = [row[column] for column in columns]
        if not all(name in shelf.numbers for name in names):
            continue
        better, worse = (shelf.numbers[name] for name in names)
        if better == worse:
            raise ReportError(f"{table}, line {line}: a photo cannot be better than itself")
        found.append((better, worse))
        joined.join(better, worse)
    turned = {(worse, better) for better, worse in found} & set(found)
    notes = [f"{len(turned) // 2} pairs are said in both orders"] if turned else []
    pairs = np.array(found, np.int64).reshape(-1, 2)
    return shelf.opinions(joined.groups(), notes, pairs=pairs).check()


class _Joined:
    """Numbers that were joined, directly or by others between them."""

    def __init__(self, count: int) -> None:
        self._first = list(range(count))

    def join(self, one: int, other: int) -> None:
        self._first[self._of(one)] = self._of(other)

    def groups(self) -> np.ndarray:
        """The group of each number: int64 [count]."""
        firsts = np.array([self._of(number) for number in range(len(self._first))], np.int64)
        return np.searchsorted(np.unique(firsts), firsts)

    def _of(self, number: int) -> int:
        while self._first[number] != number:
            self._first[number] = self._first[self._first[number]]
            number = self._first[number]
        return number


def _score(table: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ReportError(f"{table}, line {line}: the score {text!r} is not a number") from None
    if not math.isfinite(value):
        raise ReportError(f"{table}, line {line}: the score {text} is not finite")
    return value


def named(names: Sequence[str], show: Callable[[str], str] = shown) -> str:
    """The first few names of a list."""
    rest = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(show(name) for name in names[:NAMES_SHOWN]) + rest
