"""A report as Markdown: the same figures as the page, for an issue, a commit message or a README."""

from collections.abc import Iterator

from dgiqa_edge.runtime.ground.error_text import one_line

from . import facts
from .accuracy import agreement_table, order_table
from .facts import Report, Table


def to_markdown(report: Report) -> str:
    """The whole report as one Markdown document."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"# {facts.title(report)}"
    yield ""
    yield f"{facts.device(report)}. Measured {report['created']} by dgiqa-edge {report['tool']['version']}."
    yield ""
    for note in report["subject"]["notes"]:
        yield f"> {note}"
        yield ""
    for warning in report["warnings"]:
        yield f"> **{warning['code']}**: {warning['message']}"
        yield ""
    rows = tuple((line.label, line.text, line.detail) for line in facts.headlines(report))
    yield from _table(Table(("figure", "value", ""), rows))
    if report["latency"]:
        yield from _latency(report)
    if report["soak"]:
        yield from _heading("Soak")
        yield from _table(facts.soak_table(report["soak"]))
    if report["telemetry"]:
        for adapter in report["telemetry"]["adapters"]:
            yield from _heading(f"Device, by {adapter['name']}")
            yield from _table(facts.channel_table(adapter))
    if report["fidelity"]:
        yield from _heading("Fidelity to FP32")
        yield from _table(facts.fidelity_table(report))
    if report["accuracy"]:
        yield from _heading("Agreement with people")
        yield from _table(agreement_table(report["accuracy"]))
        yield from _table(order_table(report["accuracy"]))
    yield from _heading("What was measured")
    yield from _table(facts.subject_table(report))
    yield from _heading("Environment")
    yield from _table(facts.environment_table(report))
    yield from _table(facts.not_found_table(report))
    yield from _heading("Not measured")
    yield from _table(facts.missing_table(report))


def _latency(report: Report) -> Iterator[str]:
    yield from _heading("Latency")
    yield from _table(facts.percentile_table(report["latency"]["percentiles"]))
    yield "End to end, from the encoded frame to the gate's verdict:"
    yield ""
    yield from _table(facts.percentile_table(report["latency"]["end_to_end_percentiles"]))
    yield from _table(facts.stage_table(report))
    yield from _table(facts.absent_stages_table(report))
    yield from _table(facts.device_table(report))
    yield from _table(facts.run_table(report))


def _heading(text: str) -> Iterator[str]:
    yield f"## {text}"
    yield ""


def _table(table: Table) -> Iterator[str]:
    if not table.rows:
        return
    yield _row(table.columns)
    yield "|" + " --- |" * len(table.columns)
    for row in table.rows:
        yield _row(row)
    yield ""


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(one_line(cell.replace("|", "\\|")) for cell in cells) + " |"
