"""An accuracy report for people, as Markdown tables, and for programs, as one JSON document.

Only presentation: the figures come from ``accuracy.py`` and ``measures/timing.py``. What was not measured says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dgiqa_edge.calibration.agreement import Agreement, Figure

from ..measures.measures import BUNDLE
from ..measures.timing import TimingReport
from .accuracy import AccuracyReport, DegradationOrder, Measured, PairOrder
from .circumstances import Circumstances
from .graded_series import Share

SCHEMA_VERSION = 2
NOT_MEASURED = "not measured"
FAILURES_SHOWN = 5


def to_document(report: AccuracyReport, about: Circumstances, timing: TimingReport | None) -> dict[str, Any]:
    """The whole report, JSON-ready; ``counts`` of photos add up: ``photos = scored + failed``."""
    bundle = report.measured[0]
    return {
        "schema_version": SCHEMA_VERSION,
        **asdict(about),
        "counts": {
            "photos": len(report.photos),
            "scored": len(report.photos) - len(bundle.failed),
            "failed": len(bundle.failed),
            "degraded_frames": report.degradations.frames if report.degradations else 0,
            "pair_pictures": sum(pairs.pictures for pairs in report.pairs),
            "failed_in_all": report.failed,
        },
        "measured": [asdict(row) for row in report.measured],
        "not_measured": dict(report.not_measured),
        "degradations": asdict(report.degradations) if report.degradations else None,
        "pairs": [asdict(pairs) for pairs in report.pairs],
        "dead": {name: dict(scores) for name, scores in report.dead.items()},
        "timing": asdict(timing) if timing else None,
        "photos": [
            {
                "photo": str(photo.path),
                "mos": photo.mos,
                "scores": {name: scores.get(str(photo.path)) for name, scores in report.scores.items()},
            }
            for photo in report.photos
        ],
    }


def to_markdown(report: AccuracyReport, about: Circumstances, timing: TimingReport | None) -> str:
    """The report as Markdown, without the single scores."""
    parts = [_agreement_part(report, about)]
    if report.degradations:
        parts.append(_degradation_part(report.degradations))
    parts += [_pairs_part(pairs) for pairs in report.pairs]
    parts.append(_dead_part(report.dead))
    if timing:
        parts.append(_timing_part(timing))
    return "\n\n".join(parts) + "\n"


def _agreement_part(report: AccuracyReport, about: Circumstances) -> str:
    bundle = report.measured[0]
    rows = [_agreement_row(row, row.agreement) for row in report.measured if row.agreement]
    rows += [[name, *[NOT_MEASURED] * 4, "0", "-"] for name in report.not_measured]
    split = f" of split {about.split}" if about.split else ""
    lines = [f"Bundle: {bundle.source}, {about.bundle['sha256'][:12]}.", ""]
    if report.photos:
        lines += [
            *_table(["measure", "SRCC", "PLCC", "KRCC", "RMSE", "photos", "p50 ms"], rows),
            "",
            f"{len(report.photos)} photos{split}: {len(report.photos) - len(bundle.failed)} scored, "
            f"{len(bundle.failed)} failed. "
            "PLCC and RMSE after a four-parameter logistic; intervals are 95 % bootstrap.",
        ]
    lines += [f"- {row.name}: {row.source}" for row in report.measured[1:]]
    lines += [f"- {name}: {NOT_MEASURED}: {reason}" for name, reason in report.not_measured.items()]
    for row in report.measured:
        lines += _failures(row.name, row.failed)
    return "\n".join(lines)


def _agreement_row(row: Measured, figures: Agreement) -> list[str]:
    cells = [_figure(figure) for figure in (figures.srcc, figures.plcc, figures.krcc, figures.rmse)]
    return [row.name, *cells, str(figures.photos), "-" if row.p50_ms is None else f"{row.p50_ms:.1f}"]


def _degradation_part(order: DegradationOrder) -> str:
    names = list(order.orders)
    rows = [
        [kind.replace("_", " "), *(_cell(order.orders[name][kind].clean) for name in names)] for kind in order.kinds
    ]
    rows.append(["all kinds", *(_cell(order.pooled[name].clean) for name in names)])
    rows.append(["next strength", *(_cell(order.pooled[name].steps) for name in names)])
    strengths = ", ".join(f"{strength:g}" for strength in order.strengths)
    lines = [
        f"Degraded copies that score below their photo ({len(order.photos)} photos from the half rated best, strengths "
        f"{strengths}, {order.frames} frames):",
        "",
        *_table(["degradation", *names], rows),
        "",
        "Next strength: each against the next stronger one, all kinds. Intervals are 95 % Wilson, counting photos.",
    ]
    if order.calibrated_on:
        lines.append(f"The bundle was calibrated on {order.calibrated_on} of these photos.")
    for name in names:
        lines += _failures(name, order.failed[name])
    return "\n".join(lines)


def _pairs_part(pairs: PairOrder) -> str:
    rows = [[name, _counted(order.clean), _counted(order.steps)] for name, order in pairs.orders.items()]
    lines = [
        f"Real pairs of {pairs.name} in order ({pairs.scenes} scenes, {pairs.pictures} pictures):",
        "",
        *_table(["measure", "clean above degraded", "above the next stronger"], rows),
        "",
        "Intervals are 95 % Wilson, counting scenes.",
    ]
    for name in pairs.orders:
        lines += _failures(name, pairs.failed[name])
    return "\n".join(lines)


def _dead_part(dead: Mapping[str, Mapping[str, float]]) -> str:
    frames = list(dead[BUNDLE])
    rows = [
        [name, *(f"{scores[frame]:.3f}" if frame in scores else NOT_MEASURED for frame in frames)]
        for name, scores in dead.items()
    ]
    title = "Scores of dead cameras' frames, each on its measure's own scale:"
    return "\n".join([title, "", *_table(["measure", *frames], rows)])


def _timing_part(timing: TimingReport) -> str:
    rows = [
        [one.name, f"{one.p50_ms:.1f}", f"{one.min_ms:.1f}", f"{one.cpu_p50_ms:.1f}", f"{one.times_bundle:.2f}"]
        for one in timing.measures
    ]
    rows += [[name, *[NOT_MEASURED] * 4] for name in timing.not_timed]
    load = "" if timing.load is None else f", load average {timing.load[0]:g} before and {timing.load[1]:g} after"
    threads = "its own choice of" if timing.engine_threads is None else str(timing.engine_threads)
    return "\n".join(
        [
            f"Time of a frame of {timing.width}x{timing.height}, ms ({timing.rounds} rounds taking turns, {threads} "
            f"engine threads, {timing.opencv_threads} of OpenCV{load}):",
            "",
            *_table(["measure", "p50", "least", "p50 of CPU time", f"p50 over the {BUNDLE}'s"], rows),
        ]
    )


def _failures(name: str, failed: Mapping[str, str]) -> list[str]:
    lines = [f"- {name}, no score for {picture}: {reason}" for picture, reason in list(failed.items())[:FAILURES_SHOWN]]
    if len(failed) > FAILURES_SHOWN:
        lines.append(f"- {name}: no score for {len(failed) - FAILURES_SHOWN} more")
    return lines


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Markdown whose columns also line up as plain text."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (header, *rows)]
    lines = [f"| {' | '.join(row)} |" for row in padded]
    return [lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:]]


def _figure(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _cell(share: Share | None) -> str:
    return NOT_MEASURED if share is None else str(share)


def _counted(share: Share | None) -> str:
    return NOT_MEASURED if share is None else f"{share.in_order}/{share.pairs}, {share}"
