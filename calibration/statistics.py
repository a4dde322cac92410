"""Statistics that a bootstrap can take over many draws at once: each value with how often a draw holds it."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np


def nearest_rank(queries: int, percent: float) -> int:
    """Rank from 1 of the smallest value that at least ``percent`` of the queries do not exceed."""
    return max(1, math.ceil(queries * percent / 100.0 - 1e-9))


class Statistic(Protocol):
    """One figure of a set of values."""

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
