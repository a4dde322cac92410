"""The photos that a tuned policy gets wrong, those first that lie nearest to the score's threshold."""

from dataclasses import dataclass
from pathlib import Path

from ..gate.policy import GatePolicy
from .photos import Measured
from .reason_table import PASSES, called


@dataclass(frozen=True)
class Mistake:
    """A good photo that is rejected, or a bad one that passes: what it is called, and its score."""

    photo: Path
    called: str
    score: float | None


def mistakes(measured: Measured, policy: GatePolicy, should_pass: bool) -> list[Mistake]:
    """All of one side's, each photo judged on its own as in ``reason_table.py``."""
    found = [Mistake(photo, called(reading, policy), reading.score) for photo, reading in measured.readings.items()]
    threshold = policy.limits["score"].reject
    return sorted(
        (one for one in found if (one.called == PASSES) != should_pass),
        key=lambda one: 0.0 if threshold is None or one.score is None else abs(one.score - threshold),
    )
