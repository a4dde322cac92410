"""What scoring a frame gives, and what gives it: all that the watch loop and the gate's tuning know of a scorer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .bundle.bundle import Bundle
from .ground.framing import Box

PROBABLE = 0.5
"""Least probability of a fault that is named to people."""


@dataclass(frozen=True)
class Timings:
    """Wall-clock milliseconds of one frame: channel conversion and resizing, engines, and all of it.

    ``engines_ms``: each engine's role and its part of ``engine_ms``, in the order they ran.
    """

    resize_ms: float
    engine_ms: float
    total_ms: float
    engines_ms: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Quality:
    """The verdict's raw material for one frame.

    ``score`` in [0, 1], 1 best; ``crop_scores`` float32 [N], in the order of the manifest's crop boxes;
    ``depth`` uint8 [h, w], relative inverse depth of the fitted frame, 255 nearest. ``faults``: the probability of each
    fault that the bundle reads, by its name, in the manifest's order; ``coverage`` float32 [rows, columns, K]: the same
    for each cell of the fitted frame. Empty, and None, where it reads none. All are read-only.

    Of a frame that was not simply stretched, ``depth_box`` is the part of ``depth`` that shows its picture, and
    ``frame_box`` the part of the frame that is seen there, each in its own pixels; None: all of it.
    """

    score: float
    crop_scores: NDArray[np.float32]
    depth: NDArray[np.uint8]
    timings: Timings
    faults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    coverage: NDArray[np.float32] | None = None
    depth_box: Box | None = None
    frame_box: Box | None = None

    @property
    def probable_faults(self) -> tuple[str, ...]:
        """Names of the faults that are more probable than not."""
        return tuple(name for name, probability in self.faults.items() if probability >= PROBABLE)

    @property
    def picture_depth(self) -> NDArray[np.uint8]:
        """The depth of the picture alone: ``depth`` without what padding added around it, a read-only view."""
        return self.depth if self.depth_box is None else self.depth[self.depth_box.slices]


class FrameScorer(Protocol):
    """As ``Scorer`` in ``scoring/scorer.py``, which says what each part means and raises."""

    bundle: Bundle

    @property
    def takes_depth(self) -> bool:
        """Whether ``score`` may be given depth."""
        ...

    def score(self, frame: NDArray[np.uint8], depth: NDArray[np.uint8] | None = None) -> Quality:
        """Score one frame, uint8 [H, W, 3] BGR."""
        ...

    def describe(self) -> list[dict[str, Any]]:
        """Each engine's facts."""
        ...
