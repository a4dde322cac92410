"""The last seconds of every camera as small JPEGs in memory, and the incidents that are still going on.

An *incident* begins with an event that tells a camera's state (a change, a reason that has settled, a loss, a return),
takes in the pictures of ``before_s`` seconds before it, and ends ``after_s`` seconds after the last such event. One
thread uses it; it writes nothing.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

LONGEST_S = 60.0
"""Of an incident: what goes on for longer becomes the next one, so that proof of a flickering state does not wait."""


class Shot(NamedTuple):
    """A picture: seconds since the epoch, JPEG, and its frame's record as JSON."""

    at: float
    jpeg: bytes
    record: str

    @property
    def size(self) -> int:
        """Bytes of both."""
        return len(self.jpeg) + len(self.record)


@dataclass
class Incident:
    """``records``: the events that told the camera's state, as JSON, the first one at ``began_at``."""

    camera: str
    began_at: float
    ends_at: float
    shots: list[Shot]
    records: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of its pictures and records."""
        return sum(shot.size for shot in self.shots) + sum(map(len, self.records))


class Roll:
    """All cameras; ``finished`` are the incidents to be written, which the caller takes out.

    What holds a bound on memory asks for ``size`` and makes room by ``forget_oldest`` and ``finish_oldest``.
    """

    def __init__(self, before_s: float, after_s: float) -> None:
        self.finished: deque[Incident] = deque()
        self._before_s = before_s
        self._after_s = after_s
        self._waiting: dict[str, deque[Shot]] = {}
        self._open: dict[str, Incident] = {}

    @property
    def size(self) -> int:
        """Bytes of all pictures and records; a picture that two incidents share counts for both."""
        waiting = sum(shot.size for shots in self._waiting.values() for shot in shots)
        return waiting + sum(incident.size for incident in (*self._open.values(), *self.finished))

    def holds(self, camera: str) -> bool:
        """Whether there is anything of this camera."""
        return camera in self._open or bool(self._waiting.get(camera))

    def take(self, camera: str, at: float, shot: Shot | None, record: str | None, last: bool = False) -> None:
        """Take in a camera's next event.

        Args:
            at: seconds since the epoch; a clock that was set back ends the incident.
            record: where it tells the camera's state.
            last: whether no pictures are to be waited for.
        """
        incident = self._open.get(camera)
        if incident is not None and not self._goes_on(incident, at):
            self._finish(camera)
        if record is not None:
            if camera not in self._open:
                self._open[camera] = Incident(camera, at, at, list(self._recent(camera, at)))
                self._waiting[camera] = deque()
            self._open[camera].records.append(record)
            self._open[camera].ends_at = at + self._after_s
        if shot is not None:
            if camera in self._open:
                self._open[camera].shots.append(shot)
            else:
                self._recent(camera, at).append(shot)
        if last:
            self._finish(camera)

    def forget_oldest(self) -> bool:
        """Drop the oldest picture that belongs to no incident; False where there is none."""
        waiting = [shots for shots in self._waiting.values() if shots]
        if waiting:
            min(waiting, key=lambda shots: shots[0].at).popleft()
        return bool(waiting)

    def finish_oldest(self) -> None:
        """End the incident that began first, though it may go on."""
        if self._open:
            self._finish(min(self._open, key=lambda camera: self._open[camera].began_at))

    def finish_all(self) -> None:
        """End all, because no more events come."""
        while self._open:
            self.finish_oldest()

    def _goes_on(self, incident: Incident, at: float) -> bool:
        earliest = incident.began_at - self._before_s
        return earliest <= at <= min(incident.ends_at, incident.began_at + LONGEST_S)

    def _finish(self, camera: str) -> None:
        if camera in self._open:
            incident = self._open.pop(camera)
            incident.shots.sort(key=lambda shot: shot.at)  # an event that was offered twice comes late
            self.finished.append(incident)
            self._waiting[camera] = deque(incident.shots)  # they come before what happens next

    def _recent(self, camera: str, at: float) -> deque[Shot]:
        shots = self._waiting.setdefault(camera, deque())
        while shots and not at - self._before_s <= shots[0].at <= at:
            shots.popleft()
        return shots
