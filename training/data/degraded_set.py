"""Which photos are degraded how: a fixed list of copies for ranking, half a dozen kinds over photos of both parts.

Copies are made when asked for and never stored as pictures.
"""

from dataclasses import dataclass

import numpy as np

from dgiqa_edge.calibration.degradations import KINDS, contrasted, degrade, dimmed, room_haze

from .datasets import PhotoSet, read_photo_of_size
from .edge_batches import Pairs
from .feature_store import FeatureStore

WEAKEST, STRONGEST = 0.15, 1.0
UNDEGRADED = "none"
ROOM_HAZE = "room-haze"
MOST_STOPS = 2.5
SERIES_SEED = 11
ROOM_SEED = 13
ORDER_SEED = 7
SEED = 3


@dataclass(frozen=True)
class Copy:
    """One degraded copy of the photo ``row``, first with ``stops`` less light and a harsher tone curve."""

    row: int
    kind: str
    strength: float
    seed: int
    stops: float = 0.0
    harshness: float = 0.0

    @property
    def name(self) -> str:
        """Names a row of a feature store."""
        dim = f"-{self.stops:.3f}" if self.stops else ""
        harsh = f"-h{self.harshness:.3f}" if self.harshness else ""
        return f"{self.row}-{self.kind}-{self.strength:.3f}-{self.seed}{dim}{harsh}"


@dataclass(frozen=True)
class DegradedSet:
    """Copies of validation photos first, then of fit photos, then haze series of fit photos.

    Attributes:
        validation: how many belong to validation photos.
        series: how many haze series end the list; each is a dimmed photo and it in weaker and stronger haze.
    """

    copies: tuple[Copy, ...]
    validation: int
    series: int = 0

    def picture(self, number: int, photos: PhotoSet, features: FeatureStore, size: tuple[int, int]) -> np.ndarray:
        """The degraded copy ``number``, uint8 [H, W, 3]; haze takes the photo's depth where that is cached."""
        copy = self.copies[number]
        depth = features.maps["depth"][copy.row] if features.done[copy.row] else None
        photo = read_photo_of_size(photos.photos[copy.row].path, size)
        if copy.stops:
            photo = dimmed(photo, copy.stops)
        if copy.harshness:
            photo = contrasted(photo, copy.harshness)
        if copy.kind == UNDEGRADED:
            return photo
        if copy.kind == ROOM_HAZE:
            return room_haze(photo, copy.strength, copy.seed, depth, 2.0 + copy.seed % 9)
        return degrade(photo, copy.kind, copy.strength, copy.seed, depth)

    def pairs(self, part: str, done: np.ndarray) -> Pairs:
        """Pairs of a part (``fit`` or ``validation``) whose copy is marked in ``done``."""
        numbers = np.arange(len(self.copies) - 3 * self.series)
        numbers = numbers[: self.validation] if part == "validation" else numbers[self.validation :]
        numbers = numbers[done[numbers] == 1]
        return Pairs(np.array([self.copies[number].row for number in numbers], np.int64), numbers)

    def series_pairs(self, done: np.ndarray) -> Pairs:
        """Pairs within the haze series, both numbers of copies, the clearer first, where both are ``done``."""
        first = len(self.copies) - 3 * self.series + 3 * np.arange(self.series)
        clearer = np.concatenate((first, first + 1, first))
        hazier = np.concatenate((first + 1, first + 2, first + 2))
        kept = (done[clearer] == 1) & (done[hazier] == 1)
        return Pairs(clearer[kept], hazier[kept])


def extraction_order(photos: PhotoSet) -> np.ndarray:
    """Train photos in the fixed random order in which features are computed."""
    return np.random.default_rng(ORDER_SEED).permutation(photos.indices("train"))


def plan_degraded(photos: PhotoSet, validation: int, fit: int, series: int = 0, room_series: int = 0) -> DegradedSet:
    """The first photos of either part in extraction order, one copy each, kinds in turn, strengths at random.

    Haze brightens a dim frame and softens a harsh one, which people like: ``series`` dimmed fit photos in haze, and
    ``room_series`` of further fit photos with harsh contrast in haze that begins far off, teach to tell the two apart.
    """
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
    generator = np.random.default_rng(SERIES_SEED)
    others = [row for row in order if row not in held_out]
    clearings, rooms = others[:series], others[series : series + room_series]
    for row in clearings:
        stops, seed = float(generator.uniform(0.0, MOST_STOPS)), int(generator.integers(2**31))
        weak = float(generator.uniform(0.03, 0.35))
        strong = weak + float(generator.uniform(0.2, 0.6))
        copies.append(Copy(int(row), UNDEGRADED, WEAKEST, seed, stops))
        copies += [Copy(int(row), "haze", strength, seed, stops) for strength in (weak, strong)]
    generator = np.random.default_rng(ROOM_SEED)
    for row in rooms:
        stops, harshness = max(0.0, float(generator.uniform(-1.0, MOST_STOPS))), float(generator.uniform(0.0, 1.0))
        seed = int(generator.integers(2**31))
        weak = float(generator.uniform(0.1, 0.4))
        strong = weak + float(generator.uniform(0.2, 0.6))
        copies.append(Copy(int(row), UNDEGRADED, WEAKEST, seed, stops, harshness))
        copies += [Copy(int(row), ROOM_HAZE, strength, seed, stops, harshness) for strength in (weak, strong)]
    return DegradedSet(tuple(copies), len(parts[0]), len(clearings) + len(rooms))
