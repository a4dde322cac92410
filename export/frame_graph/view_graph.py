"""The frame graph of the networks that take views: `edge` and `nano`.

As in pipeline.py, everything between the raw BGR frame and the score is in the graph: the whole frame shrunk by
area weighting (products with small constant matrices), native crops as slices, ImageNet normalisation or rounding to
whole levels, the network, and its depth map stretched to 0..255. The views are those of networks/views.py, so training
and deployment see the same numbers. The network is the submodule ``network``; its scope in the node names decides
precision.
"""

import torch
from torch import Tensor, nn

from ..networks.published_sizes import RANGE_EPSILON
from ..networks.views import Size
from .area_shrink import AreaShrink, Colours


class ViewGraph(nn.Module):
    """Camera frame in; score, view scores and depth map out.

    Args:
        network: an `edge` or `nano`: ``arrange(frame, crops)`` names its views, ``reads_levels`` their form,
            ``forward(whole, crops)`` gives score [1], view scores [1, 1 + N], depth [1, h, w] and what else it has.
        frame: height and width of the frame.
        crops: native crops, N.

    Raises:
        ConfigurationError: the frame is smaller than one native crop.
    """

    def __init__(self, network: nn.Module, frame: Size, crops: int = 1) -> None:
        super().__init__()
        self.views = network.arrange(frame, crops)  # type: ignore[operator]
        self.network = network
        self.reads_levels = bool(network.reads_levels)
        colours = Colours.kept() if self.reads_levels else Colours.normalised()
        box = self.views.crops[0][2:]
        self.shrink = AreaShrink(frame, self.views.whole, colours)
        self.cut = AreaShrink(box, box, colours)
        self.eval()

    def forward(self, frame: Tensor) -> tuple[Tensor, ...]:
        """Score one frame.

        Args:
            frame: uint8 [1, H, W, 3], BGR.

        Returns:
            score float32 [1]; view scores float32 [1, 1 + N], whole frame first; depth uint8 [1, h, w], 255 nearest;
            what else the network gives, as it is.
        """
        pixels = frame.float()
        boxes = [pixels[:, y : y + h, x : x + w] for y, x, h, w in self.views.crops]
        joined = torch.cat(boxes, dim=0)
        if self.reads_levels:
            whole, crops = torch.round(self.shrink(pixels)), joined.permute(0, 3, 1, 2)
        else:
            whole, crops = self.shrink(pixels), self.cut(joined)
        score, view_scores, depth, *others = self.network(whole, crops)
        return score, view_scores, self._levels(depth), *others

    @staticmethod
    def _levels(depth: Tensor) -> Tensor:
        nearest, farthest = depth.amax(), depth.amin()
        return torch.floor((depth - farthest) / (nearest - farthest + RANGE_EPSILON) * 255.0).to(torch.uint8)
