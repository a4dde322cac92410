"""Which pictures are meant: lists of paths, folders, globs. A list is read in pieces, however long it is.

A name means what it means to ``score``; only a folder stands for all below it, as the prefix of a store does.
"""

import codecs
import csv
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from ...errors import ConfigurationError, SourceError
from ...frames.images import IMAGE_SUFFIXES
from ...ground.error_text import one_line
from ...ground.input_file import is_glob
from ...ground.names import shown
from .store import Store, answering, is_url

LINES = (".txt", ".lst")
COLUMNS = (".csv", ".parquet")
_NAMES = ("image", "path", "file", "filename", "url", "uri")


class Pictures:
    """The paths that arguments mean, in an order that is always the same; may be gone through again.

    Args:
        given: lists (``.txt`` or ``.lst`` with a path a line, ``.csv``, ``.parquet``), folders, globs or pictures, each
            on a disk or in a store.
        column: of a table, where its name is none of the usual ones.

    Raises, of a list on iteration:
        SourceError: a list that cannot be read, or has an empty path; a folder without a picture.
        ConfigurationError: a table in which no column is named as one of paths.
        MachineError: a store that does not answer.
    """

    def __init__(self, given: Sequence[str], column: str | None = None) -> None:
        self._column = column
        # Folders are gone through once: files may come while their pictures are scored.
        self._parts: list[Iterable[str]] = [
            _List(place, column) if _is_list(place) else tuple(_found(place)) for place in given
        ]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._parts)


class _List:
    def __init__(self, place: str, column: str | None) -> None:
        self._place, self._column = place, column

    def __iter__(self) -> Iterator[str]:
        suffix, (folder, _, name) = _suffix(self._place), self._place.rpartition("/")
        store = Store(folder or ("/" if self._place.startswith("/") else "."))
        try:
            if suffix == ".parquet":
                yield from self._checked(self._of_batches(store.batches(name)))
                return
            with store.stream(name, "rb") as stream:
                lines = _decoded(stream)
                if suffix in LINES:
                    yield from (path for path in (line.rstrip("\r\n") for line in lines) if path)
                else:
                    yield from self._checked(self._of_rows(csv.reader(lines, strict=True)))
        except FileNotFoundError:
            raise SourceError(f"{shown(self._place)} does not exist: check the name") from None
        except (OSError, csv.Error) as error:
            raise SourceError(f"{shown(self._place)} cannot be read as a list: {one_line(error)}") from error

    def _of_batches(self, batches: Iterable[Any]) -> Iterator[Any]:
        for batch in batches:
            yield from batch.column(self._name(batch.schema.names)).to_pylist()

    def _of_rows(self, rows: Iterator[list[str]]) -> Iterator[Any]:
        head = next(rows, [])
        column = head.index(self._name(head))
        yield from (row[column] if len(row) == len(head) else None for row in rows if row)

    def _checked(self, values: Iterable[Any]) -> Iterator[str]:
        for row, value in enumerate(values, 1):
            if not isinstance(value, str) or not value:
                raise SourceError(f"{shown(self._place)}: row {row} has no path, or other columns: correct the list")
            yield value

    def _name(self, names: Sequence[str]) -> str:
        wanted = (self._column,) if self._column is not None else _NAMES
        found = [name for name in names if name in wanted or (self._column is None and name.lower() in wanted)]
        if not found and self._column is None and len(names) == 1 and not _is_image(names[0]):  # a head, not a path
            return names[0]
        if len(found) != 1:
            there = ", ".join(shown(name) for name in names[:20])
            raise ConfigurationError(
                f"{shown(self._place)} has the columns {there}: name the one of paths by --column NAME"
            )
        return found[0]


def _decoded(stream: IO[bytes]) -> Iterator[str]:
    """Lines as text, their ends kept; a mark of UTF-8 at the start is none of them."""
    for number, line in enumerate(stream):
        yield os.fsdecode(line.removeprefix(codecs.BOM_UTF8) if number == 0 else line)


def _found(place: str) -> Iterator[str]:
    if is_url(place):
        yield from _found_in_store(place)
    elif os.path.isdir(place):  # noqa: PTH112 - never raises
        found = False
        for folder, folders, names in os.walk(place):
            folders.sort()
            for name in filter(_is_image, sorted(names)):
                found = True
                yield str(Path(folder, name))
        if not found:
            raise SourceError(f"{shown(place)} holds no picture: check the name")
    elif is_glob(Path(place)) and not os.path.lexists(place):
        names = glob.glob(place, recursive=True)  # noqa: PTH207 - absolute patterns too
        yield from sorted(name for name in names if not os.path.isdir(name)) or [place]  # noqa: PTH112
    else:
        yield place


def _found_in_store(place: str) -> Iterator[str]:
    with answering(place) as (files, path):
        if is_glob(Path(place)):
            names = files.glob(path)
        elif _is_image(place):
            names = [path]
        else:
            names = [name for name in files.find(path) if _is_image(name)]
        urls = [files.unstrip_protocol(name) for name in names]
    if not urls:
        raise SourceError(f"{shown(place)} holds no picture: check the name")
    yield from sorted(urls)


def _is_list(place: str) -> bool:
    return _suffix(place) in (*LINES, *COLUMNS) and not os.path.isdir(place)  # noqa: PTH112 - never raises


def _is_image(name: str) -> bool:
    return _suffix(name) in IMAGE_SUFFIXES


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122
