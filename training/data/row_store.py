"""Rows of arrays on disk, filled in any order and resumable after any stop; ``done.npy`` marks those that are complete.

Nothing is computed here.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.strict_text import parse_json

Progress = Callable[[int, int], None]
Kinds = Mapping[str, tuple[tuple[int, ...], type]]
"""Shape and number type of a row of each kind."""
FLUSH_SECONDS = 60.0


class RowStore:
    """The rows of one set of photos.

    Attributes:
        maps: the rows of each kind, memory maps [rows, ...].
        done: uint8 [rows], 1 where a row is complete.
    """

    def __init__(self, folder: Path, names: list[str], kinds: Kinds) -> None:
        """Open the store in ``folder``, or begin one.

        Args:
            names: of the photos, a row each.

        Raises:
            ConfigurationError: the folder holds rows of other photos.
        """
        folder.mkdir(parents=True, exist_ok=True)
        index, rows = folder / "names.json", len(names)
        if index.is_file() and parse_json(index.read_text(encoding="utf-8")) != names:
            raise ConfigurationError(f"{folder} holds rows of other photos: give another cache, or remove it")
        if not index.is_file():
            write_text(index, json.dumps(names))
        self.maps = {
            kind: _open(folder / f"{kind}.npy", (rows, *shape), dtype) for kind, (shape, dtype) in kinds.items()
        }
        self.done = _open(folder / "done.npy", (rows,), np.uint8)

    def write(self, row: int, values: Mapping[str, np.ndarray]) -> None:
        """Fill one row; it counts as done only when every kind is written."""
        for kind, value in values.items():
            self.maps[kind][row] = value
        self.done[row] = 1

    def fill(self, rows: Iterable[int], make: Callable[[int], Mapping[str, np.ndarray]], progress: Progress) -> None:
        """Make the rows that are missing, in that order."""
        self.fill_batches(rows, 1, lambda chosen: [make(chosen[0])], progress)

    def fill_batches(
        self,
        rows: Iterable[int],
        batch: int,
        make: Callable[[list[int]], Iterable[Mapping[str, np.ndarray]]],
        progress: Progress,
    ) -> None:
        """The same, up to ``batch`` rows at a time."""
        pending = [row for row in rows if not self.done[row]]
        flushed = time.monotonic()
        for start in range(0, len(pending), batch):
            chosen = pending[start : start + batch]
            for row, values in zip(chosen, make(chosen), strict=True):
                self.write(row, values)
            progress(start + len(chosen), len(pending))
            if time.monotonic() - flushed > FLUSH_SECONDS:
                self.flush()
                flushed = time.monotonic()
        self.flush()

    def flush(self) -> None:
        """Everything written so far survives a power cut; rows before the mark that they are done."""
        for array in (*self.maps.values(), self.done):
            array.flush()

    def complete(self, wanted: np.ndarray) -> np.ndarray:
        """Those rows of ``wanted`` that are done."""
        return wanted[self.done[wanted] == 1]


def _open(file: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    if file.is_file():
        return np.lib.format.open_memmap(file, mode="r+")
    return np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
