"""Pictures before and after each change of a camera's state, and of each reason that has settled, as a folder a piece.

``CAMERA/20260131T120000.123Z-too_dark/`` holds small JPEGs named by their seconds from the event, and ``incident.json``
(``runtime/schemas/incident.schema.json``): the events' records, each picture's verdict. Lost and returned cameras
are incidents too. Pictures are encoded on the sink's thread; what they take in memory and on disk has limits.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....errors import ConfigurationError, SinkError, SourceError
from ....frames.small_picture import encode_jpeg, shrink
from ....gate.verdict import State
from ....gate.vocabulary import slug
from ....ground.error_text import one_line
from ....ground.names import json_text
from ....ground.strict_text import parse_json
from ....settings.section import Section
from ...event import FrameEvent, Presence, record_text, utc_text, verdict_record
from ..protocol import Sink
from ..queued import QueuedSink, QueuePolicy, RefusedError, Target, queue_options
from ..reach import writable_folder
from ..registry import Planned
from .roll import Incident, Roll, Shot
from .store import RECORD, IncidentStore, picture_name

_LOG = logging.getLogger(__name__)
_MIB = 1 << 20
_MOST_MIB = 1 << 30
SCHEMA_VERSION = 1


def plan(options: Section, name: str, folder: Path) -> Planned:
    """Options: ``path``, ``cameras``, ``before_s`` (5), ``after_s`` (5), ``every_s`` (0.5), ``longest_side`` (640),
    ``quality`` (80), ``memory_mib`` (16), ``disk_mib`` (1024), queue options.

    Raises:
        ConfigurationError: also where an incident that memory holds has no room on disk.
    """
    settings = EvidenceSettings(
        path=options.file_path("path", folder),
        cameras=frozenset(options.texts("cameras", ())),
        before_s=options.number("before_s", 5.0, low=0.0, high=600.0),
        after_s=options.number("after_s", 5.0, low=0.0, high=600.0),
        every_s=options.number("every_s", 0.5, low=0.0, high=60.0),
        longest_side=options.integer("longest_side", 640, low=16, high=16384),
        quality=options.integer("quality", 80, low=1, high=100),
        memory_mib=options.number("memory_mib", 16.0, low=0.1, high=_MOST_MIB),
        disk_mib=options.number("disk_mib", 1024.0, low=0.1, high=_MOST_MIB),
    )
    if settings.disk_mib < settings.memory_mib:
        raise ConfigurationError(
            f"{options.path_of('disk_mib')} is {settings.disk_mib:g}, less than memory_mib "
            f"({settings.memory_mib:g}): an incident that memory holds must have room on disk"
        )
    policy = queue_options(options, QueuePolicy(size=8))

    def open_sink() -> Sink:
        return QueuedSink(name, Evidence(settings), policy)

    return Planned(open_sink, lambda _: writable_folder(settings.path))


@dataclass(frozen=True)
class EvidenceSettings:
    """What is kept of which cameras.

    Attributes:
        cameras: their names; empty for all.
        before_s, after_s: of an incident.
        every_s: seconds between two pictures of a camera at least; one that tells its state is always taken.
        longest_side, quality: of the JPEGs, pixels and 1 to 100.
        memory_mib: of all pictures and records that are not on disk yet; frames in the queue are not encoded yet and
            come on top.
        disk_mib: of all incidents.
    """

    path: Path
    cameras: frozenset[str]
    before_s: float
    after_s: float
    every_s: float
    longest_side: int
    quality: int
    memory_mib: float
    disk_mib: float


class _Item:
    """An event to take in; it is offered again where an incident could not be written then."""

    def __init__(self, event: FrameEvent) -> None:
        self.event = event
        self.taken = False


class Evidence(Target):
    """Keeps the incidents of all cameras, or of those named.

    Raises:
        SinkError: the folder cannot be used.
    """

    def __init__(self, settings: EvidenceSettings) -> None:
        self._settings = settings
        self._store = IncidentStore(settings.path, round(settings.disk_mib * _MIB))
        self._most_memory = round(settings.memory_mib * _MIB)
        self._roll = Roll(settings.before_s, settings.after_s)
        self._selected_at: dict[str, float] = {}
        self._written = self._lost = 0

    def select(self, event: FrameEvent) -> _Item | None:
        cameras, every_s = self._settings.cameras, self._settings.every_s
        if cameras and event.camera not in cameras:
            return None
        if event.frame is not None:
            since = event.captured_at - self._selected_at.get(event.camera, -every_s)
            if event.tells_state or not 0.0 <= since < every_s:
                self._selected_at[event.camera] = event.captured_at
                return _Item(event)
        return _Item(event) if event.tells_state else None

    def deliver(self, item: _Item) -> None:
        if not item.taken:
            self._take(item.event)
            item.taken = True
        self._write_all()

    def close(self) -> None:
        self._roll.finish_all()
        try:
            self._write_all()
        finally:
            self._lost += len(self._roll.finished)

    def describe(self) -> dict[str, Any]:
        return {
            "type": "evidence",
            "path": str(self._settings.path),
            "incidents": len(self._store),
            "bytes": self._store.size,
            "removed": self._store.removed,
            "written": self._written,
            "lost": self._lost,
        }

    def _take(self, event: FrameEvent) -> None:
        record = record_text(event) if event.tells_state else None
        if event.outcome is Presence.STARTING and not self._roll.holds(event.camera):
            return  # it has never been anything else
        shot = None if event.frame is None else self._shot(event)
        size = (0 if shot is None else shot.size) + len(record or "")
        if size > self._most_memory:
            raise RefusedError(f"a picture of {size} bytes is over memory_mib: raise it, or lower longest_side")
        self._make_room(size)
        last = isinstance(event.outcome, Presence) and event.outcome is not Presence.RETURNED
        self._roll.take(event.camera, event.captured_at, shot, record, last)

    def _shot(self, event: FrameEvent) -> Shot:
        import cv2

        assert event.frame is not None
        try:
            jpeg = encode_jpeg(shrink(event.frame, self._settings.longest_side), self._settings.quality)
        except (cv2.error, SourceError) as error:
            raise RefusedError(f"frame {event.index} of {event.camera} cannot be encoded: {error}") from error
        verdict = None if event.verdict is None else verdict_record(event.verdict)
        return Shot(event.captured_at, jpeg, json_text({"index": event.index, "verdict": verdict}, allow_nan=False))

    def _make_room(self, coming: int) -> None:
        """Pictures that may never be needed go first; then an incident is written early, or lost where that fails."""
        while self._roll.size + coming > self._most_memory:
            if self._roll.forget_oldest():
                continue
            if not self._roll.finished:
                self._roll.finish_oldest()
                continue
            incident = self._roll.finished[0]
            try:
                self._write(incident)
            except SinkError as error:
                _LOG.warning("an incident of %s is lost: %s", incident.camera, one_line(error))
                if self._roll.finished and self._roll.finished[0] is incident:
                    self._drop()

    def _write_all(self) -> None:
        while self._roll.finished:
            self._write(self._roll.finished[0])

    def _write(self, incident: Incident) -> None:
        """Write the first of the finished ones; it stays there where it may be written later."""
        try:
            self._store.keep(incident.camera, *_folder(incident))
        except RefusedError:
            self._drop()
            raise
        self._roll.finished.popleft()
        self._written += 1

    def _drop(self) -> None:
        self._roll.finished.popleft()
        self._lost += 1


def _folder(incident: Incident) -> tuple[str, dict[str, bytes]]:
    """Its name and its files."""
    records = [parse_json(record) for record in incident.records]
    time, kind = utc_text(incident.began_at), _kind(records)
    offsets = [shot.at - incident.began_at for shot in incident.shots]
    names = [picture_name(number, offset) for number, offset in enumerate(offsets)]
    document = {
        "schema_version": SCHEMA_VERSION,
        "camera": incident.camera,
        "began_at": incident.began_at,
        "time": time,
        "kind": kind,
        "records": records,
        "frames": [
            {"file": name, "offset_s": round(offset, 3), **parse_json(shot.record)}
            for name, offset, shot in zip(names, offsets, incident.shots, strict=True)
        ],
    }
    pictures = {name: shot.jpeg for name, shot in zip(names, incident.shots, strict=True)}
    record = (json_text(document, indent=1, allow_nan=False) + "\n").encode("ascii")
    return f"{time.replace('-', '').replace(':', '')}-{kind}", {RECORD: record, **pictures}


def _kind(records: Sequence[Mapping[str, Any]]) -> str:
    """What it is of, as a slug: the last thing that was wrong, else what it began with."""
    wrong = [record for record in records if (record["verdict"] or {}).get("state") != State.PASS.value]
    record = (wrong or records[:1])[-1]
    presences = {presence.value for presence in Presence}
    text = record["outcome"] if record["outcome"] in presences else record["verdict"]["reason"]
    return slug(str(text))
