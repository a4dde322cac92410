"""Whether latency crept up over a soak, and whether the device throttled: decided from time series alone.

A trend counts when it is large and could not come from shuffling the same minutes (Theil-Sen slope, Kendall's test).
Throttling is a clock that falls while the load stays, or a counter of the device that says so. Pure functions.
"""

from dataclasses import dataclass

import numpy as np

WINDOWS = 30  # the series is cut into this many windows of equal length; their medians are what is tested
FEWEST_WINDOWS = 8
DRIFT_PERCENT = 3.0
CERTAINTY = 0.01
CLOCK_DROP_PERCENT = 8.0
SHORTEST_DROP = 3  # readings in a row
BUSY_PERCENT = 50.0


@dataclass(frozen=True)
class Drift:
    """Change of a series from its beginning to its end.

    Attributes:
        change_percent: of the fitted line's value at the beginning.
        p_value: how often as clear a trend comes from the same values in random order.
        found: whether both the size and the certainty suffice; ``None`` where the series is too short to tell.
    """

    change_percent: float
    p_value: float
    windows: int
    found: bool | None


@dataclass(frozen=True)
class ClockDrop:
    """A stretch in which a clock stood well below what it had sustained before, under load."""

    start_s: float
    end_s: float
    from_mhz: float
    to_mhz: float


def window_medians(times_s: np.ndarray, values: np.ndarray, windows: int = WINDOWS) -> tuple[np.ndarray, np.ndarray]:
    """Middle and median of each window of equal length that holds values."""
    if not len(values):
        return np.array([]), np.array([])
    edges = np.linspace(times_s.min(), times_s.max(), windows + 1)
    number = np.clip(np.searchsorted(edges, times_s, side="right") - 1, 0, windows - 1)
    filled = np.unique(number)
    middles = (edges[:-1] + edges[1:]) / 2.0
    return middles[filled], np.array([np.median(values[number == window]) for window in filled])


def find_drift(times_s: np.ndarray, values: np.ndarray, windows: int = WINDOWS) -> Drift:
    """Trend of ``values`` over ``times_s``: medians of windows, so that single slow frames do not count."""
    from scipy import stats

    middles, medians = window_medians(np.asarray(times_s, float), np.asarray(values, float), windows)
    if len(medians) < FEWEST_WINDOWS or np.ptp(medians) == 0:
        flat = len(medians) >= FEWEST_WINDOWS
        return Drift(0.0, 1.0, len(medians), False if flat else None)
    slope, intercept, *_ = stats.theilslopes(medians, middles)
    begin, end = intercept + slope * middles[0], intercept + slope * middles[-1]
    change = float((end - begin) / begin * 100.0)
    p_value = float(stats.kendalltau(middles, medians).pvalue)
    return Drift(change, p_value, len(medians), abs(change) >= DRIFT_PERCENT and p_value < CERTAINTY)


def find_clock_drops(
    times_s: np.ndarray, clocks_mhz: np.ndarray, load_percent: np.ndarray | None = None
) -> list[ClockDrop]:
    """Stretches of at least three readings in which a clock lies 8 % below its best earlier sustained value.

    Args:
        load_percent: of the same unit at the same times; an idle unit may lower its clock, that is no throttling.
    """
    drops: list[ClockDrop] = []
    open_at: int | None = None
    for index in range(len(clocks_mhz)):
        busy = load_percent is None or load_percent[index] >= BUSY_PERCENT
        low = busy and clocks_mhz[index] < _sustained(clocks_mhz[:index]) * (1.0 - CLOCK_DROP_PERCENT / 100.0)
        if low and open_at is None:
            open_at = index
        if not low and open_at is not None:
            _keep(drops, times_s, clocks_mhz, open_at, index)
            open_at = None
    if open_at is not None:
        _keep(drops, times_s, clocks_mhz, open_at, len(clocks_mhz))
    return drops


def _sustained(clocks_mhz: np.ndarray) -> float:
    """The highest clock that was held for three readings in a row; 0 where there are fewer."""
    if len(clocks_mhz) < SHORTEST_DROP:
        return 0.0
    held = np.lib.stride_tricks.sliding_window_view(clocks_mhz, SHORTEST_DROP).min(axis=1)
    return float(held.max())


def _keep(drops: list[ClockDrop], times_s: np.ndarray, clocks_mhz: np.ndarray, begin: int, end: int) -> None:
    if end - begin >= SHORTEST_DROP:
        stretch = clocks_mhz[begin:end]
        drops.append(
            ClockDrop(
                start_s=float(times_s[begin]),
                end_s=float(times_s[end - 1]),
                from_mhz=_sustained(clocks_mhz[:begin]),
                to_mhz=float(np.median(stretch)),
            )
        )
