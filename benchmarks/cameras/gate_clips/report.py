"""Precision, recall and delay of each fault over all clips, and what clean footage was called."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import ProfiledGate
from dgiqa_edge.runtime.gate.profiles.settings import parse_profiles
from dgiqa_edge.runtime.settings.section import Section
from dgiqa_edge.runtime.tuning.label_score import ReasonScore, Span, VerdictSpans, label_scores

from ...program import table
from .clips import MEANS
from .footage import FPS
from .readings import Measured, unrelated

CLEAN = "clean"
WITH, WITHOUT, PROFILED = "beside a reference view and normal", "without", "beside both, with profiles"
TITLES = (WITH, WITHOUT, PROFILED)
PROFILES = ("infra-red", "night")
"""The published ones, in the order in which they are asked; clean footage is judged with them, and its changes."""
IN_TIME_S = 2.0


@dataclass(frozen=True)
class Outcome:
    """What people were ``told`` of a clip, and what its frames were rejected for."""

    clip: Measured
    told: list[Span]
    given: list[Span]

    @property
    def delay_s(self) -> float | None:
        """From the fault to being told its reason; None: never, or there is none."""
        hits = [span.start_s for label in self.clip.labels for span in self.told if span.reason == label.reason]
        return max(0.0, round(min(hits) - self.clip.clean_s, 6)) if hits else None

    @property
    def others(self) -> list[str]:
        """What else they were told."""
        right = {label.reason for label in self.clip.labels}
        return [str(span.reason) for span in self.told if span.reason not in right]


def judge(clip: Measured, policy: GatePolicy, title: str) -> Outcome:
    """Play a clip's readings through a gate of its own, as one of :data:`TITLES` says.

    Reference view and normal belong to the profile in which they were taken; another has none.
    """
    known = title != WITHOUT
    section = Section({"profiles": [{"name": name} for name in PROFILES]} if title == PROFILED else {}, "")
    profiles = parse_profiles(section, policy)
    first = ProfiledGate(policy, profiles)
    first.update(clip.readings[0], 0.0)
    gate = ProfiledGate(policy, profiles, {first.chosen: clip.normal() if known else None})
    spans = VerdictSpans()
    for t, reading in clip.timed():
        related = known and (t == 0.0 or gate.chosen == first.chosen)
        spans.add(t, gate.update(reading if related else unrelated(reading), t))
    return Outcome(clip, *spans.until(clip.seconds))


def rows(outcomes: Iterable[Outcome]) -> list[dict[str, Any]]:
    """For each fault, footage and light: clips, those named, named in time, with nothing else; the delays."""
    groups: dict[tuple[str, str, str], list[Outcome]] = {}
    for outcome in outcomes:
        clip = outcome.clip
        groups.setdefault((clip.fault or CLEAN, "film" if clip.film else "photo", clip.condition), []).append(outcome)
    return [
        {"fault": fault, "footage": kind, "light": light, "clips": len(group), **_figures(group)}
        for (fault, kind, light), group in groups.items()
    ]


def _figures(group: Sequence[Outcome]) -> dict[str, Any]:
    delays = [outcome.delay_s for outcome in group if outcome.delay_s is not None]
    others = Counter(reason for outcome in group for reason in outcome.others)
    return {
        "named": len(delays),
        "in_time": sum(delay <= IN_TIME_S for delay in delays),
        "median_delay_s": median(delays) if delays else None,
        "longest_delay_s": max(delays, default=None),
        "nothing_else": sum(not outcome.others for outcome in group),
        "else": dict(others.most_common()),
        "seconds": sum(outcome.clip.seconds for outcome in group),
    }


def reason_scores(outcomes: Iterable[Outcome]) -> dict[str, ReasonScore]:
    """Each reason's precision and recall, all clips one after the other."""
    lines: tuple[list[Span], ...] = ([], [], [])
    offset_s = 0.0
    for outcome in outcomes:
        for line, spans in zip(lines, (outcome.clip.labels, outcome.told, outcome.given), strict=True):
            line += [Span(span.start_s + offset_s, span.end_s + offset_s, span.reason) for span in spans]
        offset_s += outcome.clip.seconds + 1.0 / FPS
    return label_scores(*lines)


def markdown(document: dict[str, Any]) -> str:
    """What the program's JSON holds as tables of a page: faults, reasons, clean footage."""
    beside = {title: document[title]["clips"] for title in TITLES}
    return "\n\n".join([_faults(beside[WITH]), _reasons(document[WITH]["reasons"]), *map(_clean, beside.items())])


def _faults(found: Sequence[dict[str, Any]]) -> str:
    """A line per fault, a column per kind of footage."""
    faulty = [row for row in found if row["fault"] != CLEAN]
    kinds = sorted({_kind(row) for row in faulty}, key=lambda kind: (kind.startswith("film"), kind))
    lines = []
    for fault in dict.fromkeys(row["fault"] for row in faulty):
        of_it = [row for row in faulty if row["fault"] == fault]
        named = {_kind(row): f"{row['in_time']} of {row['clips']}" for row in of_it}
        delays = [row["median_delay_s"] for row in of_it if row["median_delay_s"] is not None]
        delay = f"{median(delays):.1f}" if delays else ""
        lines.append([fault, MEANS[fault].reason, *(named.get(kind, "") for kind in kinds), delay, _counted(of_it)])
    return table(["fault", "called", *kinds, "delay, s", "also told"], lines)


def _kind(row: dict[str, Any]) -> str:
    return f"{row['footage']}s, {row['light']}"


def _reasons(scores: dict[str, dict[str, Any]]) -> str:
    keys = ("events", "found", "recall", "alarms", "precision")
    lines = []
    for reason, score in scores.items():
        cells = (score[key] for key in keys)
        lines.append([reason, *(f"{one:.2f}" if isinstance(one, float) else str(one or 0) for one in cells)])
    return table(["reason", *keys], lines)


def _clean(titled: tuple[str, Sequence[dict[str, Any]]]) -> str:
    title, found = titled
    lines = [
        [_kind(row), str(row["clips"]), f"{row['seconds']:.0f}", str(row["nothing_else"]), _counted([row])]
        for row in found
        if row["fault"] == CLEAN
    ]
    return table([f"clean, {title}", "clips", "seconds", "silent clips", "told"], lines)


def _counted(found: Sequence[dict[str, Any]]) -> str:
    counts: Counter[str] = Counter()
    for row in found:
        counts.update(row["else"])
    return ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
