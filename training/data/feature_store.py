"""Cached encoder features of photos on disk, one row per photo, filled in any order and resumable after any stop.

Rows are float16 memory maps; ``done.npy`` marks those that are complete. Nothing is computed here.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .row_files import claim, open_rows

KINDS = ("whole_grid", "whole_statistics", "crop_grid", "crop_statistics", "depth")


@dataclass(frozen=True)
class Shapes:
    """Shape of a row of each kind: of the whole view, and of the crops side by side."""

    whole_grid: tuple[int, ...] = (4, 81, 384)
    whole_statistics: tuple[int, ...] = (4, 3, 384)
    crop_grid: tuple[int, ...] = (3, 4, 81, 384)
    crop_statistics: tuple[int, ...] = (3, 4, 3, 384)
    depth: tuple[int, ...] = (126, 126)


class FeatureStore:
    """The rows of one set of photos."""

    def __init__(self, folder: Path, rows: int, names: list[str], shapes: Shapes | None = None) -> None:
        """Open the store in ``folder``, or begin one.

        Raises:
            ConfigurationError: see :func:`row_files.claim`.
        """
        shapes = shapes or Shapes()
        claim(folder, names)
        self.names = names
        self.maps = {
            kind: open_rows(folder / f"{kind}.npy", (rows, *getattr(shapes, kind)), np.float16) for kind in KINDS
        }
        self.done = open_rows(folder / "done.npy", (rows,), np.uint8)

    def write(self, row: int, values: dict[str, np.ndarray]) -> None:
        """Fill one row; it counts as done only when every kind is written."""
        for kind, value in values.items():
            self.maps[kind][row] = value
        self.done[row] = 1

    def flush(self) -> None:
        """Everything written so far survives a power cut."""
        for array in (*self.maps.values(), self.done):
            array.flush()

    def complete(self, wanted: np.ndarray) -> np.ndarray:
        """Those rows of ``wanted`` that are done."""
        return wanted[self.done[wanted] == 1]
