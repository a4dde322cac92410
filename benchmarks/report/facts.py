"""What both pages say: titles, headline figures and tables of a report, as text. Nothing is computed anew here.

A figure that is missing reads "not measured", with the reason beside it; it is never left out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Report = Mapping[str, Any]
NOT_MEASURED = "not measured"
_NOT_FOUND = "not found: "
_UNITS = {"_w": "W", "_c": "°C", "_mhz": "MHz", "_percent": "%", "_mib": "MiB"}


@dataclass(frozen=True)
class Headline:
    """One figure in large type: its text, and a line of detail (or the reason why there is none)."""

    label: str
    text: str
    detail: str
    measured: bool = True


@dataclass(frozen=True)
class Table:
    """Column names and rows of text."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def is_missing(cell: str) -> bool:
    """Whether a cell stands for a figure that is absent."""
    return cell == NOT_MEASURED or cell.startswith(_NOT_FOUND)


def title(report: Report) -> str:
    """What was measured, in one line."""
    subject = report["subject"]
    frame = subject["frame"]
    backends = ", ".join(dict.fromkeys(str(engine["backend"]) for engine in subject["engines"]))
    name = f"{subject['preset']} {subject['precision'].upper()}"
    return f"{name} at {frame['width']}×{frame['height']} on {backends}"


def moment(stamp: str) -> str:
    """``2026-11-25T22:10:46Z`` as people read it, to the minute."""
    return f"{stamp[:10]} {stamp[11:16]} UTC"


def with_unit(name: str) -> tuple[str, str]:
    """Words and unit of a name that ends in its unit, as ``memory_available_mib`` does; the unit may be empty."""
    ending = next((end for end in _UNITS if name.endswith(end)), "")
    return name.removesuffix(ending).replace("_", " "), _UNITS.get(ending, "")


def device(report: Report) -> str:
    """Where it was measured, in one line."""
    facts = report["environment"]["facts"]
    parts = []
    if facts.get("jetson"):
        parts += [str(facts["jetson"]), f"Jetson Linux {facts.get('l4t', '?')}", str(facts.get("power_mode", ""))]
    elif facts.get("gpu"):
        gpus = facts["gpu"]
        parts.append(", ".join(map(str, gpus)) if isinstance(gpus, list) else str(gpus))
    parts.append(f"{facts.get('cpu', 'unknown CPU')}, {facts.get('cpu_cores', '?')} processors")
    return " · ".join(part for part in parts if part)


def headlines(report: Report) -> list[Headline]:
    """Speed, tail, rate, power, energy, fidelity, accuracy: always all of them."""
    return [*_latency_headlines(report), *_power_headlines(report), _fidelity_headline(report), _accuracy(report)]


def percentile_table(entries: Sequence[Mapping[str, Any]]) -> Table:
    """Percentiles with their intervals, or the queries they would need."""
    rows = []
    for entry in entries:
        name = f"p{entry['percent']:g}"
        if entry["value_ms"] is None:
            rows.append((name, NOT_MEASURED, f"needs {entry['needed']} queries, had {entry['queries']}"))
        else:
            rows.append((name, f"{entry['value_ms']:.2f} ms", interval_text(entry)))
    return Table(("percentile", "latency", "95 % interval"), tuple(rows))


def interval_text(entry: Mapping[str, Any]) -> str:
    """``[80.10, 90.20]`` ms; an end that no query bounds reads as such."""
    high = "no upper bound" if entry["high_ms"] is None else f"{entry['high_ms']:.2f}"
    return f"[{entry['low_ms']:.2f}, {high}] ms"


def run_table(report: Report) -> Table:
    """How the latency was measured."""
    latency = report["latency"]
    load = latency["load"]
    rows = [
        ("scenario, driver", f"{latency['scenario']}, {latency['driver']}"),
        ("queries, frames", f"{latency['queries']}, {latency['frames']}"),
        (
            "duration",
            f"{latency['duration_s']:.1f} s after a warm-up of at least {latency['warm_up']['queries']} frames",
        ),
        ("mean, least, most", f"{latency['mean_ms']:.2f}, {latency['min_ms']:.2f}, {latency['max_ms']:.2f} ms"),
        ("variation", f"{latency['variation_percent']:.1f} % (coefficient of variation)"),
        ("processor time per frame", f"{latency['cpu_ms_per_frame']:.2f} ms ({latency['cores_busy']:.2f} cores busy)"),
        ("threads of the engine", "its own choice" if latency["threads"] is None else str(latency["threads"])),
        (
            "processors meanwhile",
            NOT_MEASURED
            if load is None
            else f"this process {load['own_percent']:.0f} %, others {load['others_percent']:.0f} %, "
            f"stolen {load['stolen_percent']:.1f} %",
        ),
        (
            "yardstick",
            f"{latency['yardstick']['p50_ms']:.2f} ms, varied by {latency['yardstick']['variation_percent']:.1f} %"
            if latency["yardstick"]["p50_ms"] is not None
            else NOT_MEASURED,
        ),
        ("LoadGen", _loadgen_text(report)),
    ]
    return Table(("", ""), tuple(rows))


def stage_table(report: Report) -> Table:
    """Stages from the encoded frame to the result."""
    latency = report["latency"]
    rows = [
        (row["name"], f"{row['p50_ms']:.3f} ms", f"{row['mean_ms']:.3f} ms", f"{row['share_percent']:.1f} %")
        for row in latency["stages"]
    ]
    return Table(("stage", "median", "mean", "share"), tuple(rows))


def absent_stages_table(report: Report) -> Table:
    """Stages that this run cannot tell apart, and why."""
    prefix = "latency.stages."
    missing = [item for item in report["not_measured"].items() if item[0].startswith(prefix)]
    return Table(("stage", NOT_MEASURED), tuple((path.removeprefix(prefix), reason) for path, reason in missing))


def absent_stages_line(report: Report) -> str:
    """Their names."""
    return _folded_line("Not told apart", [row[0] for row in absent_stages_table(report).rows])


def device_table(report: Report) -> Table:
    """Copies, launch and computation on the device, where engines time themselves."""
    rows = [
        (row["engine"], row["name"], f"{row['p50_ms']:.3f} ms", f"{row['mean_ms']:.3f} ms")
        for row in report["latency"]["device_stages"]
    ]
    return Table(("engine", "on the device", "median", "mean"), tuple(rows))


def environment_table(report: Report) -> Table:
    """Every fact that could be had."""
    environment = report["environment"]
    named = ((*with_unit(name), value) for name, value in environment["facts"].items())
    known = [(words, f"{_text(value)} {unit}".rstrip()) for words, unit, value in named]
    packages = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    variables = ", ".join(f"{name}={value}" for name, value in environment["variables"].items()) or "none set"
    return Table(("", ""), (*known, ("packages", packages), ("variables", variables)))


def not_found_table(report: Report) -> Table:
    """Every fact that could not be had, and why."""
    missing = report["environment"]["not_found"].items()
    return Table(("", ""), tuple((with_unit(name)[0], f"{_NOT_FOUND}{reason}") for name, reason in missing))


def not_found_line(report: Report) -> str:
    """Their names."""
    return _folded_line("Not found here", report["environment"]["not_found"])


def absent_table(report: Report) -> Table:
    """The headline figures that were not measured, and why."""
    return Table(("", ""), tuple((line.label, line.detail) for line in headlines(report) if not line.measured))


def absent_line(report: Report) -> str:
    """Their names."""
    return _folded_line("Not measured", [line.label for line in headlines(report) if not line.measured])


def sensors_table(telemetry: Mapping[str, Any]) -> Table:
    """Sensors that this machine does not have or does not show, and why."""
    return Table(("", ""), tuple((str(name), str(reason)) for name, reason in telemetry["unavailable"].items()))


def sensors_line(telemetry: Mapping[str, Any]) -> str:
    """Their names."""
    return _folded_line("Not available here", telemetry["unavailable"])


def missing_line(report: Report) -> str:
    """How many paths of the document hold nothing."""
    count = len(report["not_measured"])
    return f"{count} parts of the document are empty: which, and why" if count != 1 else "One part of it is empty"


def _folded_line(what: str, names: Collection[str]) -> str:
    return f"{what}: {', '.join(with_unit(name)[0] for name in names)}"


def subject_table(report: Report) -> Table:
    """What exactly was measured, and by which program."""
    subject, tool = report["subject"], report["tool"]
    commit = tool["commit"] or "not known (installed from a package)"
    rows = [
        ("bundle", f"{subject['bundle']}, built {subject['created']}"),
        ("manifest", f"SHA-256 {subject['manifest_sha256']}"),
        *((f"engine ({engine['role']})", _engine_text(engine)) for engine in subject["engines"]),
        ("networks", "; ".join(_network_text(network) for network in subject["networks"])),
        ("engine files", f"{subject['engine_bytes'] / 1e6:.1f} MB"),
        ("built with", " ".join(subject["build_argv"])),
        ("measured with", " ".join(report["argv"])),
        ("program", f"dgiqa-edge {tool['version']}, commit {commit}{', changed since' if tool['changed'] else ''}"),
    ]
    return Table(("", ""), tuple(rows))


def channel_table(adapter: Mapping[str, Any]) -> Table:
    """Sensors of one adapter: what is read, of which part, and its figures with their unit."""
    rows = []
    for channel, row in adapter["channels"].items():
        quantity, _, part = channel.partition(".")
        words, unit = with_unit(quantity)
        values = (f"{row[name]:.{0 if row[name] >= 1000 else 2}f} {unit}" for name in ("mean", "low", "high"))
        rows.append((f"{words}, {part}", *values, str(row["readings"])))
    return Table(("sensor", "mean", "lowest", "highest", "readings"), tuple(rows))


def fidelity_table(report: Report) -> Table:
    """Agreement with FP32."""
    fidelity = report["fidelity"]
    held = "held out of the calibration" if fidelity["held_out"] else "also used for the calibration"
    rows = [
        ("photos", f"{fidelity['images']}, {held}"),
        ("score", f"mean absolute difference {fidelity['score_mae']:.5f}, largest {fidelity['score_max']:.5f}"),
        ("rank correlation (SRCC)", _number(fidelity["score_srcc"], 4)),
        ("depth", f"mean difference {fidelity['depth_mae_levels']:.3f} of 255 levels"),
        ("depth correlation", _number(fidelity["depth_correlation"], 5)),
    ]
    if "faults_mae" in fidelity:
        rows.append(("faults", f"mean absolute difference of their probabilities {fidelity['faults_mae']:.5f}"))
    return Table(("", ""), tuple(rows))


def soak_table(soak: Mapping[str, Any]) -> Table:
    """Every series that was searched for drift, and every clock that fell."""
    words = {True: "drift", False: "no drift", None: "too short to tell"}
    series = {
        "latency": soak["latency"],
        "latency over the yardstick": soak["relative_to_yardstick"],
        **soak["channels"],
    }
    rows = [
        (name, words[row["found"]], f"{row['change_percent']:+.1f} %", f"p {row['p_value']:.3g}")
        for name, row in series.items()
        if row["change_percent"] is not None
    ]
    for name, drops in soak["clock_drops"].items():
        for drop in drops:
            span = f"{drop['start_s']:.0f} to {drop['end_s']:.0f} s"
            rows.append((name, "throttled", f"{drop['from_mhz']:.0f} to {drop['to_mhz']:.0f} MHz", span))
    return Table(("series", "verdict", "change", ""), tuple(rows))


def missing_table(report: Report) -> Table:
    """Everything that is absent, and why."""
    return Table(("not measured", "because"), tuple(sorted(report["not_measured"].items())))


def _latency_headlines(report: Report) -> list[Headline]:
    latency = report["latency"]
    if latency is None:
        return [Headline("latency", NOT_MEASURED, report["not_measured"]["latency"], measured=False)]
    found = []
    for entry in latency["percentiles"]:
        label = f"p{entry['percent']:g} latency"
        if entry["value_ms"] is None:
            found.append(
                Headline(label, NOT_MEASURED, f"{entry['queries']} queries, needs {entry['needed']}", measured=False)
            )
        else:
            found.append(Headline(label, f"{entry['value_ms']:.1f} ms", f"95 %: {interval_text(entry)}"))
    busy = f"{latency['cores_busy']:.2f} CPU cores busy"
    if latency["cpu_ms_per_frame"]:
        busy += f", {1e3 / latency['cpu_ms_per_frame']:.1f} frames/s per core"
    found.append(Headline("frames per second", f"{latency['frames_per_s']:.1f}", busy))
    return found


def _power_headlines(report: Report) -> list[Headline]:
    telemetry = report["telemetry"]
    power = telemetry["power"] if telemetry else None
    if power is None:
        reasons = report["not_measured"]
        reason = (
            reasons.get("telemetry.power total") or reasons.get("telemetry.power_w") or reasons.get("telemetry") or ""
        )
        return [Headline("power", NOT_MEASURED, reason, measured=False)]
    found = [Headline("mean power", f"{power['mean_w']:.2f} W", f"peak {power['peak_w']:.2f} W, {power['covers']}")]
    if power["j_per_frame"] is not None:
        found.append(Headline("energy per frame", f"{power['j_per_frame']:.3f} J", "idle power and pauses included"))
    return found


def _fidelity_headline(report: Report) -> Headline:
    fidelity = report["fidelity"]
    if fidelity is None:
        return Headline("score error to FP32", NOT_MEASURED, report["not_measured"]["fidelity"], measured=False)
    return Headline(
        "score error to FP32",
        f"{fidelity['score_mae']:.4f}",
        f"mean absolute, {fidelity['images']} photos, scores 0 to 1",
    )


def _accuracy(report: Report) -> Headline:
    accuracy = report["accuracy"]
    rows = (accuracy or {}).get("measured") or []
    if not rows:
        reason = report["not_measured"].get("accuracy", "the document holds no measured row")
        return Headline("agreement with people", NOT_MEASURED, reason, measured=False)
    agreement = rows[0]["agreement"]
    srcc = agreement["srcc"]
    return Headline(
        "agreement with people (SRCC)",
        f"{srcc['value']:.3f}",
        f"95 %: [{srcc['low']:.3f}, {srcc['high']:.3f}], {agreement['photos']} photos",
    )


def _loadgen_text(report: Report) -> str:
    latency = report["latency"]
    loadgen = latency["loadgen"]
    if loadgen is None:
        return report["not_measured"].get("latency.loadgen", "not used")
    verdict = "VALID" if loadgen["valid"] else "INVALID"
    length = (
        "as long as the MLPerf rules ask"
        if loadgen["as_long_as_the_rules_ask"]
        else f"shorter than the {loadgen['rule_duration_s']:.0f} s the MLPerf rules ask of a submission"
    )
    return f"{verdict} by its own summary, version {loadgen['version']}; {length}"


def _engine_text(engine: Mapping[str, Any]) -> str:
    return (
        f"{engine['backend']} {engine['backend_version']} on {engine.get('device', 'unknown device')}, "
        f"SHA-256 {engine['sha256']}"
    )


def _network_text(network: Mapping[str, Any]) -> str:
    weights = "filled from a seed, its scores mean nothing" if network["seeded"] else "trained weights"
    return f"{network['role']}: {network['name']} ({weights})"


def _number(value: float | None, digits: int) -> str:
    return NOT_MEASURED if value is None else f"{value:.{digits}f}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {part}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
