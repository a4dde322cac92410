"""Reports side by side, and which of them no other beats in everything: speed, exactness, energy.

Only reports of one device and frame size compete; a figure that was not measured takes part in no competition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..report import facts

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """One report's figures; ``None`` is not measured. ``front``: no other of its group beats it."""

    preset: str
    precision: str
    backend: str
    frame: str
    device: str
    seeded: bool
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    frames_per_s: float | None
    j_per_frame: float | None
    score_mae: float | None
    srcc: float | None
    megabytes: float
    warned: bool
    front: bool = False


def candidate(report: Report) -> Candidate:
    """The figures of one report."""
    subject, latency = report["subject"], report["latency"]
    percentiles = {row["percent"]: row["value_ms"] for row in latency["percentiles"]} if latency else {}
    power = (report["telemetry"] or {}).get("power") or {}
    measured = (report["accuracy"] or {}).get("measured") or [{}]
    frame = subject["frame"]
    fp32_itself = subject["precision"] == "fp32"
    return Candidate(
        preset=subject["preset"],
        precision=subject["precision"],
        backend=", ".join(dict.fromkeys(str(engine["backend"]) for engine in subject["engines"])),
        frame=f"{frame['width']}x{frame['height']}",
        device=facts.device(report),
        seeded=any(network["seeded"] for network in subject["networks"]),
        p50_ms=percentiles.get(50.0),
        p90_ms=percentiles.get(90.0),
        p99_ms=percentiles.get(99.0),
        frames_per_s=latency["frames_per_s"] if latency else None,
        j_per_frame=power.get("j_per_frame"),
        score_mae=0.0 if fp32_itself else (report["fidelity"] or {}).get("score_mae"),
        srcc=measured[0].get("agreement", {}).get("srcc", {}).get("value"),
        megabytes=subject["engine_bytes"] / 1e6,
        warned=any(warning["code"] in ("machine-busy", "machine-unsteady") for warning in report["warnings"]),
    )


def with_fronts(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same, marked, in order of device, frame and median latency."""
    from dataclasses import replace

    marked = [
        replace(one, front=not any(_beats(other, one) for other in candidates if other is not one))
        for one in candidates
    ]
    return sorted(marked, key=lambda it: (it.device, it.frame, it.p50_ms is None, it.p50_ms or 0.0))


def rows(candidates: Sequence[Candidate]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Column names and text rows; the device is named once in front of its group by the caller."""
    columns = (
        "",
        "preset",
        "precision",
        "backend",
        "frame",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "frames/s",
        "J/frame",
        "score MAE",
        "SRCC",
        "MB",
        "",
    )
    found = []
    for one in candidates:
        remarks = ["seeded weights"] * one.seeded + ["busy machine"] * one.warned
        found.append(
            (
                "*" if one.front else "",
                one.preset,
                one.precision,
                one.backend,
                one.frame,
                *(_cell(value, 1) for value in (one.p50_ms, one.p90_ms, one.p99_ms, one.frames_per_s)),
                _cell(one.j_per_frame, 3),
                _cell(one.score_mae, 4),
                _cell(one.srcc, 3),
                f"{one.megabytes:.1f}",
                ", ".join(remarks),
            )
        )
    return columns, found


def _beats(one: Candidate, other: Candidate) -> bool:
    """Whether ``one`` is at least as good in every figure that both have, and better in one."""
    if (one.device, one.frame) != (other.device, other.frame):
        return False
    pairs = [
        (mine, theirs)
        for mine, theirs in (
            (one.p50_ms, other.p50_ms),
            (one.j_per_frame, other.j_per_frame),
            *_exactness(one, other),
        )
        if mine is not None and theirs is not None
    ]
    return bool(pairs) and all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def _exactness(one: Candidate, other: Candidate) -> list[tuple[float | None, float | None]]:
    """Agreement with people where both have it; else, within one preset, the error against FP32."""
    if one.seeded or other.seeded:
        return [] if one.preset != other.preset else [(one.score_mae, other.score_mae)]
    if one.srcc is not None and other.srcc is not None:
        return [(-one.srcc, -other.srcc)]
    return [(one.score_mae, other.score_mae)] if one.preset == other.preset else [(0.0, 1.0), (1.0, 0.0)]


def _cell(value: float | None, digits: int) -> str:
    return facts.NOT_MEASURED if value is None else f"{value:.{digits}f}"
