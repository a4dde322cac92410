"""One camera's frames on their way to a verdict: learned score, cues, gate; and the figures about it.

For the scoring thread; only ``lose``, ``snapshot`` and ``regions`` are for others. It decides nothing itself: the gate
does.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from ...errors import UnsuitableReferenceError
from ...gate.baseline import Baseline
from ...gate.policy import CHECKS
from ...gate.profiles.profiled_gate import ProfiledGate
from ...gate.reading import NO_SIGNAL
from ...gate.reference.reference import ReferenceView
from ...gate.regions import WHOLE, Regions
from ...gate.verdict import Verdict
from ...quality import FrameScorer
from ..event import FrameEvent, Outcome
from ..frame_judge import FrameJudge, References
from ..status import Percentiles
from .clock import Clock
from .intake import CapturedFrame
from .rolling import RollingPercentiles

Learned = Callable[[str, Baseline], None]
ViewLearned = Callable[[str, ReferenceView], None]
log = logging.getLogger("dgiqa_edge.watch")

STAGES = ("queue", "score", "gate", "publish")


@dataclass(frozen=True)
class JudgeSnapshot:
    """The gate's part of ``CameraStatus``; fields as there."""

    latency: Percentiles
    stages: Mapping[str, Percentiles]
    verdict: Verdict | None = None
    verdict_at: float | None = None
    verdicts: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    profile: str | None = None
    profiles: tuple[str, ...] = ()


class CameraJudge:
    """Scores and judges one camera's frames in their order.

    Args:
        camera: its name.
        gate: this camera's own.
        depth_every, regions, references: as ``FrameJudge``.
        clock: for latencies.
        learned: called by the scoring thread when the gate has learned a baseline, with the name that it is kept under:
            the camera's, or ``CAMERA.PROFILE``.
        view_learned: called, as ``learned`` is, when a reference view has been learned.
    """

    def __init__(
        self,
        camera: str,
        gate: ProfiledGate,
        depth_every: int,
        clock: Clock,
        learned: Learned | None = None,
        regions: Regions = WHOLE,
        references: References | None = None,
        view_learned: ViewLearned | None = None,
    ) -> None:
        self.camera = camera
        self.regions = regions
        """Any thread may set others; they hold from the next frame on."""
        self._frames = FrameJudge(gate, regions, references, depth_every)
        self._view_learned = view_learned
        self._keep = learned
        self._messages: dict[str, str] = {}
        self._clock = clock
        self._gate_time = float("-inf")
        self._lost = False
        self._latency = RollingPercentiles()
        self._stages = {name: RollingPercentiles() for name in STAGES}
        self._lock = threading.Lock()
        self._verdict: Verdict | None = None
        self._verdict_at: float | None = None
        self._verdicts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def judge(self, frame: CapturedFrame, scorer: FrameScorer) -> FrameEvent:
        """The event of one frame.

        Raises:
            DgiqaEdgeError: as ``Scorer.score`` and ``Gate.update`` do.
        """
        assert frame.image is not None
        taken = self._clock.monotonic()
        with self._lock:
            lost, self._lost = self._lost, False
        if self._frames.regions is not (regions := self.regions):
            self._frames.see(regions)
        elif lost:
            self._frames.restart()
        quality = self._frames.score(frame.image, scorer)
        scored = self._clock.monotonic()
        reading = self._frames.reading(frame.image, quality)
        with self._lock:
            at, local_s = self._never_back(frame.at), _local_s(frame.wall_at)
            verdict = self._frames.decide(frame.image, quality, reading, at, local_s)
            self._note(verdict, frame.wall_at)
        judged = self._clock.monotonic()
        for stage, seconds in (("queue", taken - frame.at), ("score", scored - taken), ("gate", judged - scored)):
            self._stages[stage].add(seconds * 1e3)
        latency_ms = (judged - frame.at) * 1e3
        self._latency.add(latency_ms)
        with self._lock:
            self._verdicts[verdict.state.value] += 1
            self._reasons[verdict.reason] += 1
        learned = self._frames.gate.learned()
        if learned is not None and self._keep is not None:
            self._keep(kept_name(self.camera, learned[0]), learned[1])
        if verdict.good:
            self._learn_view(frame)
        return FrameEvent(
            camera=frame.camera,
            index=frame.index,
            captured_at=frame.wall_at,
            outcome=Outcome.SCORED,
            verdict=verdict,
            frame=frame.image,
            depth=quality.picture_depth,
            depth_age=self._frames.depth_age,
            frame_box=quality.frame_box,
            cues=reading.cues,
            faults=quality.faults,
            latency_ms=latency_ms,
        )

    def lose(self, now: float, since: float, reason: str) -> Verdict:
        """The camera gives no verdicts any more, for this ``reason``: the gate forgets. For any thread.

        Args:
            now: monotonic seconds.
            since: wall clock of its last frame.
        """
        with self._lock:
            self._lost = True
            verdict = self._frames.gate.update(NO_SIGNAL, self._never_back(now), _local_s(since))
            verdict = replace(verdict, reason=reason)
            self._frames.gate.told_of_loss()
            self._note(verdict, since)
        return verdict

    def tell(self, topic: str, payload: str) -> None:
        """A message has come that may choose a profile. For any thread."""
        with self._lock:
            self._messages[topic] = payload
            self._frames.gate.tell(topic, payload)

    def restart(self, gate: ProfiledGate) -> None:
        """Another bundle scores from now on: its scores do not compare with those before. For the scoring thread."""
        with self._lock:
            self._frames.judge_by(gate)
            for topic, payload in self._messages.items():
                gate.tell(topic, payload)
            self._verdict = None

    def published(self, seconds: float) -> None:
        """How long the last event took to hand to the sinks."""
        self._stages["publish"].add(seconds * 1e3)

    def snapshot(self) -> JudgeSnapshot:
        """The figures as they are now."""
        latency, stages = self._latency.snapshot(), {name: stage.snapshot() for name, stage in self._stages.items()}
        with self._lock:  # a switch of profiles changes the gate as a whole
            gate = self._frames.gate
            return JudgeSnapshot(
                latency=latency,
                stages=stages,
                verdict=self._verdict,
                verdict_at=self._verdict_at,
                verdicts=dict(self._verdicts),
                reasons=dict(self._reasons),
                thresholds=_thresholds(gate),
                profile=gate.profile,
                profiles=gate.names,
            )

    def _learn_view(self, frame: CapturedFrame) -> None:
        assert frame.image is not None
        try:
            learned = self._frames.learn(frame.image, frame.at)
        except UnsuitableReferenceError as error:
            log.warning("%s: no reference view learned yet: %s", self.camera, error)
            return
        if learned is not None and self._view_learned is not None:
            self._view_learned(kept_name(self.camera, self._frames.profile), learned)

    def _never_back(self, at: float) -> float:
        """The time of a loss may be a moment later than the capture of the frame that ends it."""
        self._gate_time = max(self._gate_time, at)
        return self._gate_time

    def _note(self, verdict: Verdict, wall_at: float) -> None:
        if verdict.changed or self._verdict is None:
            self._verdict_at = wall_at
        self._verdict = verdict


def kept_name(camera: str, profile: str | None) -> str:
    """What a camera's baseline is called, of its own settings (None) or of a profile."""
    return camera if profile is None else f"{camera}.{profile}"


def _local_s(wall_at: float) -> float:
    """Seconds since local midnight."""
    local = time.localtime(wall_at)
    return 3600.0 * local.tm_hour + 60.0 * local.tm_min + local.tm_sec


def _thresholds(gate: ProfiledGate) -> dict[str, float]:
    found = {}
    for check in CHECKS:
        limits = gate.thresholds(check)
        for side, value in (("reject", limits.reject), ("accept", limits.accept)):
            if value is not None:
                found[f"{check}.{side}"] = value
    return found
