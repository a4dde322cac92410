"""The ladder's decision, pure: which of the tried rungs is taken, and what is said of each of the others.

Taken is the fastest rung within the accuracy budget, so none is ever slower than the more precise rung next to it; of
those that are no slower (``near_ties.py``) the one whose backend takes least room on the disk. If none meets budget and
latency target, the decision holds no winner but the nearest miss.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..options.accuracy_budget import Miss
from .near_ties import difference

ACCEPTED = "accepted"
OVER_BUDGET = "over_budget"
SLOWER = "slower"
NEAR_TIE = "near_tie"
TOO_SLOW = "too_slow"
FAILED = "failed"
UNSUPPORTED = "unsupported"
NOT_NEEDED = "not_needed"
STATUSES = (ACCEPTED, OVER_BUDGET, SLOWER, NEAR_TIE, TOO_SLOW, FAILED, UNSUPPORTED, NOT_NEEDED)


@dataclass(frozen=True)
class Tried:
    """A rung after its trial, ladder order kept by the caller.

    Attributes:
        p50_ms: its latency on the device; None if it has not run there.
        misses: limits of the budget that it breaks.
        untried: ``failed``, ``unsupported`` or ``not_needed`` if it has no figures, with ``reason``.
        runs_ms: milliseconds of the runs that ``p50_ms`` is the median of, in turn with all others.
        install_bytes: what its backend takes on the disk; None where that is not known, or the same for all.
        rung: what it is on every backend; only the ``name`` tells those apart.
    """

    name: str
    p50_ms: float | None = None
    misses: tuple[Miss, ...] = ()
    untried: str = ""
    reason: str = ""
    runs_ms: tuple[float, ...] = ()
    install_bytes: int | None = None
    rung: str = ""


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
    """Take the fastest rung within the budget, if it keeps the latency target, or one as fast with a smaller install.

    Args:
        tried: most reduced rung first; of two equally fast ones the more precise wins.
        target_ms: most p50 latency; None means any.
    """
    within = [rung for rung in tried if not rung.untried and not rung.misses]
    fastest = min(reversed(within), key=_latency, default=None)
    keeping = [rung for rung in within if target_ms is None or _latency(rung) <= target_ms]
    winner, why = _smallest_as_fast(fastest, keeping) if fastest is not None and fastest in keeping else (None, "")
    rulings = tuple(
        Ruling(rung.name, ACCEPTED, why) if rung is winner else _ruling(rung, winner, fastest, target_ms, tried)
        for rung in tried
    )
    return Decision(winner.name if winner else "", rulings, "" if winner else _nearest_miss(tried, fastest, target_ms))


def _smallest_as_fast(fastest: Tried, keeping: Sequence[Tried]) -> tuple[Tried, str]:
    """The fastest of the smallest install that has one as fast as the fastest of all; and why."""
    smaller = [rung for rung in keeping if _is_smaller(rung, fastest)]
    ties = [rung for rung in smaller if difference(fastest.runs_ms, rung.runs_ms).is_near_tie]
    if not ties:
        return fastest, "the fastest within the budget"
    tie = min(ties, key=lambda rung: rung.install_bytes or 0)
    chosen = min((rung for rung in reversed(smaller) if rung.install_bytes == tie.install_bytes), key=_latency)
    sizes = " instead of ".join(f"{(rung.install_bytes or 0) / 2**20:.0f}" for rung in (chosen, fastest))
    return chosen, f"{_near(chosen, tie, fastest)}, and its backend takes {sizes} MiB"


def _near(chosen: Tried, tie: Tried, fastest: Tried) -> str:
    said = difference(fastest.runs_ms, chosen.runs_ms)
    if said.is_near_tie:
        return said.near(fastest.name)
    return f"faster than {tie.name}, which is {difference(fastest.runs_ms, tie.runs_ms).near(fastest.name)}"


def _is_smaller(rung: Tried, fastest: Tried) -> bool:
    known = rung.install_bytes is not None and fastest.install_bytes is not None
    return known and rung.install_bytes < fastest.install_bytes  # type: ignore[operator]


def _ruling(
    rung: Tried, winner: Tried | None, fastest: Tried | None, target_ms: float | None, tried: Sequence[Tried]
) -> Ruling:
    if rung.untried:
        return Ruling(rung.name, rung.untried, rung.reason)
    if rung.misses:
        return Ruling(rung.name, OVER_BUDGET, "; ".join(map(str, rung.misses)))
    if winner is None:
        return Ruling(rung.name, TOO_SLOW, f"p50 {_latency(rung):.4g} ms, allowed {target_ms:g} ms")
    if rung is fastest:
        share = _latency(rung) / _latency(winner)
        return Ruling(rung.name, NEAR_TIE, f"{share:.2f} times the latency of {winner.name}, whose backend is smaller")
    if _latency(rung) == _latency(winner):
        precise = winner.rung != rung.rung and tried.index(winner) > tried.index(rung)
        return Ruling(rung.name, SLOWER, f"no faster than {winner.name}{', which is more precise' if precise else ''}")
    other = winner if fastest is None or _latency(rung) > _latency(winner) else fastest
    return Ruling(rung.name, SLOWER, f"{_latency(rung) / _latency(other):.2f} times the latency of {other.name}")


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
