"""One verdict per figure: worse, better, the same, or undecided; and what makes the comparison unfit altogether.

``worse`` needs all of these: the interval excludes no change, most blocks agree (a rank test), the change reaches the
limit, and, where two runs were not measured in alternating blocks, the same holds for latencies in units of the
yardstick (else the machine changed).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from dgiqa_edge.calibration.significance import Change, change_of, combined, difference_of, difference_of_means
from dgiqa_edge.calibration.statistics import Mean, NearestRank, Statistic
from dgiqa_edge.runtime.engines.registry import BACKENDS
from dgiqa_edge.runtime.errors import ConfigurationError

from ..latency.percentiles import fewest_queries
from .blocks import latency_blocks, power_windows, rated_scores, score_errors
from .limits import Limit
from .metrics import METRICS, Metric

Report = Mapping[str, Any]

_SAME_MACHINE = ("board", "cpu", "cpu_cores", "gpu", "power_mode", "l4t")
_BACKENDS = tuple(backend.name for backend in BACKENDS)
_SAME_SOFTWARE = ("kernel", "driver", "driver_cuda", *_BACKENDS, "python", "cpu_governor")
_YARDSTICK_MOVED = 0.03
_REMEDY = {
    True: "the interval reaches over the limit: measure longer, or in alternating blocks (--against)",
    False: "the interval reaches over the limit: use more photos",
}
_PERCENTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0}


class Verdict(str, Enum):
    """What can be said about one figure."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    UNDECIDED = "undecided"
    ABSENT = "not measured"


@dataclass(frozen=True)
class Row:
    """One figure of both reports.

    Attributes:
        change, low, high: shares of the first value where the metric is relative, else differences; ``None`` where
            there is none. ``low`` and ``high`` bound it with 99 % confidence.
        limit: the change from which on it counts.
        fails: the user set a limit and it is broken.
    """

    metric: Metric
    verdict: Verdict
    first: float | None
    second: float | None
    change: float | None
    low: float | None
    high: float | None
    limit: Limit
    fails: bool
    reason: str = ""


@dataclass(frozen=True)
class Comparison:
    """``paired``: both were measured in alternating blocks of one session. ``cautions``: what else differs."""

    rows: tuple[Row, ...]
    paired: bool
    cautions: tuple[str, ...]

    @property
    def failed(self) -> bool:
        return any(row.fails for row in self.rows)


def row_cells(row: Row) -> tuple[str, ...]:
    """A figure that both reports have, for people: its title, both values, change, interval, verdict, and a remark."""
    assert row.first is not None
    assert row.second is not None
    assert row.change is not None
    form = ".1%" if row.metric.relative else ".4f"
    return (
        row.metric.title,
        f"{row.first:.4g} {row.metric.unit}".rstrip(),
        f"{row.second:.4g} {row.metric.unit}".rstrip(),
        f"{row.change:+{form}}",
        "" if row.low is None or row.high is None else f"[{row.low:+{form}}, {row.high:+{form}}]",
        row.verdict.value + f", breaks the limit of {row.limit}" * row.fails,
        row.reason,
    )


@dataclass(frozen=True)
class _Found:
    first: float
    second: float
    change: Change
    relative_to_yardstick: Change | None = None


def compare(
    first: Report, second: Report, limits: Mapping[str, Limit] | None = None, across_machines: bool = False
) -> Comparison:
    """Compare every figure that both reports hold.

    Raises:
        ConfigurationError: frame size or scenario differ, or the machines do and ``across_machines`` is not set.
    """
    limits = limits or {}
    cautions = _check_comparable(first, second, across_machines)
    paired = _same_session(first, second)
    found = _latency(first, second, paired) | _power(first, second) | _exactness(first, second)
    if "power" in found and "mean" in found:
        found["j_per_frame"] = _energy(first, second, found)
    cautions += _yardstick_caution(first, second, paired)
    rows = tuple(
        _row(metric, found.get(name), limits.get(name, Limit(metric.matters, metric.relative)), name in limits)
        for name, metric in METRICS.items()
    )
    return Comparison(rows, paired, tuple(cautions))


def _row(metric: Metric, found: "_Found | str | None", limit: Limit, limited: bool) -> Row:
    if found is None or isinstance(found, str):
        reason = found or "not in both reports"
        return Row(metric, Verdict.ABSENT, None, None, None, None, None, limit, False, reason)
    shift = _scaled(found.change, found.first, metric.relative, limit)
    verdict = decide(shift, limit, metric.lower_is_better)
    reason = _REMEDY[metric.of_machine] if verdict is Verdict.UNDECIDED else ""
    again = found.relative_to_yardstick
    changed = verdict in (Verdict.WORSE, Verdict.BETTER)
    if changed and again is not None and decide(again, limit, metric.lower_is_better) is not verdict:
        verdict = Verdict.UNDECIDED
        reason = "against the yardstick the change does not hold: the machine itself changed"
    return Row(
        metric,
        verdict,
        found.first,
        found.second,
        found.change.value,
        found.change.low,
        found.change.high,
        limit,
        limited and verdict is Verdict.WORSE,
        reason,
    )


def decide(change: Change, limit: Limit, lower_is_better: bool) -> Verdict:
    """The verdict on one change, in the limit's own terms."""
    sign = 1.0 if lower_is_better else -1.0
    value, low, high = sign * change.value, *sorted((sign * change.low, sign * change.high))
    if change.certain and low > 0.0 and value >= limit.amount:
        return Verdict.WORSE
    if change.certain and high < 0.0 and value <= -limit.amount:
        return Verdict.BETTER
    if -limit.amount < low and high < limit.amount:
        return Verdict.SAME
    return Verdict.UNDECIDED


def _scaled(change: Change, first: float, relative: bool, limit: Limit) -> Change:
    """The change in the terms the limit is given in: an absolute change as a share, where the limit is one."""
    if relative or not limit.relative or first == 0.0:
        return change
    return Change(change.value / first, change.low / first, change.high / first, change.draws / first, change.rank_p)


def _latency(first: Report, second: Report, paired: bool) -> dict[str, "_Found | str"]:
    one, two = latency_blocks(first), latency_blocks(second)
    if one is None or two is None:
        return {}
    found: dict[str, _Found | str] = {}
    statistics: dict[str, Statistic] = {name: NearestRank(percent) for name, percent in _PERCENTS.items()}
    statistics["mean"] = Mean()
    all_one, all_two = np.concatenate(one.blocks), np.concatenate(two.blocks)
    ours, theirs = one.relative(), two.relative()
    for name, statistic in statistics.items():
        needed = fewest_queries(_PERCENTS[name]) if name in _PERCENTS else 2
        if min(len(all_one), len(all_two)) < needed:
            found[name] = f"needs {needed} queries in both reports"
            continue
        change = change_of(one.blocks, two.blocks, statistic, paired)
        if change is None:
            found[name] = "too few blocks: measure for longer"
            continue
        relative = None if paired or not ours or not theirs else change_of(ours, theirs, statistic, paired=False)
        found[name] = _Found(statistic.of(all_one), statistic.of(all_two), change, relative)
    return found


def _power(first: Report, second: Report) -> dict[str, "_Found | str"]:
    one, two = power_windows(first), power_windows(second)
    if one is None or two is None:
        return {}
    change = change_of(one, two, Mean(), paired=False)
    if change is None:
        return {"power": "too few readings: measure for longer"}
    return {"power": _Found(float(np.mean(np.concatenate(one))), float(np.mean(np.concatenate(two))), change)}


def _energy(first: Report, second: Report, found: Mapping[str, "_Found | str"]) -> "_Found | str":
    power, mean = found["power"], found["mean"]
    values = [report["telemetry"]["power"]["j_per_frame"] for report in (first, second)]
    if isinstance(power, str) or isinstance(mean, str) or None in values:
        return "power or latency of one report cannot be compared"
    return _Found(values[0], values[1], combined(power.change, mean.change))


def _exactness(first: Report, second: Report) -> dict[str, "_Found | str"]:
    found: dict[str, _Found | str] = {}
    one, two = score_errors(first), score_errors(second)
    if one is not None and two is not None:
        same = one[1] is not None and one[1] == two[1]
        change = difference_of_means(one[0], two[0], paired=same)
        found["score_mae"] = _Found(float(one[0].mean()), float(two[0].mean()), change)
    rated_one, rated_two = rated_scores(first), rated_scores(second)
    if rated_one is not None and rated_two is not None:
        if not np.array_equal(rated_one[1], rated_two[1]):
            found["srcc"] = "the reports were measured on different photos"
        else:
            from dgiqa_edge.calibration.agreement import srcc

            found["srcc"] = _Found(srcc(*rated_one), srcc(*rated_two), difference_of(rated_one, rated_two, srcc))
    return found


def _same_session(first: Report, second: Report) -> bool:
    one, two = first["session"], second["session"]
    return bool(one and two and one["id"] == two["id"] and one["index"] != two["index"])


def _check_comparable(first: Report, second: Report, across_machines: bool) -> list[str]:
    if first["subject"]["frame"] != second["subject"]["frame"]:
        raise ConfigurationError("the reports have different frame sizes: their latencies do not compare")
    one, two = first["latency"], second["latency"]
    if one and two and one["scenario"] != two["scenario"]:
        raise ConfigurationError(f"the reports have different scenarios ({one['scenario']}, {two['scenario']})")
    machine = _differences(first, second, _SAME_MACHINE)
    if machine and not across_machines:
        raise ConfigurationError(
            f"the reports come from different machines ({'; '.join(machine)}): a difference says nothing about the "
            "bundle; add --across-machines to compare all the same"
        )
    cautions = [f"different machine: {line}" for line in machine]
    cautions += [f"different software: {line}" for line in _differences(first, second, _SAME_SOFTWARE)]
    if one and two and one["threads"] != two["threads"]:
        cautions.append(f"different number of threads: {one['threads']}, {two['threads']}")
    for name, report in (("first", first), ("second", second)):
        busy = [warning["message"] for warning in report["warnings"] if warning["code"] == "machine-busy"]
        cautions += [f"{name} report: {message}" for message in busy]
    return cautions


def _differences(first: Report, second: Report, names: tuple[str, ...]) -> list[str]:
    one, two = first["environment"]["facts"], second["environment"]["facts"]
    return [f"{name} {one.get(name)} and {two.get(name)}" for name in names if one.get(name) != two.get(name)]


def _yardstick_caution(first: Report, second: Report, paired: bool) -> list[str]:
    sticks = [report["latency"]["yardstick"] for report in (first, second) if report["latency"]]
    if paired or len(sticks) < 2 or None in (sticks[0]["p50_ms"], sticks[1]["p50_ms"]):
        return []
    if sticks[0]["version"] != sticks[1]["version"]:
        return ["the reports were made with different yardsticks"]
    moved = sticks[1]["p50_ms"] / sticks[0]["p50_ms"] - 1.0
    if abs(moved) < _YARDSTICK_MOVED:
        return []
    return [
        f"the machine itself was {abs(moved):.0%} {'slower' if moved > 0 else 'faster'} in the second run (yardstick)"
    ]
