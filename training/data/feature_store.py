"""Cached encoder features of photos on disk, one row per photo, float16."""

from pathlib import Path

import numpy as np

from .row_store import RowStore

CROPS = 3
SHAPES = {"whole_statistics": (4, 3, 384), "crop_statistics": (CROPS, 4, 3, 384), "depth": (126, 126)}
"""Shape of a row of each kind: of the whole view, and of the crops side by side."""


class FeatureStore(RowStore):
    """The rows of one set of photos."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        """As :class:`RowStore`."""
        super().__init__(folder, names, {kind: (shape, np.float16) for kind, shape in SHAPES.items()})
