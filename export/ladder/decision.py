"""The ladder's decision, pure: which of the tried rungs is taken, and what is said of each of the others.

Taken is the fastest rung within the accuracy budget, so none is ever slower than the more precise rung next to it. If
none meets budget and latency target, the decision holds no winner but the nearest miss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..options.accuracy_budget import Miss

ACCEPTED = "accepted"
OVER_BUDGET = "over_budget"
SLOWER = "slower"
TOO_SLOW = "too_slow"
FAILED = "failed"
UNSUPPORTED = "unsupported"
NOT_NEEDED = "not_needed"
STATUSES = (ACCEPTED, OVER_BUDGET, SLOWER, TOO_SLOW, FAILED, UNSUPPORTED, NOT_NEEDED)


@dataclass(frozen=True)
class Tried:
    """A rung after its trial, ladder order kept by the caller.

    Attributes:
        p50_ms: its latency on the device; None if it has not run there.
        misses: limits of the budget that it breaks.
        untried: ``failed``, ``unsupported`` or ``not_needed`` if it has no figures, with ``reason``.
    """

    name: str
    p50_ms: float | None = None
    misses: tuple[Miss, ...] = ()
    untried: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Ruling:
    """What became of a rung, one of ``STATUSES``, and why."""

    name: str
    status: str
    reason: str


@dataclass(frozen=True)
class Decision:
    """The winner's name ("" if there is none), a ruling per rung in their order, and the nearest miss as a sentence."""

    winner: str
    rulings: tuple[Ruling, ...]
    nearest_miss: str


def decide(tried: Sequence[Tried], target_ms: float | None = None) -> Decision:
    """Take the fastest rung within the budget, if it keeps the latency target.

    Args:
        tried: most reduced rung first; of two equally fast ones the more precise wins.
        target_ms: most p50 latency; None means any.
    """
    within = [rung for rung in tried if not rung.untried and not rung.misses]
    fastest = min(reversed(within), key=_latency, default=None)
    winner = fastest if fastest is not None and (target_ms is None or _latency(fastest) <= target_ms) else None
    rulings = tuple(_ruling(rung, winner, target_ms) for rung in tried)
    return Decision(winner.name if winner else "", rulings, "" if winner else _nearest_miss(tried, fastest, target_ms))


def _ruling(rung: Tried, winner: Tried | None, target_ms: float | None) -> Ruling:
    if rung.untried:
        return Ruling(rung.name, rung.untried, rung.reason)
    if rung.misses:
        return Ruling(rung.name, OVER_BUDGET, "; ".join(map(str, rung.misses)))
    if rung is winner:
        return Ruling(rung.name, ACCEPTED, "the fastest within the budget")
    if winner is None:
        return Ruling(rung.name, TOO_SLOW, f"p50 {_latency(rung):.4g} ms, allowed {target_ms:g} ms")
    if _latency(rung) == _latency(winner):
        return Ruling(rung.name, SLOWER, f"no faster than {winner.name}, which is more precise")
    return Ruling(rung.name, SLOWER, f"{_latency(rung) / _latency(winner):.2f} times the latency of {winner.name}")


def _nearest_miss(tried: Sequence[Tried], fastest: Tried | None, target_ms: float | None) -> str:
    if fastest is not None and target_ms is not None:
        text = (
            f"{fastest.name} keeps the budget at p50 {_latency(fastest):.4g} ms, "
            f"{_latency(fastest) / target_ms:.2f} times the target of {target_ms:g} ms"
        )
        quick = [rung for rung in tried if rung.misses and not rung.untried and _latency(rung) <= target_ms]
        if quick:
            closest = min(quick, key=_distance)
            text += f"; {closest.name} is fast enough ({_latency(closest):.4g} ms) but {_said(closest)}"
        return text
    missing = [rung for rung in tried if rung.misses and not rung.untried]
    if missing:
        closest = min(missing, key=_distance)
        return f"{closest.name} has {_said(closest)}"
    return "no rung could be run: " + "; ".join(f"{rung.name}: {rung.reason}" for rung in tried if rung.untried)


def _latency(rung: Tried) -> float:
    assert rung.p50_ms is not None, f"{rung.name} was tried but not timed"
    return rung.p50_ms


def _distance(rung: Tried) -> float:
    return max(miss.ratio for miss in rung.misses)


def _said(rung: Tried) -> str:
    return "; ".join(map(str, rung.misses))
