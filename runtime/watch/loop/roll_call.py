"""Whether each camera gives verdicts, told to every sink as events of its presence: nobody may go on reading the last
verdict of a camera that is not scored any more, whatever the reason.

A camera is ``starting`` when the watch begins, and ``ended`` when its file or the watch is over. In between it is
``lost`` once nothing of it can be scored (see ``absence``), and has ``returned`` with the next scored frame.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ...gate.gate import NO_SIGNAL_REASON, NOT_SCORED, STARTING
from ...gate.verdict import State, Verdict
from ...settings.credentials import masked
from ..event import FrameEvent, Outcome, Presence
from ..status import CameraState
from .clock import Clock
from .intake import Counts
from .judge import CameraJudge

log = logging.getLogger("dgiqa_edge.watch")

_AWAY = (CameraState.STALLED, CameraState.RETRYING, CameraState.FAILED)


@dataclass(frozen=True)
class Absence:
    """Why a camera gives no verdicts: ``reason`` in a verdict's words, ``problem`` in one line."""

    reason: str
    source_state: CameraState
    problem: str | None


@dataclass(frozen=True)
class Limits:
    """Seconds without a scored frame that are too long: where no frame comes, where each one fails, and for the engine
    with one frame.
    """

    silent_s: float
    failing_s: float
    engine_s: float


@dataclass
class _Entry:
    """One camera: the last event of its presence, and what happened since its last scored frame."""

    scored_at: float
    presence: Presence = Presence.STARTING
    final: bool = False
    scored: bool = False
    error: str | None = None


class RollCall:
    """Keeps the roll; for any thread. Every event of a frame passes through it, so that its order is that of the sinks.

    Args:
        judges: per camera; they hear of a loss, so that the gate forgets.
        publish: takes every event; never waits.
        clock: for the time of events and how long a camera was away.
    """

    def __init__(self, judges: Mapping[str, CameraJudge], publish: Callable[[FrameEvent], None], clock: Clock) -> None:
        self._judges = judges
        self._publish = publish
        self._clock = clock
        self._lock = threading.Lock()
        self._entries = {camera: _Entry(clock.monotonic()) for camera in judges}

    def begin(self) -> None:
        """Every camera starts: what an earlier run has left with a sink holds no longer."""
        with self._lock:
            for camera, entry in self._entries.items():
                entry.scored_at = self._clock.monotonic()
                verdict = Verdict(State.UNKNOWN, STARTING, announced=True)
                self._tell(camera, Presence.STARTING, verdict, Absence(STARTING, CameraState.CONNECTING, None), None)

    def begin_again(self) -> None:
        """Another bundle scores: each camera whose verdict somebody may still read starts anew."""
        with self._lock:
            for camera, entry in self._entries.items():
                if entry.presence not in (Presence.LOST, Presence.ENDED):
                    verdict = Verdict(State.UNKNOWN, STARTING, announced=True)
                    self._tell(camera, Presence.STARTING, verdict, Absence(STARTING, CameraState.LIVE, None), None)

    def frame(self, event: FrameEvent) -> None:
        """Pass on the event of one frame; before a lost camera's first scored one comes its return."""
        with self._lock:
            entry = self._entries[event.camera]
            if event.outcome is Outcome.FAILED:
                entry.error = event.error or "it failed"
            elif event.outcome is Outcome.SCORED:
                now = self._clock.monotonic()
                if entry.presence is Presence.LOST:
                    event = _judged_anew(event)
                    entry.presence = Presence.RETURNED
                    self._return(event, now - entry.scored_at)
                entry.scored_at, entry.scored, entry.error, entry.final = now, True, None, False
            self._publish(event)

    def is_lost(self, camera: str) -> bool:
        """Whether it gives no verdicts any more."""
        return self._entries[camera].presence in (Presence.LOST, Presence.ENDED)

    def absence(
        self, camera: str, state: CameraState, problem: str | None, counts: Counts, busy_s: float, limits: Limits
    ) -> Absence | None:
        """Why the camera gives no verdicts, or None where it does, may soon, or has only begun to connect.

        Frames that wait or are being scored are waited for; not so where the engine hangs with one.
        """
        entry = self._entries[camera]
        silent_s = self._clock.monotonic() - entry.scored_at
        if busy_s > limits.engine_s:
            return Absence(NOT_SCORED, state, f"the engine has been busy with one frame for {busy_s:.0f} s")
        if counts.waiting or counts.in_hand:
            return None
        if state in _AWAY:
            return Absence(NO_SIGNAL_REASON, state, problem)
        if state is CameraState.LIVE and entry.error is not None and silent_s > limits.failing_s:
            return Absence(NOT_SCORED, state, entry.error)
        if state is CameraState.LIVE and silent_s > limits.silent_s:
            return Absence(NO_SIGNAL_REASON, CameraState.STALLED, f"no frame for {silent_s:.0f} s")
        return None

    def lose(self, camera: str, absence: Absence) -> None:
        """The camera is lost: an event once, and again where it then fails for good."""
        with self._lock:
            entry = self._entries[camera]
            final = absence.source_state is CameraState.FAILED
            if entry.presence is Presence.ENDED or (entry.presence is Presence.LOST and (entry.final or not final)):
                return
            entry.final = final
            self._go(camera, Presence.LOST, absence)

    def end(self, camera: str, state: CameraState, problem: str | None) -> None:
        """The camera gives no frames any more: an event, once."""
        with self._lock:
            entry = self._entries[camera]
            if entry.presence is Presence.ENDED:
                return
            reason = NO_SIGNAL_REASON if state is CameraState.FAILED else state.value
            self._go(camera, Presence.ENDED, Absence(reason, state, problem))

    def _go(self, camera: str, presence: Presence, absence: Absence) -> None:
        entry, now = self._entries[camera], self._clock.monotonic()
        away_s = now - entry.scored_at if entry.scored else None
        verdict = self._judges[camera].lose(now, self._clock.wall() - (away_s or 0.0), absence.reason)
        self._tell(camera, presence, verdict, absence, away_s)

    def _return(self, first: FrameEvent, away_s: float) -> None:
        log.info("%s: returned after %.1f s", first.camera, away_s)
        self._publish(
            FrameEvent(
                camera=first.camera,
                index=None,
                captured_at=first.captured_at,
                outcome=Presence.RETURNED,
                verdict=first.verdict,
                source_state=CameraState.LIVE.value,
                away_s=away_s,
            )
        )

    def _tell(self, camera: str, presence: Presence, verdict: Verdict, absence: Absence, away_s: float | None) -> None:
        self._entries[camera].presence = presence
        error = masked(absence.problem or "") or None
        if presence is Presence.LOST:  # the capture has said that it starts or has ended
            log.warning("%s: lost, %s%s", camera, absence.reason, f" ({error})" if error else "")
        self._publish(
            FrameEvent(
                camera=camera,
                index=None,
                captured_at=self._clock.wall(),
                outcome=presence,
                verdict=replace(verdict, announced=True),
                error=error,
                source_state=absence.source_state.value,
                away_s=away_s,
            )
        )


def _judged_anew(event: FrameEvent) -> FrameEvent:
    """The first event after a loss, without a verdict that the gate gave just before it heard of the loss: one that
    goes on with the state of before.
    """
    verdict = event.verdict
    if verdict is None or verdict.state is State.UNKNOWN or verdict.changed:
        return event
    return replace(event, verdict=Verdict(State.UNKNOWN, STARTING, score=verdict.score, changed=False))
