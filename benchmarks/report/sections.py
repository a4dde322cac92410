"""From measured values to the sections of a report: plain JSON, every figure rounded to what it is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..latency import steadiness, yardstick
from ..latency.device_stages import DeviceStages
from ..latency.latency import LatencyPlan, LatencyRun
from ..latency.loadgen import RULE_DURATION_S, LoadGenSummary
from ..latency.percentiles import percentiles
from ..latency.soak import SoakFindings
from ..telemetry.reading import Telemetry
from ..telemetry.summary import TelemetrySummary, series
from .series import encode

JsonObject = dict[str, Any]
_PER_FRAME = ("start_s", "latency_ms", "cpu_ms", "decode_ms", "gate_ms")


def latency_section(
    run: LatencyRun,
    plan: LatencyPlan,
    threads: int | None,
    summary: LoadGenSummary | None,
    shares: Mapping[str, float] | None,
) -> JsonObject:
    """Figures and raw samples of a run."""
    samples = run.samples
    cores = run.at_once * float(samples.cpu_ms.sum() / samples.latency_ms.sum())
    return {
        "scenario": run.scenario,
        "driver": run.driver,
        "threads": threads,
        "duration_s": round(run.wall_s, 3),
        "asked_duration_s": plan.duration_s,
        "warm_up": {"seconds": plan.warm_up_s, "queries": plan.warm_up_queries},
        "min_queries": run.min_queries,
        "queries": len(run.queries_ms),
        "frames": len(samples),
        "frames_per_s": _round(run.at_once * 1e3 * len(samples) / float(samples.latency_ms.sum())),
        "mean_ms": _round(samples.latency_ms.mean()),
        "min_ms": _round(samples.latency_ms.min()),
        "max_ms": _round(samples.latency_ms.max()),
        "variation_percent": _round(steadiness.variation_percent(samples.latency_ms), 2),
        "percentiles": _percentiles(run.queries_ms),
        "end_to_end_percentiles": _percentiles(samples.end_to_end_ms),
        "cpu_ms_per_frame": _round(samples.cpu_ms.mean()),
        "cores_busy": _round(cores, 2),
        "stages": _stages(run),
        "node_shares_percent": {name: _round(value, 1) for name, value in (shares or {}).items()},
        "load": None if run.load is None else {name: _round(value, 1) for name, value in asdict(run.load).items()},
        "yardstick": {
            "version": yardstick.VERSION,
            "p50_ms": _round(np.median(samples.yardstick_ms)),
            "variation_percent": _round(steadiness.variation_percent(samples.yardstick_ms), 2),
        },
        "loadgen": None if summary is None else _loadgen(summary, run),
        "samples": {
            **{name: encode(getattr(samples, name)) for name in _PER_FRAME},
            "block": encode(samples.block.astype(float)),
            "yardstick_ms": encode(samples.yardstick_ms),
            **({} if run.scenario == "single-stream" else {"query_ms": encode(run.queries_ms)}),
        },
    }


def device_rows(stages: Sequence[DeviceStages]) -> list[JsonObject]:
    """Copies, launch and computation of each engine on the device; empty on a CPU."""
    return [
        {"engine": one.role, "name": name, "p50_ms": _round(np.median(times)), "mean_ms": _round(times.mean())}
        for one in stages
        for name, times in one.times_ms.items()
    ]


def latency_warnings(run: LatencyRun, device: Sequence[DeviceStages] = ()) -> list[JsonObject]:
    """What a reader of the latency section must know first."""
    others = None if run.load is None else run.load.others_percent
    found = [
        steadiness.busy_warning(others),
        steadiness.yardstick_warning(run.samples.yardstick_ms),
        steadiness.variation_warning(run.samples.latency_ms),
    ]
    found += [warned for one in device for warned in one.warnings()]
    return [_warning(warned) for warned in found if warned is not None]


def telemetry_section(telemetry: Telemetry, summary: TelemetrySummary, started: float) -> JsonObject:
    """Figures of every channel, and the series behind them."""
    return {
        "interval_s": telemetry.interval_s,
        "power": None if summary.power is None else _rounded(asdict(summary.power)),
        "throttled": list(summary.throttled),
        "adapters": [
            {
                "name": trace.adapter,
                "failed_reads": trace.failed_reads,
                "notes": list(trace.notes),
                "channels": {
                    name: _rounded(asdict(figures))
                    for name, figures in summary.channels.get(trace.adapter, {}).items()
                    if figures.readings
                },
                "series": {
                    str(channel): {"time_s": encode(times - started), "value": encode(values)}
                    for channel in trace.channels
                    for times, values in [series(trace.readings, channel)]
                },
            }
            for trace in telemetry.traces
        ],
        "unavailable": dict(telemetry.unavailable),
    }


def soak_section(found: SoakFindings, minutes: float) -> JsonObject:
    """What crept up and what throttled."""
    return {
        "minutes": minutes,
        "latency": _rounded(asdict(found.latency)),
        "relative_to_yardstick": _rounded(asdict(found.relative)),
        "channels": {name: _rounded(asdict(drift)) for name, drift in found.channels.items()},
        "clock_drops": {name: [_rounded(asdict(drop)) for drop in drops] for name, drops in found.clock_drops.items()},
    }


def _percentiles(latencies_ms: np.ndarray) -> list[JsonObject]:
    return [_rounded(asdict(found)) for found in percentiles(latencies_ms)]


def _stages(run: LatencyRun) -> list[JsonObject]:
    """Decoding first, then the parts of the latency in the order they run, then the gate."""
    rows = {"decode": run.samples.decode_ms, **run.samples.stages_ms, "cues and gate": run.samples.gate_ms}
    whole = float(run.samples.end_to_end_ms.mean())
    return [
        {
            "name": name,
            "p50_ms": _round(np.median(values)),
            "mean_ms": _round(values.mean()),
            "share_percent": _round(100.0 * float(values.mean()) / whole, 2),
        }
        for name, values in rows.items()
    ]


def _loadgen(summary: LoadGenSummary, run: LatencyRun) -> JsonObject:
    return {
        "valid": summary.valid,
        "version": summary.version,
        "figures": summary.figures,
        "summary": summary.text,
        "rule_duration_s": RULE_DURATION_S,
        "as_long_as_the_rules_ask": run.wall_s >= RULE_DURATION_S,
    }


def _warning(warned: steadiness.Warned) -> JsonObject:
    return {
        "code": warned.code,
        "message": warned.message,
        "value": _round(warned.value, 3),
        "limit": _round(warned.limit, 3),
    }


def _round(value: Any, digits: int = 4) -> float | None:
    number = float(value)
    return round(number, digits) if np.isfinite(number) else None


def _rounded(document: Mapping[str, Any]) -> JsonObject:
    """Floats rounded, anything not finite null; everything else as it is."""
    return {name: _rounded_value(value) for name, value in document.items()}


def _rounded_value(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, float):
        return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
    return _round(value, 6)
