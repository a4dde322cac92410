"""Views of photos as a camera's frames of several sizes would show them, some of them degraded, in batches."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dgiqa_edge.calibration.degradations.kinds import degrade, runnable
from dgiqa_edge.export.networks.nano import VIEW_RULE
from dgiqa_edge.export.networks.views import Size, plan_views
from dgiqa_edge.runtime.frames.fit import fit_frame

from .view_store import crop_levels, whole_levels

Read = Callable[[int], np.ndarray]
FrameViews = tuple[Tensor, Tensor]
WEAKEST, STRONGEST = 0.15, 1.0


def frame_views(frames: list[np.ndarray], size: Size) -> FrameViews:
    """Whole views float32 [F, 3, h, w] and centre crops [F, 3, 160, 160] of pictures uint8 [H, W, 3], in levels.

    A picture takes the frame's size by the runtime's own rule.
    """
    views = plan_views(size, VIEW_RULE)
    fitted = [fit_frame(frame, *size) for frame in frames]
    whole = [whole_levels(frame, views.whole) for frame in fitted]
    crops = [crop_levels(frame, views.crops[0]) for frame in fitted]
    return as_planes(whole), as_planes(crops)


def as_planes(pictures: list[np.ndarray]) -> Tensor:
    """Pictures uint8 [h, w, 3] as a network reads them: float32 [F, 3, h, w]."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float()


@dataclass(frozen=True)
class FrameBatches:
    """Batches of photos, each as frames of one size, the sizes in turn.

    Attributes:
        read: gives the picture of a row, uint8 [H, W, 3], BGR.
        rows: to draw from.
        sizes: heights and widths.
        degraded_share: of the photos that are degraded, each by a kind and a strength drawn at random.
    """

    read: Read
    rows: np.ndarray
    sizes: tuple[Size, ...]
    batch: int
    degraded_share: float

    def epoch(self, seed: tuple[int, ...], batches: int) -> Iterator[tuple[Size, FrameViews]]:
        """``batches`` batches, half of them mirrored; the same for the same ``seed``."""
        generator = np.random.default_rng(seed)
        for number in range(batches):
            chosen = generator.choice(self.rows, self.batch, replace=len(self.rows) < self.batch)
            size = self.sizes[number % len(self.sizes)]
            whole, crops = frame_views([self._picture(int(row), generator) for row in chosen], size)
            if generator.integers(2):
                whole, crops = whole.flip(3), crops.flip(3)
            yield size, (whole, crops)

    def _picture(self, row: int, generator: np.random.Generator) -> np.ndarray:
        photo = self.read(row)
        if generator.uniform() >= self.degraded_share:
            return photo
        kind, strength = str(generator.choice(runnable())), float(generator.uniform(WEAKEST, STRONGEST))
        return degrade(photo, kind, strength, int(generator.integers(2**31)))
