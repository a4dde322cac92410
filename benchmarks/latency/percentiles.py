"""Latency percentiles that say how far they can be trusted: order statistics and their binomial confidence.

Nothing is assumed about the distribution. A percentile is given only from as many queries as MLPerf's early-stopping
rule asks for (99 % confidence with one query to spare: 64 for p90, 662 for p99). Pure functions of arrays.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dgiqa_edge.calibration.statistics import nearest_rank

STOPPING_CONFIDENCE = 0.99
INTERVAL_CONFIDENCE = 0.95
REPORTED = (50.0, 90.0, 99.0)


@dataclass(frozen=True)
class Percentile:
    """One percentile, milliseconds.

    Attributes:
        value_ms, low_ms, high_ms: the order statistic and the ends of its 95 % interval; all ``None`` where fewer than
            ``needed`` queries were made. ``high_ms`` alone is ``None`` where the interval has no upper end among them.
        queries, needed: queries made, and the fewest that support this percentile.
    """

    percent: float
    value_ms: float | None
    low_ms: float | None
    high_ms: float | None
    queries: int
    needed: int

    @property
    def name(self) -> str:
        return f"p{self.percent:g}"


@functools.cache
def fewest_queries(percent: float) -> int:
    """Fewest queries of which, with 99 % confidence, at least two lie above the percentile.

    That is the point from which LoadGen's early stopping gives an estimate (MLPerf inference rules, "early stopping").
    """
    above = 1.0 - percent / 100.0
    if not 0.0 < above < 1.0:
        raise ValueError(f"a percentile lies between 0 and 100, not {percent}")

    def enough(n: int) -> bool:
        none = (1.0 - above) ** n
        one = n * above * (1.0 - above) ** (n - 1)
        return none + one <= 1.0 - STOPPING_CONFIDENCE

    high = 2
    while not enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def percentile(latencies_ms: np.ndarray, percent: float) -> Percentile:
    """The nearest-rank percentile with its 95 % interval, or empty where the queries are too few."""
    needed, queries = fewest_queries(percent), len(latencies_ms)
    if queries < needed:
        return Percentile(percent, None, None, None, queries, needed)
    ordered = np.sort(np.asarray(latencies_ms, np.float64))
    low, high = interval_ranks(queries, percent)
    return Percentile(
        percent=percent,
        value_ms=float(ordered[nearest_rank(queries, percent) - 1]),
        low_ms=float(ordered[max(low, 1) - 1]),
        high_ms=float(ordered[high - 1]) if high <= queries else None,
        queries=queries,
        needed=needed,
    )


def percentiles(latencies_ms: np.ndarray, wanted: Sequence[float] = REPORTED) -> tuple[Percentile, ...]:
    """Every percentile asked for, those that lack queries left empty."""
    return tuple(percentile(latencies_ms, percent) for percent in wanted)


def interval_ranks(queries: int, percent: float) -> tuple[int, int]:
    """Ranks from 1 whose values enclose the true percentile with at least 95 % confidence.

    Queries below the percentile are binomial; the ranks are its quantiles. The upper one may be ``queries + 1``: then
    no query bounds it.
    """
    from scipy import stats

    tail = (1.0 - INTERVAL_CONFIDENCE) / 2.0
    below = stats.binom(queries, percent / 100.0)
    return int(below.ppf(tail)), int(below.ppf(1.0 - tail)) + 1
