"""One camera's frames on their way to a verdict: what of them is scored, the cues, the view they are compared with, the
gate.

The watch loop, recordings, the Python API and the ROS 2 node judge by it. Clocks, threads and figures are theirs.
"""

import contextlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import UnsuitableReferenceError
from ..gate.cues import CueMeter
from ..gate.profiles.profiled_gate import ProfiledGate
from ..gate.reading import NO_SIGNAL, Reading
from ..gate.reference.reference import ReferenceView
from ..gate.regions import WHOLE, Regions
from ..gate.verdict import Verdict
from ..quality import FrameScorer, Quality
from .seen import Seen

References = Mapping[str | None, ReferenceView | None]
Picture = NDArray[np.uint8]


class FrameJudge:
    """Takes each frame through ``score``, ``reading`` and ``decide``, in their order; for one thread at a time.

    Args:
        gate: this camera's own.
        regions: what of the frames counts.
        references: the view it is meant to have, by the profile's name, the camera's own under None; where there is
            none it is learned, if the policy in force says so.
        depth_every: with the split layout, depth is computed for every so many frames and reused in between.

    Attributes:
        depth_age: how many frames ago the depth of the last score was computed.
    """

    def __init__(
        self,
        gate: ProfiledGate,
        regions: Regions = WHOLE,
        references: References | None = None,
        depth_every: int = 1,
    ) -> None:
        self.gate = gate
        self.depth_age = 0
        self._references = dict(references or {})
        self._depth_every = depth_every
        self._depth: Picture | None = None
        self._frame_shape: tuple[int, ...] | None = None
        self.see(regions)

    def see(self, regions: Regions) -> None:
        """From the next frame on only these count."""
        self.regions = regions
        self._seen, self._meter = Seen(regions), CueMeter(regions)
        self._refer()
        self.restart()

    def restart(self) -> None:
        """After a loss: what was before is no measure of change, and its depth no depth."""
        self._meter.restart()
        self._depth = None

    def judge_by(self, gate: ProfiledGate) -> None:
        """Another bundle scores: its depth is another one; the camera is the same, and frozen if it was."""
        gate.go_on_from(self.gate)
        self.gate = gate
        self._depth = None

    def score(self, image: Picture, scorer: FrameScorer) -> Quality:
        """Of a frame, uint8 [H, W, 3] BGR; with the last depth map where that is young enough and of this size.

        Raises:
            DgiqaEdgeError: as ``Scorer.score``.
        """
        reuse = self._depth is not None and self.depth_age + 1 < self._depth_every and image.shape == self._frame_shape
        quality = scorer.score(self._seen.picture(image), self._depth if reuse else None)
        self.depth_age = self.depth_age + 1 if reuse else 0
        self._frame_shape = image.shape
        if self._depth_every > 1:
            self._depth = quality.depth
        return quality

    def reading(self, image: Picture, quality: Quality) -> Reading:
        """What the gate judges: the frame's score and faults, and its cues."""
        return Reading(quality.score, self._meter.measure(image), quality.faults)

    def decide(self, image: Picture, quality: Quality, reading: Reading, t: float, local_s: float = 0.0) -> Verdict:
        """The verdict, and ``where`` in the frame its fault is.

        Args:
            t, local_s: as ``ProfiledGate.update``.

        Raises:
            DgiqaEdgeError: as ``ProfiledGate.update``.
        """
        verdict = self.gate.update(reading, t, local_s)
        if self.gate.chosen != self.profile:
            self._refer()
        return self._seen.placed(verdict, quality, image.shape)

    def learn(self, image: Picture, t: float) -> ReferenceView | None:
        """Learn the view from a frame that is good; the view, once it is learned.

        Raises:
            UnsuitableReferenceError: the frames so far make none; it goes on learning.
        """
        learned = self._meter.passed(image, t)
        if learned is not None:
            self._references[self.profile] = learned
        return learned

    def judge(
        self, image: Picture | None, scorer: FrameScorer, t: float, local_s: float = 0.0
    ) -> tuple[Verdict, Reading]:
        """All of it; None is a camera without signal.

        Raises:
            DgiqaEdgeError: as ``score`` and ``decide``.
        """
        if image is None:
            self.restart()
            return self.gate.update(NO_SIGNAL, t, local_s), NO_SIGNAL
        quality = self.score(image, scorer)
        reading = self.reading(image, quality)
        verdict = self.decide(image, quality, reading, t, local_s)
        if verdict.good:
            with contextlib.suppress(UnsuitableReferenceError):
                self.learn(image, t)
        return verdict, reading

    def _refer(self) -> None:
        """Compare with the view of the profile in force from now on."""
        self.profile = self.gate.chosen
        self._meter.refer_to(self._references.get(self.profile), self.gate.policy.reference.learn_minutes)
