"""A report as one HTML page that needs nothing else: inline style and SVG, no script, no request, fit to print.

Everything from the document is escaped; the plots come from ``plots.py``.
"""

from collections.abc import Iterator, Mapping
from html import escape
from importlib import resources
from typing import Any

from . import facts, plots
from .accuracy import agreement_table, order_table
from .facts import Headline, Table
from .markdown import soak_table

Report = Mapping[str, Any]
STYLE = "page.css"


def to_html(report: Report) -> str:
    """The whole page."""
    style = (resources.files("dgiqa_edge.benchmarks.report") / STYLE).read_text(encoding="utf-8")
    title = escape(facts.title(report))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(_body(report))
        + "\n</main>\n</body>\n</html>\n"
    )


def _body(report: Report) -> Iterator[str]:
    yield "<header>"
    yield f"<h1>{escape(facts.title(report))}</h1>"
    yield f"<p>{escape(facts.device(report))}</p>"
    version = f"dgiqa-edge {report['tool']['version']}"
    yield f"<p class='faint'>Measured {escape(report['created'])} by {escape(version)}</p>"
    yield "</header>"
    yield '<div class="cards">' + "".join(_card(line) for line in facts.headlines(report)) + "</div>"
    yield from _remarks(report)
    if report["latency"]:
        yield from _latency(report)
    if report["soak"]:
        yield from _section(
            "Soak", plots.soak_drift(report["latency"], report["soak"]), _table(soak_table(report["soak"]))
        )
    if report["telemetry"]:
        yield from _telemetry(report["telemetry"])
    yield from _exactness(report)
    yield from _section("What was measured", _table(facts.subject_table(report), keys=True))
    yield from _section("Environment", _table(facts.environment_table(report), keys=True))
    yield from _section("Not measured", _table(facts.missing_table(report), keys=True))


def _remarks(report: Report) -> Iterator[str]:
    warnings = "".join(
        f"<li><b>{escape(warning['code'])}</b>: {escape(warning['message'])}</li>" for warning in report["warnings"]
    )
    notes = "".join(f"<li>{escape(note)}</li>" for note in report["subject"]["notes"])
    if warnings or notes:
        yield f'<aside><b class="title">Read this first</b><ul>{notes}{warnings}</ul></aside>'


def _latency(report: Report) -> Iterator[str]:
    latency = report["latency"]
    yield from _section(
        "Latency",
        "<p>From a frame in memory to its score and depth map. A percentile is given only from as many queries as "
        "MLPerf’s early-stopping rule asks for; intervals are 95 % binomial order statistics.</p>",
        _table(facts.percentile_table(latency["percentiles"])),
        plots.latency_cdf(latency),
        plots.latency_timeline(latency),
    )
    shares = "".join(
        f"<li>{escape(name)}: {share:.1f} %</li>" for name, share in latency["node_shares_percent"].items()
    )
    yield from _section(
        "Stages",
        "<p>From the encoded camera frame to the result, mean times.</p>",
        plots.stage_bars(latency),
        _table(facts.stage_table(report)),
        _table(facts.device_table(report)),
        f"<p>Inside the engine, by a profiled run of its own (share of all node time):</p><ul>{shares}</ul>"
        if shares
        else "",
        "<p>End to end, from the encoded frame to the gate’s verdict:</p>",
        _table(facts.percentile_table(latency["end_to_end_percentiles"])),
    )
    yield from _section("How it was measured", _table(facts.run_table(report), keys=True))


def _telemetry(telemetry: Mapping[str, Any]) -> Iterator[str]:
    parts = []
    for heading, plot in plots.telemetry_plots(telemetry):
        parts.append(f"<h3>{escape(heading)}</h3>{plot}")
    if telemetry["throttled"]:
        parts.append("<p><b>Throttled:</b> " + escape("; ".join(telemetry["throttled"])) + "</p>")
    for adapter in telemetry["adapters"]:
        parts.append(f"<h3>Sensors read by {escape(adapter['name'])}</h3>")
        parts.append(_table(facts.channel_table(adapter)))
        parts += [f"<p class='faint'>{escape(note)}</p>" for note in adapter["notes"]]
    away = "; ".join(f"{name}: {reason}" for name, reason in telemetry["unavailable"].items())
    if away:
        parts.append(f"<p class='faint'>Not available here: {escape(away)}</p>")
    yield from _section("Device", *parts)


def _exactness(report: Report) -> Iterator[str]:
    fidelity, accuracy = report["fidelity"], report["accuracy"]
    if fidelity:
        yield from _section(
            "Fidelity to FP32", _table(facts.fidelity_table(report), keys=True), plots.score_deltas(fidelity) or ""
        )
    if accuracy:
        yield from _section(
            "Agreement with people",
            _table(agreement_table(accuracy)),
            plots.accuracy_scatter(accuracy) or "",
            _table(order_table(accuracy) or Table((), ())),
        )


def _card(line: Headline) -> str:
    kind = "card" if line.measured else "card missing"
    return (
        f'<div class="{kind}"><span>{escape(line.label)}</span><b>{escape(line.text)}</b>'
        f"<small>{escape(line.detail)}</small></div>"
    )


def _section(heading: str, *parts: str) -> Iterator[str]:
    yield f"<section><h2>{escape(heading)}</h2>"
    yield from (part for part in parts if part)
    yield "</section>"


def _table(table: Table, keys: bool = False) -> str:
    if not table.rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in table.columns)
    header = f"<thead><tr>{head}</tr></thead>" if any(table.columns) else ""
    rows = "".join(
        "<tr>" + "".join(f"<td{_mark(cell)}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    kind = ' class="keys"' if keys else ""
    return f'<div class="wide"><table{kind}>{header}<tbody>{rows}</tbody></table></div>'


def _mark(cell: str) -> str:
    return ' class="missing"' if cell == facts.NOT_MEASURED or cell.startswith("not found: ") else ""
