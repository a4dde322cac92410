"""Pictures that vectors are made of: drawn, and kept one after the other in a file of pixels, with an index."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS

Picture = NDArray[np.uint8]

INDEX = "vectors.json"
PIXELS = "pixels.bin"


def shipped(name: str) -> Picture:
    """A photo that ships, uint8 [H, W, 3] BGR."""
    return np.asarray(cv2.imread(str(SHIPPED_PHOTOS / f"{name}.jpg")), np.uint8)


def rounded(values: NDArray[Any]) -> Picture:
    """As levels."""
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def write(folder: Path, pictures: dict[str, Picture], key: str, entries: Iterable[Any]) -> None:
    """Write pixels and their index, with the entries of ``key`` behind it, one a line."""
    index: list[dict[str, Any]] = []
    offset = 0
    for name, picture in pictures.items():
        index.append({"name": name, "height": picture.shape[0], "width": picture.shape[1], "offset": offset})
        offset += picture.size
    lines = [",\n  ".join(map(json.dumps, each)) for each in (index, entries)]
    text = f'{{"pictures": [\n  {lines[0]}\n ],\n "{key}": [\n  {lines[1]}\n ]}}\n'
    (folder / PIXELS).write_bytes(b"".join(picture.tobytes() for picture in pictures.values()))
    (folder / INDEX).write_text(text, encoding="utf-8")


def read(folder: Path) -> tuple[dict[str, Picture], dict[str, Any]]:
    """Pictures by name, and the whole document, as kept."""
    document = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    pixels = np.frombuffer((folder / PIXELS).read_bytes(), np.uint8)
    kept = {}
    for entry in document["pictures"]:
        shape = entry["height"], entry["width"], 3
        kept[entry["name"]] = pixels[entry["offset"] :][: np.prod(shape)].reshape(shape)
    return kept, document
