"""Cached encoder features of photos on disk, one row per photo, float16."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .row_store import RowStore

KINDS = ("whole_grid", "whole_statistics", "crop_grid", "crop_statistics", "depth")


@dataclass(frozen=True)
class Shapes:
    """Shape of a row of each kind: of the whole view, and of the crops side by side."""

    whole_grid: tuple[int, ...] = (4, 81, 384)
    whole_statistics: tuple[int, ...] = (4, 3, 384)
    crop_grid: tuple[int, ...] = (3, 4, 81, 384)
    crop_statistics: tuple[int, ...] = (3, 4, 3, 384)
    depth: tuple[int, ...] = (126, 126)


class FeatureStore(RowStore):
    """The rows of one set of photos."""

    def __init__(self, folder: Path, names: list[str], shapes: Shapes | None = None) -> None:
        """As :class:`RowStore`."""
        shapes = shapes or Shapes()
        super().__init__(folder, names, {kind: (getattr(shapes, kind), np.float16) for kind in KINDS})
