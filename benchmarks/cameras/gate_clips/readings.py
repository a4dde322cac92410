"""A clip as the gate sees it: score, fault probabilities and cues of each frame, kept in a file to be judged again."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from dgiqa_edge.runtime.errors import SourceError, UnsuitableReferenceError
from dgiqa_edge.runtime.gate.baseline import Baseline, BaselineTaker
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.reading import NO_SIGNAL, Cues, Reading
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker, ReferenceView
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.names import json_text, shown
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.quality import FrameScorer
from dgiqa_edge.runtime.tuning.label_score import Span

from .clips import MEANS, Clip
from .footage import FPS, Picture

REFERENCE_S = 2.0
_DIGITS = 5
_MOST_BYTES = 2**30


@dataclass(frozen=True)
class Measured:
    """A clip's readings, one per frame at :data:`~.footage.FPS`; ``film``: of a film, else of a photo."""

    name: str
    film: bool
    condition: str
    fault: str | None
    clean_s: float
    seconds: float
    readings: tuple[Reading, ...]

    @property
    def labels(self) -> list[Span]:
        """What is wrong, and when."""
        return [] if self.fault is None else [Span(self.clean_s, self.seconds, MEANS[self.fault].reason)]

    def without_reference(self) -> "Measured":
        """The same of a camera without a reference view."""
        return replace(self, readings=tuple(map(unrelated, self.readings)))

    def normal(self) -> Baseline | None:
        """What is normal for the camera, taken of the first :data:`REFERENCE_S`; None where they make no normal."""
        taker = BaselineTaker()
        for reading in self.readings[: round(REFERENCE_S * FPS)]:
            taker.add(reading.values())
        try:
            return taker.take()
        except UnsuitableReferenceError:
            return None

    def timed(self) -> Iterator[tuple[float, Reading]]:
        """Seconds of the clip, and the reading."""
        return ((index / FPS, reading) for index, reading in enumerate(self.readings))


def unrelated(reading: Reading) -> Reading:
    """The reading of a camera without a reference view."""
    if reading.cues is None:
        return reading
    return replace(reading, cues=replace(reading.cues, moved=None, likeness=None, cast=None))


def measure(clips: Iterable[Clip], scorer: FrameScorer) -> Iterator[Measured]:
    """Score each frame and measure its cues; the reference view is that of the first seconds, where they make one."""
    for clip in clips:
        frames = clip.frames()
        first = list(islice(frames, round(REFERENCE_S * FPS)))
        meter, readings = CueMeter(reference=_reference(first)), []
        for frame in chain(first, frames):
            if frame is None:
                meter.restart()
                readings.append(NO_SIGNAL)
            else:
                quality = scorer.score(frame)
                readings.append(Reading(quality.score, meter.measure(frame), quality.faults))
        yield Measured(
            clip.footage.path.name,
            clip.footage.film,
            clip.condition,
            clip.fault,
            clip.clean_s,
            clip.seconds,
            tuple(readings),
        )


def _reference(frames: list[Picture | None]) -> ReferenceView | None:
    taker = ReferenceTaker()
    try:
        for frame in frames:
            if frame is not None:
                taker.add(frame)
        return taker.take()
    except UnsuitableReferenceError:
        return None


def write_readings(path: Path, measured: Iterable[Measured]) -> None:
    """One line of JSON per clip."""
    write_text(path, "".join(json_text(_plain(clip)) + "\n" for clip in measured))


def read_readings(path: Path) -> list[Measured]:
    """What :func:`write_readings` wrote.

    Raises:
        SourceError: the file holds anything else.
    """
    found = []
    try:
        for line in file_bytes(path, _MOST_BYTES).decode().splitlines():
            facts = parse_json(line)
            found.append(Measured(**{**facts, "readings": tuple(map(_reading, facts["readings"]))}))
    except (ValueError, TypeError, KeyError) as error:
        raise SourceError(f"{shown(path)} holds no readings of this program ({error}): give it another name") from error
    return found


def _plain(clip: Measured) -> dict[str, Any]:
    facts = {name: value for name, value in vars(clip).items() if name != "readings"}
    return {**facts, "readings": [numbers(reading) for reading in clip.readings]}


def numbers(reading: Reading) -> dict[str, Any] | None:
    """A reading as plain rounded numbers; None: no signal."""
    if reading.cues is None:
        return None
    cues = {name: round(value, _DIGITS) for name, value in asdict(reading.cues).items() if value is not None}
    faults = {name: round(value, _DIGITS) for name, value in reading.faults.items()}
    return {"score": round(reading.score or 0.0, _DIGITS), "faults": faults, "cues": cues}


def _reading(facts: dict[str, Any] | None) -> Reading:
    return NO_SIGNAL if facts is None else Reading(facts["score"], Cues(**facts["cues"]), facts["faults"])
