"""A verdict in the words of ``diagnostic_msgs``: level, message, values. Texts only: ROS is not imported."""

from dataclasses import asdict

from ..gate.verdict import State, Verdict
from ..gate.vocabulary import FAULTS
from ..watch.fault_states import fault_states
from .newest import Counts

OK, WARN, ERROR, STALE = range(4)
"""``DiagnosticStatus``'s levels."""


def level(verdict: Verdict) -> int:
    """``OK`` passes, ``ERROR`` is rejected, ``STALE`` gives no image; else nobody can tell yet: ``WARN``."""
    if verdict.reason == "no signal":
        return STALE
    return {State.PASS: OK, State.REJECT: ERROR, State.UNKNOWN: WARN}[verdict.state]


def values(verdict: Verdict, counts: Counts) -> dict[str, str]:
    """Keys and values; what is not known is left out. ``fault.SLUG``: ``true`` or ``false``."""
    second = verdict.runner_up
    facts = {
        "state": verdict.state.value,
        "reason": verdict.reason,
        "cue": verdict.cue,
        "value": verdict.value,
        "threshold": verdict.threshold,
        "score": verdict.score,
        "smoothed": verdict.smoothed,
        "runner_up": None if second is None else second.reason,
        **asdict(counts),
    }
    faults = fault_states(verdict, scored=verdict.score is not None)
    facts |= {f"fault.{FAULTS[name].slug}": there for name, there in faults.items()}
    return {name: _text(value) for name, value in facts.items() if value is not None}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.4g}" if isinstance(value, float) else str(value)
