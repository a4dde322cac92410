"""Observers: from what a tensor showed on the calibration frames to the range its INT8 grid shall cover.

Min-max keeps every value, percentile drops the rarest ones at both ends, entropy picks the clipping
threshold whose quantized distribution tells least apart from the real one (Kullback-Leibler, 2048 bins
against 128 levels, the method of NVIDIA's "8-bit inference with TensorRT", GTC 2017). Pure functions of
extremes and histograms.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError


@dataclass(frozen=True)
class Extent:
    """Smallest and largest value a tensor took."""

    low: float
    high: float

    @property
    def absmax(self) -> float:
        return max(abs(self.low), abs(self.high))

    def union(self, other: "Extent") -> "Extent":
        return Extent(min(self.low, other.low), max(self.high, other.high))


class Histogram:
    """Counts of values in ``bins`` equal cells of ``[low, high]``; values outside go to the outer cells."""

    def __init__(self, low: float, high: float, bins: int, *, of_magnitudes: bool = False) -> None:
        self.low, self.high = float(low), float(high)
        self.of_magnitudes = of_magnitudes
        self.counts = np.zeros(bins, np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count ``values`` (float32, any shape); their absolute values when ``of_magnitudes``."""
        bins = len(self.counts)
        width = (self.high - self.low) / bins
        flat = np.abs(values).ravel() if self.of_magnitudes else values.ravel()
        if width <= 0:
            self.counts[0] += flat.size
            return
        cells = ((flat.astype(np.float64) - self.low) / width).astype(np.int64)
        self.counts += np.bincount(np.clip(cells, 0, bins - 1), minlength=bins)

    @property
    def cell_width(self) -> float:
        return (self.high - self.low) / len(self.counts)


class Observer(ABC):
    """A method of choosing ranges; a dataclass of its options. ``histogram`` gives None where extremes are enough."""

    method: ClassVar[str]

    def histogram(self, extent: Extent) -> Histogram | None:
        return None

    @abstractmethod
    def range_of(self, extent: Extent, histogram: Histogram | None) -> Extent: ...

    def options(self) -> dict[str, float | int]:
        return dict(vars(self))


@dataclass(frozen=True)
class MinMax(Observer):
    """Keeps the whole observed range."""

    method = "minmax"

    def range_of(self, extent: Extent, histogram: Histogram | None) -> Extent:
        return extent


@dataclass(frozen=True)
class Percentile(Observer):
    """Keeps the central ``percentile`` percent of the values; half of the rest is cut at either end."""

    method = "percentile"
    percentile: float = 99.99
    bins: int = 8192

    def __post_init__(self) -> None:
        if not 50 < self.percentile <= 100:
            raise ConfigurationError(f"percentile {self.percentile} makes no sense: give one above 50, at most 100")

    def histogram(self, extent: Extent) -> Histogram:
        return Histogram(extent.low, extent.high, self.bins)

    def range_of(self, extent: Extent, histogram: Histogram | None) -> Extent:
        if histogram is None or not histogram.counts.sum():
            return extent
        tail = (1 - self.percentile / 100) / 2
        return Extent(
            max(extent.low, _quantile(histogram, tail)),
            min(extent.high, _quantile(histogram, 1 - tail)),
        )


@dataclass(frozen=True)
class Entropy(Observer):
    """Clips magnitudes at the threshold with the least Kullback-Leibler divergence."""

    method = "entropy"
    bins: int = 2048
    levels: int = 128

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= self.bins:
            raise ConfigurationError(
                f"entropy needs 2 <= levels <= bins, not {self.levels} levels and {self.bins} bins"
            )

    def histogram(self, extent: Extent) -> Histogram:
        return Histogram(0.0, extent.absmax, self.bins, of_magnitudes=True)

    def range_of(self, extent: Extent, histogram: Histogram | None) -> Extent:
        if histogram is None or not histogram.counts.sum():
            return extent
        threshold = least_divergent_threshold(histogram.counts, self.levels) * histogram.cell_width
        return Extent(max(extent.low, -threshold), min(extent.high, threshold))


OBSERVERS: Mapping[str, type[MinMax] | type[Percentile] | type[Entropy]] = {
    one.method: one for one in (MinMax, Percentile, Entropy)
}


def create_observer(method: str, **options: float) -> Observer:
    """Observer by name.

    Raises:
        ConfigurationError: unknown method, or options it does not have or that make no sense.
    """
    if method not in OBSERVERS:
        raise ConfigurationError(f"unknown calibration method {method!r}: choose one of {', '.join(OBSERVERS)}")
    known = OBSERVERS[method].__dataclass_fields__
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ConfigurationError(f"calibration method {method} has no option {', '.join(unknown)}")
    return OBSERVERS[method](**options)  # type: ignore[arg-type]


def least_divergent_threshold(counts: np.ndarray, levels: int) -> int:
    """Number of leading cells to keep, so that ``levels`` levels over them describe the distribution best.

    Args:
        counts: int64 [bins], histogram of magnitudes from zero up.
        levels: positive quantization levels (128 for INT8).

    Returns:
        A number of cells between ``levels`` and ``len(counts)``.
    """
    filled = np.flatnonzero(counts)
    if not len(filled):
        return len(counts)
    last = int(filled[-1]) + 1
    if last <= levels:
        return levels
    cumulative = np.concatenate(([0], np.cumsum(counts)))
    nonzero = np.concatenate(([0], np.cumsum(counts > 0)))
    best, best_divergence = last, np.inf
    for kept in range(levels, last + 1):
        divergence = _divergence(counts, cumulative, nonzero, kept, levels)
        if divergence < best_divergence:
            best, best_divergence = kept, divergence
    return best


def _divergence(counts: np.ndarray, cumulative: np.ndarray, nonzero: np.ndarray, kept: int, levels: int) -> float:
    """KL divergence of the first ``kept`` cells (the rest clipped to the last) from their quantized form."""
    total = float(cumulative[-1])
    edges = (np.arange(levels + 1) * kept) // levels
    level_mass = (cumulative[edges[1:]] - cumulative[edges[:-1]]).astype(np.float64)
    level_cells = nonzero[edges[1:]] - nonzero[edges[:-1]]
    mean_mass = level_mass / np.maximum(level_cells, 1)
    reference = counts[:kept].astype(np.float64)
    outliers = total - float(cumulative[kept])
    quantized = np.repeat(mean_mass, np.diff(edges)) * (reference > 0)
    reference[-1] += outliers
    kept_mass = quantized.sum()
    if kept_mass == 0:
        return np.inf
    present = reference > 0
    p = reference[present] / total
    # A clipped-onto last cell may be empty in the quantized form; a floor keeps its penalty large but finite.
    q = np.maximum(quantized[present] / kept_mass, 1e-9)
    return float(np.sum(p * np.log(p / q)))


def _quantile(histogram: Histogram, fraction: float) -> float:
    cumulative = np.cumsum(histogram.counts)
    wanted = fraction * cumulative[-1]
    cell = int(np.searchsorted(cumulative, wanted, side="left"))
    cell = min(cell, len(cumulative) - 1)
    before = float(cumulative[cell] - histogram.counts[cell])
    inside = (wanted - before) / max(float(histogram.counts[cell]), 1.0)
    return histogram.low + (cell + float(np.clip(inside, 0.0, 1.0))) * histogram.cell_width
