"""When two that were timed in turn count as equally fast, pure; the smaller install then wins (``decision.py``)."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ..frame_graph.graph_session import change_in_turn

NEAR_TIE = 0.05
"""The share of latency that a larger install must save to be worth it."""
MOST_UNSURE = 0.15
"""From here on a difference counts, on however noisy a machine it was found."""


@dataclass(frozen=True)
class Difference:
    """How much longer another takes than the fastest: 0.1 is 10 %; ``low`` and ``high`` bound it with 99 % confidence.

    They are None where there were too few runs for an interval.
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def is_near_tie(self) -> bool:
        """Whether it is under ``NEAR_TIE``, or under ``MOST_UNSURE`` and none is shown: its interval holds 0."""
        return self.value < NEAR_TIE or (self.value < MOST_UNSURE and self._is_unsure)

    def near(self, fastest: str) -> str:
        """A near tie in words; ``fastest``: the fastest's name."""
        words = "not shown to be" if self._is_unsure else f"less than {100 * NEAR_TIE:g} %"
        return f"{words} slower than {fastest} ({self})"

    @property
    def _is_unsure(self) -> bool:
        return self.low is not None and self.low <= 0.0

    def __str__(self) -> str:
        return f"{self.value:+.1%}" + ("" if self.low is None else f" [{self.low:+.1%}, {self.high:+.1%}]")


def difference(fastest_ms: Sequence[float], other_ms: Sequence[float]) -> Difference:
    """Of the medians, with the paired interval that ``bench compare`` judges by.

    Args:
        fastest_ms, other_ms: milliseconds of the runs of both, in turn, equally many.
    """
    change = change_in_turn(fastest_ms, other_ms)
    if change is None:
        return Difference(median(other_ms) / median(fastest_ms) - 1.0)
    return Difference(change.value, change.low, change.high)
