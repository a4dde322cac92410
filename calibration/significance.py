"""How sure a difference is: bootstrap over blocks of neighbouring frames, never over single frames.

Frames of one block share the machine's mood (clock, neighbours, temperature), so single frames are no independent
witnesses; neighbouring blocks are drawn together for the same reason (circular block bootstrap). A rank test over the
blocks stands beside the interval: a few wild blocks can move a mean, but not most blocks. Pure functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .statistics import Statistic

DRAWS = 2000
CONFIDENCE = 0.99
FEWEST_BLOCKS = 10
RANK_CERTAINTY = 0.005
P50_MATTERS = 0.03
"""The share by which a median latency must change to count, where nobody set another limit."""
LARGEST_CHUNK = 2_000_000


@dataclass(frozen=True, eq=False)
class Change:
    """A relative change: 0.1 is 10 % more. ``low`` and ``high`` bound it with 99 % confidence.

    ``draws``: the bootstrap's values, for combining changes. ``rank_p``: how often ranks of blocks differ as much by
    chance (signed ranks where blocks pair up, else rank sums); ``None`` where there are no blocks.
    """

    value: float
    low: float
    high: float
    draws: np.ndarray
    rank_p: float | None = None

    @property
    def certain(self) -> bool:
        """Whether the interval excludes no change and most blocks agree."""
        excluded = self.low > 0.0 or self.high < 0.0
        return excluded and (self.rank_p is None or self.rank_p < RANK_CERTAINTY)


def change_of(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], statistic: Statistic, paired: bool, seed: int = 0
) -> Change | None:
    """Relative change of a statistic from the first blocks to the second; ``None`` where blocks are too few.

    Args:
        paired: block ``i`` of both was measured at the same time; they are then drawn together.
    """
    if paired:
        count = min(len(first), len(second))
        first, second = first[:count], second[:count]
    if min(len(first), len(second)) < FEWEST_BLOCKS:
        return None
    random = np.random.default_rng(seed)
    chosen = times_drawn(random, len(first))
    other = chosen if paired else times_drawn(random, len(second))
    whole = statistic.of(np.concatenate(second)) / statistic.of(np.concatenate(first))
    found = _change(whole, _drawn(second, other, statistic) / _drawn(first, chosen, statistic))
    return replace(found, rank_p=_rank_p(first, second, statistic, paired))


def combined(first: Change, second: Change) -> Change:
    """Change of a product of two independently measured figures."""
    product = _change((1.0 + first.value) * (1.0 + second.value), (1.0 + first.draws) * (1.0 + second.draws))
    known = [one.rank_p for one in (first, second) if one.rank_p is not None]
    return replace(product, rank_p=min(known) if known else None)


def difference_of_means(first: np.ndarray, second: np.ndarray, paired: bool, seed: int = 0) -> Change:
    """Absolute change of a mean over photos, with its bootstrap interval; ``Change`` then holds differences."""
    random = np.random.default_rng(seed)
    values = np.empty(DRAWS)
    for draw in range(DRAWS):
        chosen = random.integers(0, len(first), len(first))
        other = chosen if paired else random.integers(0, len(second), len(second))
        values[draw] = second[other].mean() - first[chosen].mean()
    return _interval(float(second.mean() - first.mean()), values)


def difference_of(
    first: Sequence[np.ndarray], second: Sequence[np.ndarray], statistic: Callable[..., float], seed: int = 0
) -> Change:
    """Absolute change of a statistic of several equally long columns over the same photos, drawn together."""
    random = np.random.default_rng(seed)
    values = np.empty(DRAWS // 4)
    for draw in range(len(values)):
        chosen = random.integers(0, len(first[0]), len(first[0]))
        values[draw] = statistic(*(column[chosen] for column in second)) - statistic(
            *(column[chosen] for column in first)
        )
    return _interval(float(statistic(*second) - statistic(*first)), values)


def times_drawn(random: np.random.Generator, count: int, draws: int = DRAWS) -> np.ndarray:
    """How often each draw holds each block, int [draws, count].

    Blocks are drawn as runs of neighbours, as long as the cube root of their number, around the circle.
    """
    length = max(1, round(count ** (1.0 / 3.0)))
    starts = random.integers(0, count, (draws, -(-count // length)))
    drawn = ((starts[:, :, None] + np.arange(length)) % count).reshape(draws, -1)[:, :count]
    rows = np.arange(draws)[:, None] * count
    return np.bincount((drawn + rows).ravel(), minlength=draws * count).reshape(draws, count)


def _rank_p(first: Sequence[np.ndarray], second: Sequence[np.ndarray], statistic: Statistic, paired: bool) -> float:
    from scipy import stats

    one, two = (np.array([statistic.of(block) for block in blocks]) for blocks in (first, second))
    if paired:
        ratios = np.log(two / one)
        return 1.0 if not ratios.any() else float(stats.wilcoxon(ratios).pvalue)
    return float(stats.mannwhitneyu(one, two).pvalue)


def _drawn(blocks: Sequence[np.ndarray], times: np.ndarray, statistic: Statistic) -> np.ndarray:
    """The statistic of every draw; a chunk of draws at a time, so that long measurements need no gigabytes."""
    values = np.concatenate(blocks)
    block_of = np.repeat(np.arange(len(blocks)), [len(block) for block in blocks])
    step = max(1, LARGEST_CHUNK // len(values))
    chunks = [statistic.of_draws(values, times[at : at + step][:, block_of]) for at in range(0, len(times), step)]
    return np.concatenate(chunks)


def _change(ratio: float, ratios: np.ndarray) -> Change:
    return _interval(ratio - 1.0, ratios - 1.0)


def _interval(value: float, draws: np.ndarray) -> Change:
    tail = (1.0 - CONFIDENCE) / 2.0 * 100.0
    low, high = np.percentile(draws, (tail, 100.0 - tail))
    return Change(value, float(low), float(high), draws)
