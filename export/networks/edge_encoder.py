"""The encoder of `edge`: Depth Anything V2-Small once per view, giving depth and what the quality head reads.

Its keys are the published checkpoint's (``pretrained.*`` and ``depth_head.*``) and it stays frozen. The head reads the
four token sets that the depth head reads too: mean-pooled 2x2 into a coarse grid, and as mean, deviation and class
token. No quality is decided here.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .depth_anything import CONFIGURATIONS, DepthAnything
from .dinov2 import PATCH
from .views import ViewRule

STAGES = 4
WIDTH = 384
POOL = 2
STATISTICS = ("mean", "deviation", "class token")
DEPTH_POOL = 2
VIEW_RULE = ViewRule(whole_pixels=252 * 252, crop_side_px=252, step=PATCH * POOL)
_VARIANCE_FLOOR = 1e-6


@dataclass(frozen=True)
class ViewFeatures:
    """What the quality head reads of V views of one size.

    Attributes:
        grid: float32 [V, 4, h, w, 384], tokens of four blocks, each cell the mean of 2x2 patches.
        statistics: float32 [V, 4, 3, 384], mean and deviation over all patches, class token.
    """

    grid: Tensor
    statistics: Tensor


class EdgeEncoder(DepthAnything):
    """Depth Anything V2-Small that also gives its class tokens."""

    def __init__(self) -> None:
        super().__init__(CONFIGURATIONS["vits"], version=2)

    def tokens(self, views: Tensor) -> list[Tensor]:
        """Normalised views [V, 3, h, w], sides multiples of 28, to four normed [V, 1 + patches, 384], class first."""
        return self.pretrained.normed_tokens(views)

    def depth(self, tokens: list[Tensor], rows: int, columns: int) -> Tensor:
        """Relative inverse depth [V, 14 rows, 14 columns] of the views those tokens came from."""
        return self.depth_head([stage[:, 1:] for stage in tokens], rows, columns)


def view_features(tokens: list[Tensor], rows: int, columns: int) -> ViewFeatures:
    """Pooled grids and statistics of four token sets [V, 1 + rows * columns, 384]."""
    grids, statistics = [], []
    for stage in tokens:
        class_token, patches = stage[:, 0], stage[:, 1:]
        centred = patches - patches.mean(dim=1, keepdim=True)
        deviation = (centred.square().mean(dim=1) + _VARIANCE_FLOOR).sqrt()
        statistics.append(torch.stack((patches.mean(dim=1), deviation, class_token), dim=1))
        picture = patches.transpose(1, 2).reshape(-1, patches.shape[2], rows, columns)
        grids.append(F.avg_pool2d(picture, POOL).permute(0, 2, 3, 1))
    return ViewFeatures(torch.stack(grids, dim=1), torch.stack(statistics, dim=1))


def pooled_depth(depth: Tensor) -> Tensor:
    """Depth [V, h, w] at half its scale: [V, h / 2, w / 2]."""
    return F.avg_pool2d(depth.unsqueeze(1), DEPTH_POOL)[:, 0]
