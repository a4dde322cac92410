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

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsuitableReferenceError
from ...gate.baseline import Baseline
from ...gate.cues import CueMeter
from ...gate.policy import CHECKS
from ...gate.profiles.profiled_gate import ProfiledGate
from ...gate.reading import NO_SIGNAL, Reading
from ...gate.reference.reference import ReferenceView
from ...gate.regions import WHOLE, Regions
from ...gate.verdict import Verdict
from ...quality import FrameScorer, Quality
from ..event import FrameEvent, Outcome
from ..seen import Seen
from ..status import Percentiles
from .clock import Clock
from .intake import CapturedFrame
from .rolling import RollingPercentiles

Learned = Callable[[str, Baseline], None]
ViewLearned = Callable[[str, ReferenceView], None]
References = Mapping[str | None, ReferenceView | None]
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
        depth_every: with the split layout, depth is computed for every so many frames and reused in between.
        clock: for latencies.
        learned: called by the scoring thread when the gate has learned a baseline, with the name that it is kept under:
            the camera's, or ``CAMERA.PROFILE``.
        regions: what of the frames counts.
        references: the view it is meant to have, by the profile's name, the camera's own under None; where there is
            none it is learned, if the policy in force says so.
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
        self._gate = gate
        self._seen = Seen(regions)
        self._references = dict(references or {})
        self._view_learned = view_learned
        self._meter = CueMeter(regions)
        self._refer()
        self._keep = learned
        self._messages: dict[str, str] = {}
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
        if self._seen.regions is not (regions := self.regions):
            self._seen, self._meter, lost = Seen(regions), CueMeter(regions), True
            self._refer()
        if lost:  # what was before is no measure of change
            self._meter.restart()
            self._depth = None
        quality = self._quality(frame.image, scorer)
        scored = self._clock.monotonic()
        cues = self._meter.measure(frame.image)
        with self._lock:
            verdict = self._update(Reading(quality.score, cues, quality.faults), frame.at, frame.wall_at)
            self._verdict = verdict = self._seen.placed(verdict, quality, frame.image.shape)
        judged = self._clock.monotonic()
        for stage, seconds in (("queue", taken - frame.at), ("score", scored - taken), ("gate", judged - scored)):
            self._stages[stage].add(seconds * 1e3)
        latency_ms = (judged - frame.at) * 1e3
        self._latency.add(latency_ms)
        with self._lock:
            self._verdicts[verdict.state.value] += 1
            self._reasons[verdict.reason] += 1
        learned = self._gate.learned()
        if learned is not None and self._keep is not None:
            self._keep(kept_name(self.camera, learned[0]), learned[1])
        if verdict.good:
            self._learn_view(frame)
        if self._gate.chosen != self._referred:
            self._refer()
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
            cues=cues,
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
            verdict = replace(self._update(NO_SIGNAL, now, since), reason=reason)
            self._gate.told_of_loss()
            self._verdict = verdict
        return verdict

    def tell(self, topic: str, payload: str) -> None:
        """A message has come that may choose a profile. For any thread."""
        with self._lock:
            self._messages[topic] = payload
            self._gate.tell(topic, payload)

    def restart(self, gate: ProfiledGate) -> None:
        """Another bundle scores from now on: its scores do not compare with those before. For the scoring thread."""
        with self._lock:
            self._gate = gate
            for topic, payload in self._messages.items():
                gate.tell(topic, payload)
            self._verdict = None
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
            profile=self._gate.profile,
            profiles=self._gate.names,
        )

    def _learn_view(self, frame: CapturedFrame) -> None:
        assert frame.image is not None
        try:
            learned = self._meter.passed(frame.image, frame.at)
        except UnsuitableReferenceError as error:
            log.warning("%s: no reference view learned yet: %s", self.camera, error)
            return
        if learned is not None:
            self._references[self._referred] = learned
            if self._view_learned is not None:
                self._view_learned(kept_name(self.camera, self._referred), learned)

    def _refer(self) -> None:
        """Compare with the view of the profile in force from now on."""
        self._referred = self._gate.chosen
        self._meter.refer_to(self._references.get(self._referred), self._gate.policy.reference.learn_minutes)

    def _quality(self, image: NDArray[np.uint8], scorer: FrameScorer) -> Quality:
        """Score with the last depth map where that is young enough and of a frame of the same size."""
        reuse = self._depth is not None and self._depth_age + 1 < self._depth_every
        if image.shape != self._frame_shape:
            reuse = False
        quality = scorer.score(self._seen.picture(image), self._depth if reuse else None)
        self._depth_age = self._depth_age + 1 if reuse else 0
        self._frame_shape = image.shape
        if self._depth_every > 1:
            self._depth = quality.depth
        return quality

    def _update(self, reading: Reading, at: float, wall_at: float) -> Verdict:
        # The time of a loss may be a moment later than the capture of the frame that ends it.
        self._gate_time = max(self._gate_time, at)
        verdict = self._gate.update(reading, self._gate_time, _local_s(wall_at))
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


def kept_name(camera: str, profile: str | None) -> str:
    """What a camera's baseline is called, of its own settings (None) or of a profile."""
    return camera if profile is None else f"{camera}.{profile}"


def _local_s(wall_at: float) -> float:
    """Seconds since local midnight."""
    local = time.localtime(wall_at)
    return 3600.0 * local.tm_hour + 60.0 * local.tm_min + local.tm_sec
