"""One camera's frames on their way to a verdict: learned score, cues, gate; and the figures about it.

For the scoring thread; only ``lose`` and ``snapshot`` are for others. It decides nothing itself: the gate does.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsuitableReferenceError
from ...gate.baseline import Baseline
from ...gate.cues import CueMeter
from ...gate.gate import Gate
from ...gate.policy import CHECKS
from ...gate.reading import NO_SIGNAL, Reading
from ...gate.reference.reference import ReferenceView
from ...gate.verdict import Verdict
from ...gate.vocabulary import head_of
from ...quality import FrameScorer, Quality
from ..event import FrameEvent, Outcome
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


class CameraJudge:
    """Scores and judges one camera's frames in their order.

    Args:
        camera: its name.
        gate: this camera's own.
        depth_every: with the split layout, depth is computed for every so many frames and reused in between.
        clock: for latencies.
        learned: called once, by the scoring thread, when the gate has learned the camera's baseline.
        reference: the view it is meant to have; without one it is learned where the gate's policy says so.
        view_learned: called once, likewise, when that has been learned.
    """

    def __init__(
        self,
        camera: str,
        gate: Gate,
        depth_every: int,
        clock: Clock,
        learned: Learned | None = None,
        reference: ReferenceView | None = None,
        view_learned: ViewLearned | None = None,
    ) -> None:
        self.camera = camera
        self._gate = gate
        self._meter = CueMeter(reference, gate.policy.reference.learn_minutes)
        self._view_learned = view_learned
        self._keep = learned
        self._learned = learned if gate.baseline is None else None
        self._depth_every = depth_every
        self._clock = clock
        self._depth: NDArray[np.uint8] | None = None
        self._depth_age = 0
        self._frame_shape: tuple[int, ...] | None = None
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
        if lost:  # what was before the loss is no measure of change
            self._meter.restart()
            self._depth = None
        quality = self._quality(frame.image, scorer)
        scored = self._clock.monotonic()
        cues = self._meter.measure(frame.image)
        with self._lock:
            verdict = self._update(Reading(quality.score, cues, quality.faults), frame.at, frame.wall_at)
            self._verdict = verdict = replace(verdict, where=quality.where(head_of(verdict.reason)))
        judged = self._clock.monotonic()
        for stage, seconds in (("queue", taken - frame.at), ("score", scored - taken), ("gate", judged - scored)):
            self._stages[stage].add(seconds * 1e3)
        latency_ms = (judged - frame.at) * 1e3
        self._latency.add(latency_ms)
        with self._lock:
            self._verdicts[verdict.state.value] += 1
            self._reasons[verdict.reason] += 1
        if verdict.good:
            self._learn_view(frame)
        if self._learned is not None and self._gate.baseline is not None:
            learned, self._learned = self._learned, None
            learned(self.camera, self._gate.baseline)
        return FrameEvent(
            camera=frame.camera,
            index=frame.index,
            captured_at=frame.wall_at,
            outcome=Outcome.SCORED,
            verdict=verdict,
            frame=frame.image,
            depth=quality.picture_depth,
            depth_age=self._depth_age,
            frame_box=quality.frame_box,
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
            verdict = replace(self._update(NO_SIGNAL, now, since), reason=reason)
            self._gate.told_of_loss()
            self._verdict = verdict
        return verdict

    def restart(self, gate: Gate) -> None:
        """Another bundle scores from now on: its scores do not compare with those before. For the scoring thread."""
        with self._lock:
            self._gate = gate
            self._verdict = None
            self._learned = self._keep if gate.baseline is None else None
            self._lost = True  # what was before is no measure of change, and its depth no depth

    def published(self, seconds: float) -> None:
        """How long the last event took to hand to the sinks."""
        self._stages["publish"].add(seconds * 1e3)

    def snapshot(self) -> JudgeSnapshot:
        """The figures as they are now."""
        with self._lock:
            verdict, verdict_at = self._verdict, self._verdict_at
            verdicts, reasons = dict(self._verdicts), dict(self._reasons)
        return JudgeSnapshot(
            latency=self._latency.snapshot(),
            stages={name: stage.snapshot() for name, stage in self._stages.items()},
            verdict=verdict,
            verdict_at=verdict_at,
            verdicts=verdicts,
            reasons=reasons,
            thresholds=self._thresholds(),
        )

    def _learn_view(self, frame: CapturedFrame) -> None:
        assert frame.image is not None
        try:
            learned = self._meter.passed(frame.image, frame.at)
        except UnsuitableReferenceError as error:
            log.warning("%s: no reference view learned yet: %s", self.camera, error)
            return
        if learned is not None and self._view_learned is not None:
            self._view_learned(self.camera, learned)

    def _quality(self, image: NDArray[np.uint8], scorer: FrameScorer) -> Quality:
        """Score with the last depth map where that is young enough and of a frame of the same size."""
        reuse = self._depth is not None and self._depth_age + 1 < self._depth_every
        if image.shape != self._frame_shape:
            reuse = False
        quality = scorer.score(image, self._depth if reuse else None)
        self._depth_age = self._depth_age + 1 if reuse else 0
        self._frame_shape = image.shape
        if self._depth_every > 1:
            self._depth = quality.depth
        return quality

    def _update(self, reading: Reading, at: float, wall_at: float) -> Verdict:
        # The time of a loss may be a moment later than the capture of the frame that ends it.
        self._gate_time = max(self._gate_time, at)
        verdict = self._gate.update(reading, self._gate_time)
        if verdict.changed or self._verdict is None:
            self._verdict_at = wall_at
        self._verdict = verdict
        return verdict

    def _thresholds(self) -> dict[str, float]:
        found = {}
        for check in CHECKS:
            limits = self._gate.thresholds(check)
            for side, value in (("reject", limits.reject), ("accept", limits.accept)):
                if value is not None:
                    found[f"{check}.{side}"] = value
        return found
