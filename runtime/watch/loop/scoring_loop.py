"""The one thread that scores: takes frames round robin, has them judged, and hands their events on."""

import logging
import threading
from collections.abc import Callable, Mapping

from ...errors import DgiqaEdgeError, EngineCompatibilityError, GateError, MachineError
from ...gate.verdict import Verdict
from ...ground.error_text import one_line
from ...quality import FrameScorer
from ..event import FrameEvent, Outcome
from ..seen import in_words
from .clock import Clock
from .intake import CapturedFrame, Intake
from .judge import CameraJudge
from .slot_follower import SlotFollower

log = logging.getLogger("dgiqa_edge.watch")

_TAKE_TIMEOUT_S = 0.2


def ended_event(frame: CapturedFrame, outcome: Outcome, error: str | None = None) -> FrameEvent:
    """The event of a frame that was skipped or has failed."""
    return FrameEvent(
        camera=frame.camera,
        index=frame.index,
        captured_at=frame.wall_at,
        outcome=outcome,
        error=error or frame.error or None,
    )


class ScoringLoop:
    """Runs until ``stop``; every frame it takes is settled, whatever happens to it.

    Args:
        scorer: shared by all cameras; used by this loop's thread alone.
        judges: per camera.
        intake: where frames come from.
        publish: takes every event; never waits.
        clock: for the time that publishing takes.
        most_engine_failures: so many engine failures in a row are fatal: a broken GPU context does not heal.
        follower: where another scorer comes from while the loop runs; None where none does.
        taken_over: called before the first frame of another scorer.
    """

    def __init__(
        self,
        scorer: FrameScorer,
        judges: Mapping[str, CameraJudge],
        intake: Intake,
        publish: Callable[[FrameEvent], None],
        clock: Clock,
        most_engine_failures: int,
        follower: SlotFollower | None = None,
        taken_over: Callable[[FrameScorer], None] | None = None,
    ) -> None:
        self.scorer = scorer
        self._follower = follower
        self._taken_over = taken_over
        self._judges = judges
        self._intake = intake
        self._publish = publish
        self._clock = clock
        self._most_engine_failures = most_engine_failures
        self._engine_failures = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scoring", daemon=True)
        self.busy_since: float | None = None
        self.fatal: DgiqaEdgeError | None = None

    def start(self) -> None:
        """Start the thread; once."""
        self._thread.start()

    def stop(self, grace_s: float) -> bool:
        """End after the frame in hand; whether it did within ``grace_s``."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(grace_s)
        return not self._thread.is_alive()

    def step(self) -> bool:
        """Score one frame; False where none came in time."""
        self._change_over()
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
        try:
            while not self._stop.is_set() and self.fatal is None:
                self.step()
        except Exception as error:  # a bug: without this thread nothing would be scored, and nobody would know
            log.exception("internal error in the scoring thread")
            self.fatal = MachineError(
                f"the scoring thread ended, a bug: {type(error).__name__}: {error}; start it again"
            )

    def _change_over(self) -> None:
        scorer = None if self._follower is None else self._follower.take()
        if scorer is not None:
            self.scorer = scorer
            self._engine_failures = 0
            if self._taken_over is not None:
                self._taken_over(scorer)

    def _score(self, frame: CapturedFrame) -> None:
        judge = self._judges[frame.camera]
        try:
            event = judge.judge(frame, self.scorer)
        except DgiqaEdgeError as error:
            self._note_failure(error)
            event, outcome = ended_event(frame, Outcome.FAILED, one_line(error)), Outcome.FAILED
        except Exception as error:  # a bug must cost one frame, not the camera
            log.exception("%s: internal error while scoring frame %d", frame.camera, frame.index)
            problem = f"internal error: {type(error).__name__}: {error}"
            self._is_of_trial(problem)
            event = ended_event(frame, Outcome.FAILED, problem)
            outcome = Outcome.FAILED
        else:
            outcome = Outcome.SCORED
            self._engine_failures = 0
            if self._follower is not None:
                self._follower.scored()
            _log_verdict(frame.camera, event.verdict)
        started = self._clock.monotonic()
        self._publish(event)
        judge.published(self._clock.monotonic() - started)
        self._intake.settle(frame, outcome)  # last: a camera without frames in hand has told all of them

    def _note_failure(self, error: DgiqaEdgeError) -> None:
        if isinstance(error, GateError):  # the policy's watchdog is told to raise
            self.fatal = error
        elif not self._is_of_trial(one_line(error)) and isinstance(error, EngineCompatibilityError):
            self._engine_failures += 1
            log.error("%s", error)
            if self._engine_failures >= self._most_engine_failures:
                self.fatal = error

    def _is_of_trial(self, problem: str) -> bool:
        return self._follower is not None and self._follower.failed(problem)


def _log_verdict(camera: str, verdict: Verdict | None) -> None:
    if verdict is None or not verdict.announced:
        return
    facts = [" ".join(filter(None, (verdict.reason, in_words(verdict.where))))]
    if verdict.cue is not None and verdict.value is not None and verdict.threshold is not None:
        facts.append(f"{verdict.cue} {verdict.value:.3g}, threshold {verdict.threshold:.3g}")
    if verdict.score is not None:
        facts.append(f"score {verdict.score:.3f}")
    log.info("%s: %s (%s)", camera, verdict.state.value, "; ".join(facts))
