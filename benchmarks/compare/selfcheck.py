"""Whether the comparison itself can be trusted on this machine: no alarm where nothing changed, one where it did.

The same bundle is measured against itself in alternating blocks (A/A), several times, and once more against itself
lengthened by a known factor. The verdicts are those of ``compare``; nothing is tuned in between.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .verdicts import Comparison, Verdict, compare

WATCHED = ("p50", "mean", "p90", "p99")


@dataclass(frozen=True)
class Trial:
    """One pair of runs: the factor by which the second was lengthened on purpose (1 is A/A) and the verdicts."""

    kind: str
    factor: float
    changes: Mapping[str, float]
    verdicts: Mapping[str, Verdict]

    @property
    def alarms(self) -> tuple[str, ...]:
        """Figures that were called worse or better."""
        return tuple(name for name, found in self.verdicts.items() if found in (Verdict.WORSE, Verdict.BETTER))


@dataclass(frozen=True)
class SelfCheck:
    """All trials."""

    trials: tuple[Trial, ...]

    @property
    def false_alarms(self) -> int:
        """A/A trials with any alarm."""
        return sum(bool(trial.alarms) for trial in self.trials if trial.factor == 1.0)

    @property
    def missed(self) -> int:
        """Trials of a slower engine whose median was not called worse."""
        return sum(trial.verdicts.get("p50") is not Verdict.WORSE for trial in self.trials if trial.factor > 1.0)

    @property
    def passed(self) -> bool:
        return not self.false_alarms and not self.missed


def trial(kind: str, factor: float, first: Mapping[str, Any], second: Mapping[str, Any]) -> Trial:
    """Compare two reports and keep what concerns latency."""
    return trial_of(kind, factor, compare(first, second))


def trial_of(kind: str, factor: float, comparison: Comparison) -> Trial:
    """The latency rows of a comparison."""
    rows = [row for row in comparison.rows if row.metric.name in WATCHED and row.verdict is not Verdict.ABSENT]
    return Trial(
        kind,
        factor,
        {row.metric.name: row.change for row in rows if row.change is not None},
        {row.metric.name: row.verdict for row in rows},
    )


def neighbours(reports: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Each report with the one measured after it: A/A at different times."""
    return list(itertools.pairwise(reports))
