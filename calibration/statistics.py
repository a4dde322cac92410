"""Figures of sets of values: correlations, and statistics that a bootstrap can take over many draws at once."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np


def nearest_rank(queries: int, percent: float) -> int:
    """Rank from 1 of the smallest value that at least ``percent`` of the queries do not exceed."""
    return max(1, math.ceil(queries * percent / 100.0 - 1e-9))


def pearson(first: np.ndarray, second: np.ndarray) -> float | None:
    """Linear correlation of two arrays of equal size; None where one is constant."""
    a = first.astype(np.float64).ravel()
    b = second.astype(np.float64).ravel()
    if not a.size or a.min() == a.max() or b.min() == b.max():
        return None
    a -= a.mean()
    b -= b.mean()
    return float(np.clip(np.dot(a, b) / np.sqrt(np.dot(a, a) * np.dot(b, b)), -1.0, 1.0))


def spearman(first: np.ndarray, second: np.ndarray) -> float | None:
    """Rank correlation of two arrays [n], tied ranks averaged; None where one is constant."""
    return pearson(average_ranks(first), average_ranks(second))


def average_ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, equal values sharing the mean of their ranks; float64 [n]."""
    _, group, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[group])


class Statistic(Protocol):
    """One figure of a set of values; a draw holds each value a number of times."""

    def of(self, values: np.ndarray) -> float:
        """The figure of the values themselves, float64 [n]."""
        ...

    def of_draws(self, values: np.ndarray, times: np.ndarray) -> np.ndarray:
        """The figure of each draw, float64 [draws]; ``times`` int [draws, n]: how often a draw holds each value."""
        ...


@dataclass(frozen=True)
class Mean:
    """Arithmetic mean."""

    def of(self, values: np.ndarray) -> float:
        return float(np.mean(values))

    def of_draws(self, values: np.ndarray, times: np.ndarray) -> np.ndarray:
        return np.asarray(times @ values / times.sum(axis=1))


@dataclass(frozen=True)
class NearestRank:
    """A percentile as :func:`nearest_rank` defines it."""

    percent: float

    def of(self, values: np.ndarray) -> float:
        rank = nearest_rank(len(values), self.percent) - 1
        return float(np.partition(values, rank)[rank])

    def of_draws(self, values: np.ndarray, times: np.ndarray) -> np.ndarray:
        order = np.argsort(values)
        reached = np.cumsum(times[:, order], axis=1)
        wanted = np.ceil(reached[:, -1:] * self.percent / 100.0 - 1e-9)
        return np.asarray(values[order][np.argmax(reached >= wanted, axis=1)])
