"""From a finished measurement to its report: every section, every warning, and a reason for everything absent."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dgiqa_edge.runtime.machine.processor import processor
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..latency.device_stages import DeviceStages
from ..latency.latency import LatencyPlan, LatencyRun
from ..latency.loadgen import LoadGenSummary
from ..telemetry.reading import Telemetry
from ..telemetry.summary import summarize
from .document import Report, assemble
from .sections import device_rows, latency_section, latency_warnings, telemetry_section
from .subject import fidelity_section, subject_section


@dataclass(frozen=True, eq=False)
class Measured:
    """What a measurement of one bundle left behind.

    ``missing``: path inside the report -> why it is not there. ``telemetry`` ``None``: the sampler did not run, or
    several bundles shared the device and its watts cannot be told apart.
    """

    run: LatencyRun
    plan: LatencyPlan
    threads: int | None
    summary: LoadGenSummary | None
    shares: Mapping[str, float] | None
    device: Sequence[DeviceStages]
    telemetry: Telemetry | None
    missing: Mapping[str, str]


def latency_report(
    scorer: Scorer,
    measured: Measured,
    tool: Mapping[str, Any],
    environment: Mapping[str, Any],
    session: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
    argv: Sequence[str] | None = None,
) -> Report:
    """The report of one bundle; ``more`` holds sections measured elsewhere (accuracy, soak)."""
    run = measured.run
    sections: dict[str, Any] = {
        "latency": {
            **latency_section(run, measured.plan, measured.threads, measured.summary, measured.shares),
            "device_stages": device_rows(measured.device),
        },
        "fidelity": fidelity_section(scorer.bundle),
        **(more or {}),
    }
    missing = {**stages_not_told_apart(scorer, measured), **measured.missing}
    if measured.telemetry is not None:
        figures = summarize(measured.telemetry, run.started, run.ended, len(run.samples))
        sections["telemetry"] = telemetry_section(measured.telemetry, figures, run.started)
        missing |= {f"telemetry.{name}": reason for name, reason in figures.not_measured.items()}
    if measured.summary is None:
        missing.setdefault("latency.loadgen", "the run was driven by the project's own loop (--driver loop)")
    for row in sections["latency"]["percentiles"]:
        if row["value_ms"] is None:
            missing[f"latency.p{row['percent']:g}"] = f"needs {row['needed']} queries, the run made {row['queries']}"
    return assemble(
        tool=tool,
        argv=argv if argv is not None else ["dgiqa-edge", *sys.argv[1:]],
        subject=subject_section(scorer),
        environment=environment,
        sections=sections,
        warnings=latency_warnings(run, measured.device),
        not_measured=missing,
        session=session,
    )


def stages_not_told_apart(scorer: Scorer, measured: Measured) -> dict[str, str]:
    """Stages that a camera pipeline has and this measurement cannot show, with the reason for each."""
    stages = measured.run.samples.stages_ms
    missing = {
        "capture": "frames come from memory; a camera's own delay is not in these figures",
    }
    if not measured.device:
        reason = "there is none on a CPU: the engine reads the frame where it lies"
        if scorer.describe()[0]["device"] != processor().model:
            reason = "the engine cannot time its device in this run"
        missing["copy in"] = missing["copy out"] = reason
    if "depth" not in stages:
        missing["depth"] = missing["quality"] = "one fused engine runs both; shares inside it stand apart"
    return {f"latency.stages.{name}": reason for name, reason in missing.items() if name not in stages}
