"""The report as one JSON document: put together, checked against its published schema, written and read.

The schema is ``benchmarks/schemas/report.schema.json``. Every section may be absent; ``not_measured`` then says why.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib import resources
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.errors import ReportError
from dgiqa_edge.runtime.ground.atomic import write_result
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.json_schema import JsonSchema
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import KeyRuleError, parse_json

KIND = "dgiqa-edge benchmark report"
SCHEMA_VERSION = 1
SECTIONS = ("latency", "telemetry", "fidelity", "accuracy", "soak")
_ABSENT = {
    "latency": "not part of this run (dgiqa-edge bench latency)",
    "telemetry": "not part of this run (dgiqa-edge bench latency)",
    "fidelity": "the bundle carries no comparison with FP32 (it is FP32 itself, or was built without one)",
    "accuracy": "no document of dgiqa-edge bench accuracy was given (--accuracy FILE)",
    "soak": "not part of this run (dgiqa-edge bench soak)",
}

Report = dict[str, Any]


def assemble(
    tool: Mapping[str, Any],
    argv: Sequence[str],
    subject: Mapping[str, Any],
    environment: Mapping[str, Any],
    sections: Mapping[str, Any],
    warnings: Sequence[Mapping[str, Any]] = (),
    not_measured: Mapping[str, str] | None = None,
    session: Mapping[str, Any] | None = None,
) -> Report:
    """A report of the sections given; those that are absent get their reason."""
    reasons = dict(not_measured or {})
    for name in SECTIONS:
        if sections.get(name) is None:
            reasons.setdefault(name, _ABSENT[name])
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "tool": dict(tool),
        "argv": list(argv),
        "session": None if session is None else dict(session),
        "subject": dict(subject),
        "environment": dict(environment),
        **{name: sections.get(name) for name in SECTIONS},
        "warnings": [dict(warning) for warning in warnings],
        "not_measured": reasons,
    }


def with_section(report: Report, name: str, section: Mapping[str, Any]) -> Report:
    """The same report with a section added or replaced."""
    reasons = {key: reason for key, reason in report["not_measured"].items() if key != name}
    return {**report, name: dict(section), "not_measured": reasons}


def write_report(path: Path, report: Report) -> None:
    """Check and write; a report that breaks its own schema is a bug and never reaches the disk.

    Raises:
        ReportError: it breaks the schema.
    """
    write_result(path, json_text(checked_report(report, str(path)), indent=1) + "\n")


def checked_report(report: Report, name: str) -> Report:
    """As JSON has it, once it is found to keep the schema.

    Raises:
        ReportError: it breaks the schema.
    """
    plain: Report = json.loads(json.dumps(report, allow_nan=False))
    _check(plain, name)
    return plain


def read_report(path: Path) -> Report:
    """Read and check a report.

    Raises:
        ReportError: it cannot be read, is no report, or comes from a newer version.
    """
    report = read_json(path)
    if not isinstance(report, dict) or report.get("kind") != KIND:
        raise ReportError(f"{path} is no benchmark report: give a file written by dgiqa-edge bench latency --json")
    version = report.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise ReportError(
            f"{path} has report schema {version}, this version reads up to {SCHEMA_VERSION}: update dgiqa-edge"
        )
    _check(report, str(path))
    return report


def read_json(path: Path) -> Any:
    """A JSON file of the user's.

    Raises:
        ReportError: it cannot be read or is not JSON.
    """
    try:
        return parse_json(file_bytes(path).decode("utf-8-sig"))
    except OSError as error:
        raise ReportError(f"{path} cannot be read ({error.strerror}): check the name") from error
    except KeyRuleError as error:
        raise ReportError(f"{path}, {error}") from error
    except ValueError as error:
        raise ReportError(f"{path} is not valid JSON ({error}): write it again") from error


def _check(report: Report, name: str) -> None:
    if (broken := _schema().broken_rule(report)) is not None:
        raise ReportError(f"{name} breaks the report schema: {broken}")


@functools.cache
def _schema() -> JsonSchema:
    file = resources.files("dgiqa_edge.benchmarks") / "schemas" / "report.schema.json"
    return JsonSchema(parse_json(file.read_text(encoding="utf-8")), "the report")
