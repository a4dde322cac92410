"""A diagnosis as lines for people: the golden frame first, then where it begins, then what to do."""

from collections.abc import Iterator

from .diagnosis import Comparison, Diagnosis, Replay
from .walk import Judgement

SHOWN = 10
Row = tuple[str, str, str, str, str, str, str]


def lines(found: Diagnosis) -> Iterator[str]:
    """The report, line by line."""
    allowed = found.tolerance
    yield f"{found.bundle}: {found.precision}; compared with {found.reference}"
    yield ""
    faults = "" if allowed.faults is None else f", faults and cells {allowed.faults:.3g}"
    levels = f"{allowed.depth_levels:.3g} grey levels"
    yield f"golden frame, off FP32 (allowed: score {allowed.score:.3g}, depth {levels}{faults})"
    width = max(len(replay.what) for replay in found.replays)
    yield from (f"  {replay.what:<{width}}  {_replayed(replay, found)}" for replay in found.replays)
    for comparison in found.comparisons:
        yield ""
        yield from _compared(comparison)
    if found.advice:
        yield ""
        yield found.advice if not found.keep else f"{found.advice}: {', '.join(found.keep)}"
    if found.command:
        yield f"  {found.command}"


def _replayed(replay: Replay, found: Diagnosis) -> str:
    deviation = replay.deviation
    if deviation is None:
        return f"does not run here: {replay.problem}"
    verdict = "passes" if deviation.within(found.tolerance) else "FAILS"
    faults = ""
    if deviation.faults_max is not None:
        faults = f"faults {deviation.faults_max:<8.3g} cells {deviation.coverage_mean:<8.3g} "
    return f"score {deviation.score:<8.3g} depth {deviation.depth_mean_levels:<8.3g} {faults}{verdict}"


def _compared(comparison: Comparison) -> Iterator[str]:
    count = len(comparison.divergences)
    unit = ", in standard deviations of the tensor" * bool(count)
    yield f"{comparison.title}: {count or 'none'} of {comparison.looked_at} beyond what its precision explains{unit}"
    if comparison.problem:
        yield f"  {comparison.problem}"
    if not count:
        return
    rows: list[Row] = [("block", "node", "tensor", "as", "off", "at most", "")]
    rows += [_row(one) for one in comparison.divergences[:SHOWN]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
    if count > SHOWN:
        yield f"  and {count - SHOWN} after these"


def _row(one: Judgement) -> Row:
    far = one.distance
    return (
        one.block or "outside the networks",
        f"{one.node} ({one.operator})",
        one.tensor,
        f"{one.kind} weight" if one.weight else one.kind,
        f"{far.found:.2g}",
        f"{far.limit:.2g}",
        far.overflow,
    )
