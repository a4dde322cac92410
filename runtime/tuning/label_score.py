"""How well a gate named the faults of a film that people have labelled: precision, recall and delay of each reason.

Each label of a fault is an *event*. It is found where people are told its reason while it lasts; its delay goes from
its start to that moment. Each span in which people are told a reason is an *alarm*, and a false one where it shares no
time with a label of its reason. The seconds compare what each frame was rejected for with the labels. Time without a
label is clean. No film here: spans in, figures out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from ..gate.verdict import State, Verdict
from ..gate.vocabulary import FAULTS
from ..ground.terminal import aligned

ALL = "all"
# Of the table; delays are the median and the longest, "s" stands for seconds.
COLUMNS = {
    "events": "events",
    "found": "found",
    "recall": "recall",
    "delay_s": "median_delay_s",
    "longest_s": "longest_delay_s",
    "alarms": "alarms",
    "false": "false_alarms",
    "precision": "precision",
    "recall/s": "seconds_recall",
    "precision/s": "seconds_precision",
}


@dataclass(frozen=True)
class Span:
    """From ``start_s`` up to, not including, ``end_s`` seconds of the film; ``reason`` None: nothing is wrong."""

    start_s: float
    end_s: float
    reason: str | None

    def shared_s(self, other: "Span") -> float:
        """Seconds that lie in both."""
        return max(0.0, min(self.end_s, other.end_s) - max(self.start_s, other.start_s))


@dataclass(frozen=True)
class ReasonScore:
    """One reason's figures.

    Attributes:
        events: labels of it; ``delays_s`` has one entry per event that was found.
        alarms: spans in which people were told it; ``false_alarms`` of them share no time with a label of it.
        labelled_s, given_s: seconds labelled so, and rejected for it; ``shared_s`` are both.
    """

    events: int
    delays_s: tuple[float, ...]
    alarms: int
    false_alarms: int
    labelled_s: float
    given_s: float
    shared_s: float

    @property
    def recall(self) -> float | None:
        """Share of its events that were found; None without events."""
        return _share(len(self.delays_s), self.events)

    @property
    def precision(self) -> float | None:
        """Share of its alarms that were right; None without alarms."""
        return _share(self.alarms - self.false_alarms, self.alarms)

    @property
    def seconds_recall(self) -> float | None:
        """Share of the labelled seconds that were rejected for it."""
        return _share(self.shared_s, self.labelled_s)

    @property
    def seconds_precision(self) -> float | None:
        """Share of the seconds rejected for it that are labelled so."""
        return _share(self.shared_s, self.given_s)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; shares and delays are null where there is nothing to take them of."""
        return {
            "events": self.events,
            "found": len(self.delays_s),
            "recall": self.recall,
            "median_delay_s": median(self.delays_s) if self.delays_s else None,
            "longest_delay_s": max(self.delays_s, default=None),
            "alarms": self.alarms,
            "false_alarms": self.false_alarms,
            "precision": self.precision,
            "labelled_s": self.labelled_s,
            "given_s": self.given_s,
            "shared_s": self.shared_s,
            "seconds_recall": self.seconds_recall,
            "seconds_precision": self.seconds_precision,
        }


def label_scores(labels: Sequence[Span], told: Sequence[Span], given: Sequence[Span]) -> dict[str, ReasonScore]:
    """The figures of every reason that occurs, those of the labels first, and under ``ALL`` of all together.

    Args:
        labels: what people say; no two share time.
        told: what they were told by the gate (``Verdict.announced``): for events and alarms.
        given: what each frame was rejected for: for the seconds.
    """
    reasons = dict.fromkeys(span.reason for span in (*labels, *told, *given) if span.reason is not None)
    scores = {reason: _score(*(_of(reason, spans) for spans in (labels, told, given))) for reason in reasons}
    return {**scores, ALL: _total(scores.values())}


def label_rows(scores: Mapping[str, ReasonScore]) -> list[list[str]]:
    """For people: the names of the columns, then a row per reason that starts with its name."""
    rows = [(name, score.to_dict()) for name, score in scores.items()]
    return [["reason", *COLUMNS], *([name, *(_shown(facts[key]) for key in COLUMNS.values())] for name, facts in rows)]


def label_table(scores: Mapping[str, ReasonScore]) -> str:
    """The same as text."""
    return "\n".join(aligned(label_rows(scores)))


class VerdictSpans:
    """A film's verdicts as the spans that ``label_scores`` takes.

    A reason counts where the camera does not pass and the reason is a fault's; in ``recovering`` none is given, and
    what people were told last holds until they are told something else.
    """

    def __init__(self) -> None:
        self._told = SpanLine()
        self._given = SpanLine()

    def add(self, t_s: float, verdict: Verdict) -> None:
        """The next frame's, at ``t_s`` seconds of the film."""
        fault = verdict.state is not State.PASS and verdict.reason in FAULTS
        reason = verdict.reason if fault else None
        self._given.add(t_s, reason)
        if verdict.announced:
            self._told.add(t_s, reason)

    def until(self, end_s: float) -> tuple[list[Span], list[Span]]:
        """``told`` and ``given``, where the film ends at ``end_s``."""
        return self._told.until(end_s), self._given.until(end_s)


class SpanLine:
    """One frame's reason after another, as spans; what holds none is left out. Memory grows with the changes only."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._reason: str | None = None
        self._since = 0.0

    def add(self, t_s: float, reason: str | None) -> None:
        """From ``t_s`` on, which never decreases, ``reason`` holds."""
        if reason != self._reason:
            self._spans = self.until(t_s)
            self._reason, self._since = reason, t_s

    def until(self, end_s: float) -> list[Span]:
        """All of them; the one that still holds ends there."""
        if self._reason is None or end_s <= self._since:
            return self._spans
        return [*self._spans, Span(self._since, end_s, self._reason)]


def _score(labels: list[Span], told: list[Span], given: list[Span]) -> ReasonScore:
    delays = []
    for label in labels:
        hits = [span.start_s for span in told if span.shared_s(label) > 0.0]
        if hits:
            delays.append(float(max(0.0, min(hits) - label.start_s)))
    return ReasonScore(
        events=len(labels),
        delays_s=tuple(delays),
        alarms=len(told),
        false_alarms=sum(not any(span.shared_s(label) > 0.0 for label in labels) for span in told),
        labelled_s=sum(span.end_s - span.start_s for span in labels),
        given_s=sum(span.end_s - span.start_s for span in given),
        shared_s=sum(span.shared_s(label) for span in given for label in labels),
    )


def _total(scores: Iterable[ReasonScore]) -> ReasonScore:
    kept = list(scores)
    return ReasonScore(
        sum(score.events for score in kept),
        tuple(delay for score in kept for delay in score.delays_s),
        sum(score.alarms for score in kept),
        sum(score.false_alarms for score in kept),
        sum(score.labelled_s for score in kept),
        sum(score.given_s for score in kept),
        sum(score.shared_s for score in kept),
    )


def _of(reason: str, spans: Sequence[Span]) -> list[Span]:
    return [span for span in spans if span.reason == reason]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
