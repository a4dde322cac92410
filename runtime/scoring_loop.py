"""The one thread that scores: takes frames round robin, has them judged, and hands every event to the sinks."""

import logging
import threading
from collections.abc import Iterable, Mapping

from .camera_judge import CameraJudge
from .clock import Clock
from .credentials import masked
from .errors import DgiqaEdgeError, EngineCompatibilityError, GateError
from .frame_event import FrameEvent, Outcome, Sink
from .intake import CapturedFrame, Intake
from .scorer import Scorer
from .verdict import Verdict

log = logging.getLogger("dgiqa_edge.watch")

_TAKE_TIMEOUT_S = 0.2


class EventFan:
    """Gives each event to all sinks, from any thread, one event at a time. Sinks never wait, so neither does this."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self._lock = threading.Lock()
        self._sinks = list(sinks)
        self._broken: set[str] = set()

    def add(self, sink: Sink) -> None:
        """One more sink."""
        with self._lock:
            self._sinks.append(sink)

    def publish(self, event: FrameEvent) -> None:
        """Hand it to every sink; one that breaks its promise and raises is logged once and does not stop the rest."""
        with self._lock:
            for sink in self._sinks:
                try:
                    sink.put(event)
                except Exception:
                    if sink.name not in self._broken:
                        self._broken.add(sink.name)
                        log.exception("sink %s raised on an event", sink.name)


def ended_event(frame: CapturedFrame, outcome: Outcome, error: str | None = None) -> FrameEvent:
    """The event of a frame that was skipped or has failed."""
    return FrameEvent(
        camera=frame.camera,
        index=frame.index,
        captured_at=frame.wall_at,
        outcome=outcome,
        error=masked(error or frame.error or "") or None,
    )


class ScoringLoop:
    """Runs until ``stop``; every frame it takes is settled, whatever happens to it.

    Args:
        scorer: shared by all cameras; used by this loop's thread alone.
        judges: per camera.
        intake: where frames come from.
        fan: where events go.
        clock: for the time that publishing takes.
        most_engine_failures: so many engine failures in a row are fatal: a broken GPU context does not heal.
    """

    def __init__(
        self,
        scorer: Scorer,
        judges: Mapping[str, CameraJudge],
        intake: Intake,
        fan: EventFan,
        clock: Clock,
        most_engine_failures: int,
    ) -> None:
        self._scorer = scorer
        self._judges = judges
        self._intake = intake
        self._fan = fan
        self._clock = clock
        self._most_engine_failures = most_engine_failures
        self._engine_failures = 0
        self._silence: dict[str, float] = {}
        self._silence_lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        self.busy_since: float | None = None
        self.fatal: DgiqaEdgeError | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace_s: float) -> bool:
        """End after the frame in hand; whether it did within ``grace_s``."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(grace_s)
        return not self._thread.is_alive()

    def report_silence(self, camera: str, now: float) -> None:
        """The camera gives no frames: its gate is told, by the scoring thread."""
        with self._silence_lock:
            self._silence[camera] = now

    def step(self) -> bool:
        """Score one frame; False where none came in time."""
        self._pass_on_silence()
        frame = self._intake.take(_TAKE_TIMEOUT_S)
        if frame is None:
            return False
        self.busy_since = self._clock.monotonic()
        try:
            self._score(frame)
        finally:
            self.busy_since = None
        return True

    def _run(self) -> None:
        while not self._stop.is_set() and self.fatal is None:
            self.step()

    def _score(self, frame: CapturedFrame) -> None:
        judge = self._judges[frame.camera]
        try:
            event = judge.judge(frame, self._scorer)
        except DgiqaEdgeError as error:
            self._note_failure(error)
            event = ended_event(frame, Outcome.FAILED, " ".join(str(error).split()))
        except Exception as error:  # a bug must cost one frame, not the camera
            log.exception("%s: internal error while scoring frame %d", frame.camera, frame.index)
            event = ended_event(frame, Outcome.FAILED, f"internal error: {type(error).__name__}: {error}")
        else:
            self._engine_failures = 0
            _log_change(frame.camera, event.verdict)
        self._intake.settle(frame, event.outcome)
        started = self._clock.monotonic()
        self._fan.publish(event)
        judge.published(self._clock.monotonic() - started)

    def _note_failure(self, error: DgiqaEdgeError) -> None:
        if isinstance(error, GateError):  # the policy's watchdog is told to raise
            self.fatal = error
        if isinstance(error, EngineCompatibilityError):
            self._engine_failures += 1
            log.error("%s", error)
            if self._engine_failures >= self._most_engine_failures:
                self.fatal = error

    def _pass_on_silence(self) -> None:
        with self._silence_lock:
            silent, self._silence = self._silence, {}
        for camera, now in silent.items():
            if self._intake.is_empty(camera):
                _log_change(camera, self._judges[camera].no_signal(now))


def _log_change(camera: str, verdict: Verdict | None) -> None:
    if verdict is None or not verdict.changed:
        return
    facts = [verdict.reason]
    if verdict.cue is not None and verdict.value is not None and verdict.threshold is not None:
        facts.append(f"{verdict.cue} {verdict.value:.3g}, threshold {verdict.threshold:.3g}")
    if verdict.score is not None:
        facts.append(f"score {verdict.score:.3f}")
    log.info("%s: %s (%s)", camera, verdict.state.value, "; ".join(facts))
