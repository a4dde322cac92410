"""Which photos are degraded how: a fixed list of copies for ranking, half a dozen kinds over photos of both parts.

Copies are made when asked for and never stored as pictures.
"""

from dataclasses import dataclass

import numpy as np

from .datasets import PhotoSet, read_photo_of_size
from .degradations import KINDS, degrade
from .edge_batches import Pairs
from .feature_store import FeatureStore

WEAKEST, STRONGEST = 0.15, 1.0
ORDER_SEED = 7
SEED = 3


@dataclass(frozen=True)
class Copy:
    """One degraded copy of the photo ``row``."""

    row: int
    kind: str
    strength: float
    seed: int

    @property
    def name(self) -> str:
        """Names a row of a feature store."""
        return f"{self.row}-{self.kind}-{self.strength:.3f}-{self.seed}"


@dataclass(frozen=True)
class DegradedSet:
    """Copies of validation photos first, then of fit photos.

    Attributes:
        validation: how many belong to validation photos.
    """

    copies: tuple[Copy, ...]
    validation: int

    def picture(self, number: int, photos: PhotoSet, features: FeatureStore, size: tuple[int, int]) -> np.ndarray:
        """The degraded copy ``number``, uint8 [H, W, 3]; haze takes the photo's depth where that is cached."""
        copy = self.copies[number]
        depth = features.maps["depth"][copy.row] if features.done[copy.row] else None
        photo = read_photo_of_size(photos.photos[copy.row].path, size)
        return degrade(photo, copy.kind, copy.strength, copy.seed, depth)

    def pairs(self, part: str, done: np.ndarray) -> Pairs:
        """Pairs of a part (``fit`` or ``validation``) whose copy is marked in ``done``."""
        numbers = np.arange(len(self.copies))
        numbers = numbers[: self.validation] if part == "validation" else numbers[self.validation :]
        numbers = numbers[done[numbers] == 1]
        return Pairs(np.array([self.copies[number].row for number in numbers], np.int64), numbers)


def extraction_order(photos: PhotoSet) -> np.ndarray:
    """Train photos in the fixed random order in which features are computed."""
    return np.random.default_rng(ORDER_SEED).permutation(photos.indices("train"))


def plan_degraded(photos: PhotoSet, validation: int, fit: int) -> DegradedSet:
    """The first photos of either part in extraction order, one copy each, kinds in turn, strengths at random."""
    order = extraction_order(photos)
    held_out = set(photos.indices("validation").tolist())
    parts = [row for row in order if row in held_out][:validation], [row for row in order if row not in held_out][:fit]
    generator = np.random.default_rng(SEED)
    kinds = list(KINDS)
    copies = []
    for part in parts:
        for position, row in enumerate(part):
            strength = float(generator.uniform(WEAKEST, STRONGEST))
            copies.append(Copy(int(row), kinds[position % len(kinds)], strength, int(generator.integers(2**31))))
    return DegradedSet(tuple(copies), len(parts[0]))
