"""What the dashboard remembers of each camera, fed by one thread and read by many."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from ...event import FrameEvent, Outcome, Presence, event_record
from .gallery import Reject, RejectGallery
from .history import ScoreHistory
from .pictures import LatestView

LOG_LENGTH = 60
SAME_ERROR_S = 60.0  # the same failure, frame after frame, is one entry

Thresholds = Callable[[str], Mapping[str, float]]


class CameraMemory:
    """Score curve, rejected frames, newest frame, and what people are told: settled states, loss and return, failures.

    Attributes:
        latest: the newest frame, also of a camera that is lost.
    """

    def __init__(self, history_minutes: float, gallery: int) -> None:
        self.latest = LatestView()
        self._lock = threading.Lock()
        self._history = ScoreHistory(history_minutes)
        self._gallery = RejectGallery(gallery)
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self._logged = 0
        self._last_error: str | None = None
        self._last_error_at = 0.0

    def add(self, event: FrameEvent, thresholds: Thresholds) -> None:
        """Take in one event; ``thresholds`` is asked once a second."""
        if event.outcome is Outcome.FAILED:
            self._add_failure(event)
        if isinstance(event.outcome, Presence):
            self._add_presence(event, event.outcome)
        if event.outcome is not Outcome.SCORED or event.verdict is None:
            return
        self.latest.take(event)
        begins = self._history.begins_bucket(event.captured_at)  # only this thread adds
        limits = thresholds(event.camera) if begins else None
        with self._lock:
            self._history.add(event.captured_at, event.verdict, limits)
            self._gallery.add(event)
            if event.announced:
                self._note(event)

    @property
    def logged(self) -> int:
        """The number of the newest entry of the log."""
        return self._logged

    def points(self, since: float | None = None) -> list[list[Any]]:
        """Of the score curve, see ``ScoreHistory.rows``."""
        with self._lock:
            return self._history.rows(since)

    def rejects(self, after: int = 0) -> list[dict[str, Any]]:
        with self._lock:
            return self._gallery.listed(after)

    def reject(self, number: int) -> Reject | None:
        with self._lock:
            return self._gallery.find(number)

    def log(self, after: int = 0) -> list[dict[str, Any]]:
        """What people are told, oldest first."""
        with self._lock:
            return [entry for entry in self._log if entry["number"] > after]

    def _add_presence(self, event: FrameEvent, presence: Presence) -> None:
        with self._lock:
            if presence is not Presence.RETURNED:
                self._history.break_off(event.captured_at - (event.away_s or 0.0))
            self._note(event)

    def _add_failure(self, event: FrameEvent) -> None:
        with self._lock:
            if event.error != self._last_error or abs(event.captured_at - self._last_error_at) > SAME_ERROR_S:
                self._last_error = event.error
                self._last_error_at = event.captured_at
                self._note(event)

    def _note(self, event: FrameEvent) -> None:
        self._logged += 1
        self._log.append({"number": self._logged, **event_record(event)})


class Memories:
    """One ``CameraMemory`` per camera, made when its first event comes."""

    def __init__(self, history_minutes: float, gallery: int) -> None:
        self.gallery = gallery
        self._history_minutes = history_minutes
        self._by_camera: dict[str, CameraMemory] = {}

    def of(self, camera: str) -> CameraMemory:
        """For the feeding thread."""
        if camera not in self._by_camera:
            self._by_camera = {**self._by_camera, camera: CameraMemory(self._history_minutes, self.gallery)}
        return self._by_camera[camera]

    def find(self, camera: str) -> CameraMemory | None:
        return self._by_camera.get(camera)

    def items(self) -> list[tuple[str, CameraMemory]]:
        return list(self._by_camera.items())
