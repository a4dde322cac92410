"""The clips: each fault of the vocabulary, by camera-like means, put into footage at a known second.

What an optical fault does happens before the sensor, so at night the sensor's noise lies over it; what the sensor or
the stream does comes after.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from dgiqa_edge.calibration.degradations.kinds import degrade

from .footage import CHANGES, CONDITIONS, DAY, FPS, NIGHT, Footage, Picture, lit, view

CLEAN_S, FAULTY_S, FROZEN_S = 3.0, 4.0, 9.0
LEAST_CLEAN_S = 9.0
"""Of one clean clip: a third of it before a change of light, a third for it, a third after it."""


@dataclass(frozen=True)
class Means:
    """How a fault comes about.

    Attributes:
        reason: what the gate should call it.
        kind: a degradation; or ``frozen``, ``no signal``, ``moved``.
        strength: of the degradation; of ``moved`` the share of the view's width.
        stage: ``scene`` before the sensor, ``sensor`` after it.
        every: frames that one pattern of damage lasts; 0: the whole clip.
        colour: only where the picture has colour.
    """

    reason: str
    kind: str
    strength: float = 1.0
    stage: str = "scene"
    every: int = 0
    colour: bool = False

    @property
    def faulty_s(self) -> float:
        """How long it lasts, seconds: a picture is frozen only after a while."""
        return FROZEN_S if self.kind == "frozen" else FAULTY_S


MEANS = {
    "out of focus": Means("blurred", "defocus", 0.4),
    "shaking": Means("blurred", "motion_blur", 0.3),
    "noise": Means("noisy", "noise", 0.75, "sensor"),
    "too little light": Means("too dark", "under_exposure", 0.6, "sensor"),
    "too little light, gain": Means("too dark", "low_light", 0.75, "sensor"),
    "over-exposed": Means("over-exposed", "over_exposure", 0.55, "sensor"),
    "fog": Means("hazy", "haze", 0.65),
    "flare": Means("flare", "flare", 0.7),
    "dirt": Means("dirty or blocked", "dirt", 0.8),
    "mud": Means("dirty or blocked", "mud", 0.5),
    "drops": Means("dirty or blocked", "drops", 0.7),
    "half covered": Means("dirty or blocked", "occluded", 0.6),
    "covered by a hand": Means("dirty or blocked", "hand", 0.9),
    "sprayed": Means("dirty or blocked", "spray", 0.6),
    "frozen": Means("frozen", "frozen"),
    "no signal": Means("no signal", "no signal"),
    "moved view": Means("moved view", "moved", 0.1),
    "turned to the wall": Means("moved view", "wall", 0.3),
    "colour cast": Means("colour cast", "colour_cast", 0.6, "sensor", colour=True),
    "lost blocks": Means("codec damage", "lost_blocks", 0.8, "sensor", every=5),
    "too few bits": Means("codec damage", "jpeg", 0.6, "sensor"),
}


@dataclass(frozen=True)
class Clip:
    """A fault of :data:`MEANS` in footage, or none; ``condition`` is its light, ``clean_s`` when the fault begins."""

    footage: Footage
    condition: str
    fault: str | None
    clean_s: float
    seconds: float

    def frames(self) -> Iterator[Picture | None]:
        """Frames at :data:`~.footage.FPS`, uint8 [H, W, 3] BGR; None where the camera gives none."""
        means = None if self.fault is None else MEANS[self.fault]
        of, begin = round(self.seconds * FPS), round(self.clean_s * FPS)
        last: Picture | None = None
        for index, wide in enumerate(islice(self.footage.wide(), of)):
            if means is None or index < begin:
                last = lit(view(wide, 0.0), self.condition, self.footage.seed, index, of)
                yield last
            elif means.kind in ("frozen", "no signal"):
                yield last if means.kind == "frozen" else None
            else:
                yield self._faulty(means, wide, index, of)

    def _faulty(self, means: Means, wide: Picture, index: int, of: int) -> Picture:
        seed = self.footage.seed + 1000 * (index // means.every if means.every else 0)
        frame = view(wide, means.strength if means.kind == "moved" else 0.0)
        if means.kind == "moved":
            return lit(frame, self.condition, self.footage.seed, index, of)
        if means.stage == "scene":
            frame = np.asarray(degrade(frame, means.kind, means.strength, seed), np.uint8)
        frame = lit(frame, self.condition, self.footage.seed, index, of)
        return degrade(frame, means.kind, means.strength, seed, moment=index) if means.stage == "sensor" else frame


def clips(cameras: list[Footage], clean_s: float) -> list[Clip]:
    """Every fault in every camera by day and, in each third, at night; and so many seconds of clean footage in all."""
    found = []
    for number, camera in enumerate(cameras):
        for condition in (DAY, NIGHT) if number % 3 == 0 else (DAY,):
            found += [
                Clip(camera, condition, name, CLEAN_S, CLEAN_S + means.faulty_s)
                for name, means in MEANS.items()
                if condition == DAY or not means.colour
            ]
    if clean_s:
        kinds = (*CONDITIONS, *CHANGES)
        each_s = max(LEAST_CLEAN_S, clean_s / (len(kinds) * len(cameras)))
        found += [Clip(camera, condition, None, 0.0, each_s) for camera in cameras for condition in kinds]
    return found
