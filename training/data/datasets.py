"""Photos with human scores: the official BIQ2021 split, and a fixed validation part of its train photos.

The folder is a checkout of the public repository of BIQ2021 (``Images/`` and two CSV files). Nothing here decodes a
photo before it is asked for.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from dgiqa_edge.calibration.text_tables import table_rows
from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.images import read_image

TRAIN_CSV = "Train (Images and MOS).csv"
TEST_CSV = "Test (Images and MOS).csv"
VALIDATION_SEED = 2021
VALIDATION_PHOTOS = 1000


@dataclass(frozen=True)
class Photo:
    """One photo and its human score.

    Attributes:
        mos: mean opinion score in [0, 1], 1 best.
        split: ``train`` or ``test``, as the data set's authors divided it.
    """

    path: Path
    mos: float
    split: str


@dataclass(frozen=True)
class PhotoSet:
    """All photos of a data set, in the order of its lists: train first, then test."""

    photos: tuple[Photo, ...]

    @property
    def mos(self) -> np.ndarray:
        """float32 [photos]."""
        return np.array([photo.mos for photo in self.photos], np.float32)

    def indices(self, part: str) -> np.ndarray:
        """Positions of ``fit``, ``validation`` (both of the train split), ``train`` or ``test``: int64, ascending."""
        split = np.array([photo.split for photo in self.photos])
        if part in ("train", "test"):
            return np.flatnonzero(split == part)
        train = np.flatnonzero(split == "train")
        order = np.random.default_rng(VALIDATION_SEED).permutation(len(train))
        held_out = min(VALIDATION_PHOTOS, len(train) // 5)
        chosen = {"validation": order[:held_out], "fit": order[held_out:]}[part]
        return np.sort(train[chosen])


def read_biq2021(folder: Path) -> PhotoSet:
    """The official split of BIQ2021.

    Raises:
        SourceError: the folder lacks a list or the lists are damaged.
    """
    images = folder / "Images"
    # The lists and the files disagree on the case of a few names.
    stored = {path.name.lower(): path for path in images.iterdir()} if images.is_dir() else {}
    photos = []
    for name, split in ((TRAIN_CSV, "train"), (TEST_CSV, "test")):
        file = folder / name
        if not file.is_file():
            raise SourceError(
                f"{file} is missing: give the folder of the BIQ2021 repository (Images/ and two CSV files)"
            )
        for line, row in table_rows(file):
            cells = list(row.values())
            try:
                photos.append(Photo(stored.get(cells[0].lower(), images / cells[0]), float(cells[1]), split))
            except (IndexError, ValueError):
                raise SourceError(f"{file}, line {line}: expected 'image,score', found {cells[:2]}") from None
    return PhotoSet(tuple(photos))


def read_photo(path: Path) -> np.ndarray:
    """A photo as uint8 [H, W, 3], BGR.

    Raises:
        SourceError: it cannot be decoded.
    """
    return read_image(path)


def read_photo_of_size(path: Path, size: tuple[int, int]) -> np.ndarray:
    """As :func:`read_photo`; the few photos of another size are resized to ``size`` (height, width)."""
    photo = read_photo(path)
    if photo.shape[:2] == size:
        return photo
    method = cv2.INTER_AREA if photo.shape[0] > size[0] else cv2.INTER_LINEAR
    return cv2.resize(photo, (size[1], size[0]), interpolation=method)
