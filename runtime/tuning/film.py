"""A film's verdicts gathered for people, in memory that does not grow with it: the course of the score, seconds of
each reason, pictures at even distances, and the worst moments of each fault.

What is drawn of it is ``film_page.py``'s.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..frames.small_picture import encode_jpeg, shrink
from ..gate.policy import CHECKS, FROZEN
from ..gate.verdict import State, Verdict
from ..gate.vocabulary import FAULTS

MOST_STEPS = 512  # even: see _until
MOST_THUMBNAILS = 48
MOST_TOLD = 200
WORST_OF_EACH = 3
GAP_S = 2.0
"""A fault that is away for less is the same one still."""
_ONE_FRAME_S = 0.04  # where there is no second one to tell
_THUMBNAIL, _PICTURE, _QUALITY = 176, 480, 75  # longest sides, pixels
_RANK = (State.PASS, State.UNKNOWN, State.REJECT)
Picture = NDArray[np.uint8]


@dataclass
class Step:
    """Some frames in a row: the range and sum of their ``scored`` scores, the worst state, all reasons."""

    start_s: float
    end_s: float
    state: State
    reasons: set[str]
    lowest: float = 1.0
    highest: float = 0.0
    total: float = 0.0
    scored: int = 0

    def take(self, other: "Step") -> None:
        """Those that follow."""
        self.end_s = other.end_s
        self.state = max(self.state, other.state, key=_RANK.index)
        self.reasons |= other.reasons
        self.lowest, self.highest = min(self.lowest, other.lowest), max(self.highest, other.highest)
        self.total += other.total
        self.scored += other.scored


@dataclass(frozen=True)
class Thumbnail:
    """A picture as JPEG, and what the gate said of it."""

    t_s: float
    verdict: Verdict
    jpeg: bytes


@dataclass
class Moment:
    """The worst frame of one fault's spell from ``start_s`` to ``end_s``.

    Attributes:
        severity: how far the deciding value has gone from its threshold to the worst, in [0, 1].
        picture: small, uint8 [H, W, 3]; ``None`` where there is no signal, and once it is ``jpeg``.
    """

    index: int
    t_s: float
    verdict: Verdict
    severity: float
    start_s: float
    end_s: float
    picture: Picture | None = None
    jpeg: bytes | None = None


@dataclass
class Film:
    """Takes in one verdict after another; ``end`` closes it, and then the attributes hold all of it.

    Attributes:
        frames: how many there were, ``unread`` of them without a picture.
        end_s: of the last frame, which lasts as long as the others do on average.
        seconds: by reason; what passes is ``good``.
        thumbnails: of the frames with a picture, at most ``MOST_THUMBNAILS``, at even distances.
        told: time and verdict of what people would have been told, the first ``MOST_TOLD`` of ``tellings``.
        moments: the worst first, at most ``WORST_OF_EACH`` of each fault.
    """

    frames: int = 0
    unread: int = 0
    end_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    thumbnails: list[Thumbnail] = field(default_factory=list)
    told: list[tuple[float, Verdict]] = field(default_factory=list)
    tellings: int = 0
    moments: list[Moment] = field(default_factory=list)
    _per_thumbnail: int = 1
    _per_step: int = 1
    _in_step: int = 0
    _last: tuple[float, Verdict] | None = None
    _spells: dict[str, Moment] = field(default_factory=dict)

    def add(self, index: int, t_s: float, image: Picture | None, verdict: Verdict) -> None:
        """The next frame, uint8 [H, W, 3] BGR, which is only read; None where it could not be.

        Args:
            t_s: seconds from the film's start, which never decrease.
        """
        self._until(t_s)
        self._last = (t_s, verdict)
        self.frames += 1
        self.unread += image is None
        if verdict.announced:
            self.tellings += 1
            if len(self.told) < MOST_TOLD:
                self.told.append((t_s, verdict))
        if image is not None and (self.frames - self.unread - 1) % self._per_thumbnail == 0:
            self.thumbnails.append(Thumbnail(t_s, verdict, encode_jpeg(shrink(image, _THUMBNAIL), _QUALITY)))
            if len(self.thumbnails) > MOST_THUMBNAILS:  # those that stay are at even distances
                del self.thumbnails[1::2]
                self._per_thumbnail *= 2
        for reason in [reason for reason, spell in self._spells.items() if t_s - spell.end_s > GAP_S]:
            self._close(reason)
        if verdict.state is not State.PASS and verdict.reason in FAULTS:
            self._suffer(index, t_s, image, verdict)

    def end(self) -> None:
        """No more frames."""
        if self._last is not None:
            t_s = self._last[0]
            self._until(t_s + (t_s / (self.frames - 1) if t_s > 0.0 else _ONE_FRAME_S))
            self._last = None
        for reason in list(self._spells):
            self._close(reason)
        self.moments.sort(key=lambda moment: (-moment.severity, moment.t_s))

    def _until(self, t_s: float) -> None:
        """The last frame lasted until then."""
        self.end_s = t_s
        if self._last is None:
            return
        since, verdict = self._last
        reason = "good" if verdict.state is State.PASS else verdict.reason
        self.seconds[reason] = self.seconds.get(reason, 0.0) + t_s - since
        step = Step(since, t_s, verdict.state, {reason})
        if verdict.score is not None:
            step.lowest = step.highest = step.total = verdict.score
            step.scored = 1
        self._in_step += 1
        if self.steps and self._in_step <= self._per_step:
            self.steps[-1].take(step)
            return
        self.steps.append(step)
        self._in_step = 1
        if len(self.steps) > MOST_STEPS:  # two become one; the one just begun has none to join yet
            for first, second in zip(self.steps[::2], self.steps[1::2], strict=False):
                first.take(second)
            del self.steps[1::2]
            self._per_step *= 2

    def _suffer(self, index: int, t_s: float, image: Picture | None, verdict: Verdict) -> None:
        spell, bad = self._spells.get(verdict.reason), severity(verdict)
        if spell is not None:
            spell.end_s = t_s
            if bad <= spell.severity:
                return
        start_s = t_s if spell is None else spell.start_s
        picture = None if image is None else shrink(image, _PICTURE)
        self._spells[verdict.reason] = Moment(index, t_s, verdict, bad, start_s, t_s, picture)

    def _close(self, reason: str) -> None:
        """Keep a spell's moment if it is among the worst of its fault."""
        spell = self._spells.pop(reason)
        same = [moment for moment in self.moments if moment.verdict.reason == reason]
        if len(same) == WORST_OF_EACH:
            least = min([spell, *same], key=lambda moment: (moment.severity, moment.end_s - moment.start_s))
            if least is spell:
                return
            self.moments = [moment for moment in self.moments if moment is not least]
        if spell.picture is not None:
            spell.jpeg, spell.picture = encode_jpeg(spell.picture, _QUALITY), None
        self.moments.append(spell)


def severity(verdict: Verdict) -> float:
    """How far the deciding value has gone from the threshold that would end the fault to the check's worst, in [0, 1].

    The gate's own scale, for the value and threshold of one verdict; 1 where no value decided (no signal).
    """
    if verdict.value is None or verdict.threshold is None:
        return 1.0
    if verdict.cue is None or verdict.cue not in CHECKS:
        return FROZEN.severity
    way = CHECKS[verdict.cue].worst - verdict.threshold
    return min(1.0, max(0.0, (verdict.value - verdict.threshold) / way)) if way else 1.0
