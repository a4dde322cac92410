"""What scoring a frame gives, and what gives it: all that the watch loop and the gate's tuning know of a scorer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .bundle.bundle import Bundle
from .errors import SourceError
from .frames.arrays import as_bgr
from .frames.depth_upsampling import depth_over_frame
from .ground.error_text import one_line
from .ground.framing import Box, scaled_box

PROBABLE = 0.5
"""Least probability of a fault that is named to people."""
_DECIMALS = 4


@dataclass(frozen=True)
class Timings:
    """Wall-clock milliseconds of one frame: channel conversion and resizing, engines, and all of it.

    ``engines_ms``: each engine's role and its part of ``engine_ms``, in the order they ran.
    """

    resize_ms: float
    engine_ms: float
    total_ms: float
    engines_ms: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Quality:
    """The verdict's raw material for one frame.

    ``score`` in [0, 1], 1 best; ``crop_scores`` float32 [N], in the order of the manifest's crop boxes;
    ``depth`` uint8 [h, w], relative inverse depth of the fitted frame, 255 nearest. ``faults``: the probability of each
    fault that the bundle reads, by its name, in the manifest's order; ``coverage`` float32 [rows, columns, K]: the same
    for each cell of the fitted frame. Empty, and None, where it reads none. All are read-only.

    Of a frame that was not simply stretched, ``depth_box`` is the part of ``depth`` that shows its picture, and
    ``frame_box`` the part of the frame that is seen there, each in its own pixels; None: all of it.
    ``image`` is the path, where the frame was given by one; ``size`` the width and height of the frame that was given.
    """

    score: float
    crop_scores: NDArray[np.float32]
    depth: NDArray[np.uint8]
    timings: Timings
    faults: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    coverage: NDArray[np.float32] | None = None
    depth_box: Box | None = None
    frame_box: Box | None = None
    image: str | None = None
    size: tuple[int, int] | None = None

    def __repr__(self) -> str:
        facts = [f"score={self.score:.4f}", f"depth={list(self.depth.shape)}", f"total_ms={self.timings.total_ms:.1f}"]
        if self.coverage is not None:
            facts.append(f"faults={list(self.probable_faults)}")
        if self.image is not None:
            facts.insert(0, f"image={self.image!r}")
        return f"Quality({', '.join(facts)})"

    @property
    def probable_faults(self) -> tuple[str, ...]:
        """Names of the faults that are more probable than not."""
        return tuple(name for name, probability in self.faults.items() if probability >= PROBABLE)

    def where(self, fault: str | None) -> tuple[tuple[float, ...], ...] | None:
        """The probability of a fault in each cell of the fitted frame, rows from the top; None where it is not read."""
        if self.coverage is None or fault is None or fault not in self.faults:
            return None
        cells = self.coverage[..., list(self.faults).index(fault)].tolist()
        return tuple(tuple(round(value, _DECIMALS) for value in row) for row in cells)

    @property
    def picture_depth(self) -> NDArray[np.uint8]:
        """The depth of the picture alone: ``depth`` without what padding added around it, a read-only view."""
        return self.depth if self.depth_box is None else self.depth[self.depth_box.slices]

    def depth_as(self, frame: NDArray[Any]) -> NDArray[np.uint8]:
        """The depth as large as the frame: uint8 [H, W], for each of its pixels, 255 nearest.

        It follows the frame's edges (``frames/depth_upsampling.py``): made to be looked at, ``depth`` is the network's.
        Where the frame was cropped, its outer parts have no depth: they are 0, and ``frame_box`` tells them apart.

        Args:
            frame: the array that was scored, or a scaled copy of it: uint8, or float in 0..1; [H, W, 3] or [H, W].

        Raises:
            SourceError: it is no such array.
        """
        picture = as_bgr(frame)
        box = self.frame_box
        if box is not None and self.size is not None:
            box = scaled_box(box, self.size[::-1], picture.shape)
        return depth_over_frame(self.picture_depth, picture, box)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: what ``dgiqa-edge score --json`` prints of an image, depth left out.

        ``image``, ``score``, ``latency_ms``, ``crop_scores``, ``width``, ``height``; and where faults are read,
        ``faults`` with all probabilities and ``coverage`` with the rows of cells of the probable ones.
        """
        record: dict[str, Any] = {} if self.image is None else {"image": self.image}
        record |= {
            "score": self.score,
            "latency_ms": round(self.timings.total_ms, 3),
            "crop_scores": self.crop_scores.tolist(),
        }
        if self.size is not None:
            record |= {"width": self.size[0], "height": self.size[1]}
        if self.coverage is not None:
            record["faults"] = {name: round(value, _DECIMALS) for name, value in self.faults.items()}
            record["coverage"] = {name: [list(row) for row in self.where(name) or ()] for name in self.probable_faults}
        return record


@dataclass(frozen=True)
class Unscored:
    """An image that could not be scored, in its place among the others; ``image`` is its path, where it has one."""

    error: SourceError
    image: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: ``image`` and ``error``."""
        record = {} if self.image is None else {"image": self.image}
        return {**record, "error": one_line(self.error)}


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
