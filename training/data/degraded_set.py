"""Which photos are degraded how: a fixed list of ladders, each a photo and weaker and stronger copies of it.

Copies are made when asked for and never stored as pictures. The clearer of two copies is the better one; where the
ladder stands on the photo itself, the photo is better than both. Frames of dead cameras end the list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from dgiqa_edge.calibration.degradations.kinds import FAULTS, KINDS, contrasted, degraded, dimmed, enlarged
from dgiqa_edge.calibration.degradations.scene import Degraded, everywhere
from dgiqa_edge.calibration.degradations.sensor import blank

from .datasets import PhotoSet, read_photo_of_size
from .edge_batches import Pairs
from .feature_store import FeatureStore

WEAKEST, STRONGEST = 0.08, 1.0
LEAST_STEP = 0.2
"""Between the strengths of a ladder's copies."""
UNDEGRADED = "none"
BLANK = "blank"
VALIDATION_BLANKS, FIT_BLANKS = 40, 200
LEAST_TAKEN = 0.8
"""Share of its severity that a kind takes at least from a photo's score."""
ORDER_SEED = 7
SEED = 17


@dataclass(frozen=True)
class Copy:
    """One degraded copy of the photo ``row``.

    Attributes:
        stops, harshness, times: what the photo gets first: less light, a harsher tone curve; only a part, so many times
            enlarged.
    """

    row: int
    kind: str
    strength: float
    seed: int
    stops: float = 0.0
    harshness: float = 0.0
    times: float = 1.0

    @property
    def name(self) -> str:
        """Names a row of a feature store."""
        dim = f"-{self.stops:.3f}" if self.stops else ""
        harsh = f"-h{self.harshness:.3f}" if self.harshness else ""
        large = f"-x{self.times:.3f}" if self.times > 1.0 else ""
        return f"{self.row}-{self.kind}-{self.strength:.3f}-{self.seed}{dim}{harsh}{large}"

    @property
    def of_the_photo(self) -> bool:
        """Whether the photo itself, unaltered, is what was degraded."""
        return not self.stops and not self.harshness and self.times == 1.0

    @property
    def taken(self) -> float:
        """The share of its photo's score that the copy loses at least."""
        return LEAST_TAKEN * KINDS[self.kind].severity * self.strength if self.kind in KINDS else 0.0

    def labels(self, good: bool) -> np.ndarray:
        """1 for the faults it shows, 0 for those it does not, NaN for what is not known: float32 [faults].

        Args:
            good: whether people found nothing wrong with the photo.
        """
        found = np.full(len(FAULTS), 0.0 if good and self.of_the_photo and self.kind != BLANK else np.nan, np.float32)
        return KINDS[self.kind].label(found) if self.kind in KINDS else found

    def made(self, photo: np.ndarray, depth: np.ndarray | None) -> Degraded:
        """The copy and where it is degraded."""
        if self.kind == BLANK:
            return everywhere(blank((photo.shape[0], photo.shape[1]), np.random.default_rng(self.seed)))
        if self.stops:
            photo = dimmed(photo, self.stops)
        if self.harshness:
            photo = contrasted(photo, self.harshness)
        if self.times > 1.0:
            photo, depth = enlarged(photo, self.times, self.seed), None
        if self.kind == UNDEGRADED:
            return Degraded(photo, np.zeros(photo.shape[:2], np.float32))
        return degraded(photo, self.kind, self.strength, self.seed, depth)


@dataclass(frozen=True)
class DegradedSet:
    """Copies, the rungs of a ladder side by side, clearer ones first.

    Attributes:
        ladders: first copy of each ladder and the one after its last, int64 [ladders, 2].
        validation: how many copies belong to validation photos; they come first.
        blanks: how many frames of dead cameras end the list, those to validate on first.
    """

    copies: tuple[Copy, ...]
    ladders: np.ndarray
    validation: int
    blanks: int = 0

    def made(self, number: int, photos: PhotoSet, features: FeatureStore, size: tuple[int, int]) -> Degraded:
        """The copy ``number``; haze and focus take the photo's depth where that is cached."""
        copy = self.copies[number]
        depth = features.maps["depth"][copy.row] if features.done[copy.row] else None
        return copy.made(read_photo_of_size(photos.photos[copy.row].path, size), depth)

    def picture(self, number: int, photos: PhotoSet, features: FeatureStore, size: tuple[int, int]) -> np.ndarray:
        """Its picture alone, uint8 [H, W, 3]."""
        return self.made(number, photos, features, size).picture

    def pairs(self, part: str, done: np.ndarray) -> Pairs:
        """Photos of a part (``fit`` or ``validation``) and their copies that are marked in ``done``."""
        numbers = np.arange(len(self.copies) - self.blanks)
        numbers = numbers[: self.validation] if part == "validation" else numbers[self.validation :]
        numbers = np.array([n for n in numbers if done[n] == 1 and self.copies[n].of_the_photo], np.int64)
        return Pairs(np.array([self.copies[number].row for number in numbers], np.int64), numbers)

    @property
    def order(self) -> np.ndarray:
        """In which the copies are worth making: those to validate on, dead cameras, the other ladders mixed; int64."""
        numbers = np.arange(len(self.copies))
        ladders = [numbers[start:end] for start, end in self.ladders if start >= self.validation]
        mixed = [ladders[place] for place in np.random.default_rng(ORDER_SEED).permutation(len(ladders))]
        dead = numbers[len(numbers) - self.blanks :]
        return np.concatenate((numbers[: self.validation], dead, *mixed))

    def dead(self, part: str, done: np.ndarray) -> np.ndarray:
        """Copies of a part that are frames of dead cameras and are ``done``: int64, ascending."""
        first = len(self.copies) - self.blanks
        middle = first + VALIDATION_BLANKS
        numbers = np.arange(first, middle) if part == "validation" else np.arange(middle, len(self.copies))
        return numbers[done[numbers] == 1]

    def series_pairs(self, done: np.ndarray, part: str) -> Pairs:
        """Two copies of one ladder, the clearer first, where both are ``done``."""
        first = [
            (upper, lower)
            for start, end in self.ladders
            if (start < self.validation) == (part == "validation")
            for upper in range(start, end)
            for lower in range(upper + 1, end)
            if done[upper] == 1 and done[lower] == 1
        ]
        both = np.array(first, np.int64).reshape(-1, 2)
        return Pairs(both[:, 0], both[:, 1])


def extraction_order(photos: PhotoSet) -> np.ndarray:
    """Train photos in the fixed random order in which features are computed."""
    return np.random.default_rng(ORDER_SEED).permutation(photos.indices("train"))


def plan_degraded(
    photos: PhotoSet,
    kinds: tuple[str, ...],
    validation: int,
    fit: int,
    series: Mapping[str, int] = MappingProxyType({}),
) -> DegradedSet:
    """Ladders of two copies on the first photos of either part in extraction order, the kinds in turn.

    Args:
        series: of :data:`SERIES`, how many further fit photos each takes.
    """
    order = extraction_order(photos)
    held_out = set(photos.indices("validation").tolist())
    own, others = [row for row in order if row in held_out], [row for row in order if row not in held_out]
    rng = np.random.default_rng(SEED)
    ladders = [
        _rungs(int(row), kinds[position % len(kinds)], rng)
        for part in (own[:validation], others[:fit])
        for position, row in enumerate(part)
    ]
    for name, count in series.items():
        for position, row in enumerate(others[:count]):
            rungs = SERIES[name](int(row), position, rng)
            ladders.append((replace(rungs[0], kind=UNDEGRADED, strength=0.0), *rungs))
    ends = np.cumsum([len(ladder) for ladder in ladders]).astype(np.int64)
    bounds = np.stack((np.concatenate(([0], ends[:-1])), ends), axis=1) if ladders else np.zeros((0, 2), np.int64)
    count = int(ends[min(len(own), validation) - 1]) if validation and own else 0
    blanks = tuple(Copy(int(order[0]), BLANK, 1.0, seed) for seed in range(VALIDATION_BLANKS + FIT_BLANKS))
    copies = tuple(copy for ladder in ladders for copy in ladder)
    return DegradedSet((*copies, *blanks), bounds, count, len(blanks))


def _rungs(row: int, kind: str, rng: np.random.Generator, **first: float) -> tuple[Copy, ...]:
    """A weak and a strong copy by the same draw of chance, of the photo after ``first`` (see :class:`Copy`)."""
    weak = float(rng.uniform(WEAKEST, STRONGEST - LEAST_STEP))
    strong = float(rng.uniform(weak + LEAST_STEP, STRONGEST))
    seed = int(rng.integers(2**31))
    return tuple(Copy(row, kind, strength, seed, **first) for strength in (weak, strong))


def _dim(row: int, position: int, rng: np.random.Generator) -> tuple[Copy, ...]:
    """Haze brightens a dim frame and softens a harsh one, which people like."""
    stops = float(rng.uniform(0.1, 2.5))
    harshness = float(rng.uniform(0.0, 1.0)) if position % 2 else 0.0
    return _rungs(row, ("haze", "room_haze")[position // 2 % 2], rng, stops=stops, harshness=harshness)


def _soft(row: int, position: int, rng: np.random.Generator) -> tuple[Copy, ...]:
    """Noise and sharpening on a soft picture look like detail."""
    times = float(rng.uniform(1.4, 4.0))
    return _rungs(row, ("noise", "noise", "noise", "over_sharpened")[position % 4], rng, times=times)


def _harsh(row: int, position: int, rng: np.random.Generator) -> tuple[Copy, ...]:
    """A window's view that is burnt in a room in shadow is well exposed where the room is black."""
    harshness = float(rng.uniform(0.3, 1.0))
    return _rungs(row, ("under_exposure", "under_exposure", "over_exposure")[position % 3], rng, harshness=harshness)


SERIES: Mapping[str, Callable[[int, int, np.random.Generator], tuple[Copy, ...]]] = MappingProxyType(
    {"dim": _dim, "soft": _soft, "harsh": _harsh}
)
"""Ladders that stand on an altered photo, since what is done to it next would else be taken for the better."""
