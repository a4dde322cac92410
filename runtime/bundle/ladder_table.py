"""The ladder of a bundle as lines of text: one rung on one backend a line, then what it was judged by.

It decides nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ..ground.terminal import aligned
from .manifest import LadderRecord, RungRecord

MOST_BLOCKS = 5
STATUS_WORDS = {
    "accepted": "accepted",
    "over_budget": "over budget",
    "slower": "slower",
    "near_tie": "near tie",
    "too_slow": "too slow",
    "failed": "failed",
    "unsupported": "not supported here",
    "not_needed": "not needed",
}
OF_FAULTS = "faults MAE"
"""Heading of a column that is there only where faults are read."""
_HEADINGS = ("rung", "backend", "size", "score MAE", "max", "SRCC", "depth MAE", "corr.", OF_FAULTS, "p50", "verdict")


def ladder_lines(ladder: LadderRecord) -> list[str]:
    """The table, most reduced rung first, and its caption."""
    table: list[Sequence[str]] = [_HEADINGS, *(_cells(rung) for rung in ladder.rungs)]
    if all(rung.faults_mae is None for rung in ladder.rungs):
        table = without(table, OF_FAULTS)
    return aligned(table, words=True) + list(_caption(ladder))


def without(rows: Sequence[Sequence[str]], *headings: str) -> list[Sequence[str]]:
    """A table without the columns of these headings, which stand in its first row."""
    kept = [place for place, heading in enumerate(rows[0]) if heading not in headings]
    return [[row[place] for place in kept] for row in rows]


def verdict_of(rung: RungRecord) -> str:
    """What became of a rung and why, in words."""
    verdict = STATUS_WORDS[rung.status]
    return f"{verdict}: {rung.reason}" if rung.reason else verdict


def _cells(rung: RungRecord) -> Sequence[str]:
    return (
        rung.name,
        rung.backend or "-",
        "-" if rung.size_bytes is None else f"{rung.size_bytes / 2**20:.1f} MiB",
        figure_text(rung.score_mae, ".5f"),
        figure_text(rung.score_max, ".5f"),
        figure_text(rung.score_srcc, ".4f"),
        figure_text(rung.depth_mae_levels, ".2f"),
        figure_text(rung.depth_correlation, ".4f"),
        figure_text(rung.faults_mae, ".5f"),
        figure_text(rung.p50_ms, ".1f", " ms"),
        verdict_of(rung),
    )


def _caption(ladder: LadderRecord) -> Iterator[str]:
    limits = [f"{name}={limit:g}" for name, limit in asdict(ladder.budget).items() if limit is not None]
    target = "none" if ladder.latency_target_ms is None else f"{ladder.latency_target_ms:g} ms"
    photos = "held-out" if ladder.held_out else "calibration"
    yield f"budget {','.join(limits) or 'none'}; latency target {target}; on {ladder.device}"
    yield (
        f"fidelity against FP32 on {ladder.photos} {photos} photos, p50 of {ladder.runs} runs in turn in one process"
    )
    if ladder.sensitivity is not None:
        top = ladder.sensitivity.blocks[:MOST_BLOCKS]
        named = ", ".join(f"{block.block} {getattr(block, ladder.sensitivity.figure):.5f}" for block in top)
        yield (
            f"most sensitive of {len(ladder.sensitivity.blocks)} blocks, each alone in INT8 on "
            f"{ladder.sensitivity.photos} calibration photos, by {ladder.sensitivity.figure}: {named}"
        )


def figure_text(value: float | None, form: str, unit: str = "") -> str:
    """A figure in a table, "-" where there is none."""
    return "-" if value is None else f"{value:{form}}{unit}"
