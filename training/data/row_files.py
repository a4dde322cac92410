"""Arrays on disk with one row per picture, filled in any order and resumable after any stop."""

import json
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.atomic import atomic_file
from dgiqa_edge.runtime.ground.strict_text import parse_json


def claim(folder: Path, names: list[str]) -> None:
    """Make ``folder`` the place of these pictures, a row each.

    Raises:
        ConfigurationError: it holds rows of other pictures.
    """
    index = folder / "names.json"
    folder.mkdir(parents=True, exist_ok=True)
    if index.is_file() and parse_json(index.read_text(encoding="utf-8")) != names:
        raise ConfigurationError(f"{folder} holds rows of other pictures: give another cache, or remove it")
    if not index.is_file():
        with atomic_file(index) as partial:
            partial.write_text(json.dumps(names), encoding="utf-8")


def open_rows(file: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    """The array of that file, or a new one of zeros."""
    if file.is_file():
        return np.lib.format.open_memmap(file, mode="r+")
    return np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
