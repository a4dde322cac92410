"""`edge`: depth and quality of a frame from one Depth Anything V2-Small encoder, run once per view.

Views (see `views.py`): the whole frame shrunk by area weighting to about 252x252 pixels of area with its aspect kept
(sides multiples of 28), and native 252x252 crops; both as RGB/255 with ImageNet's mean and deviation removed, as
:func:`views.whole_view` and :func:`views.crop_view` make them, without rounding to 8 bits. Depth is computed on the
whole view; the depth of a crop is the part of that map which the crop covers.
"""

from torch import Tensor, nn

from .depth_guidance import DepthCells
from .dinov2 import patch_grid
from .edge_encoder import DEPTH_POOL, PATCH, POOL, VIEW_RULE, EdgeEncoder, pooled_depth, view_features
from .edge_head import EdgeHead
from .views import Size, Views, plan_views

DEFAULT_FRAME: Size = (512, 512)


class Edge(nn.Module):
    """The encoder (published weights, frozen) and the head (trained here)."""

    depth_stride = 1

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EdgeEncoder()
        self.head = EdgeHead()
        self.views = plan_views(DEFAULT_FRAME, VIEW_RULE)
        self.depth_cells = depth_cells(self.views)

    def arrange(self, frame: Size, crops: int = 1) -> Views:
        """Set the network up for frames of that height and width, and say which views it expects.

        Raises:
            ConfigurationError: the frame is smaller than one native crop.
        """
        self.views = plan_views(frame, VIEW_RULE, crops)
        self.depth_cells = depth_cells(self.views)
        return self.views

    def forward(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Score one frame.

        Args:
            whole: float32 [1, 3, h, w], the shrunk frame, normalised.
            crops: float32 [N, 3, 252, 252], native crops, normalised.

        Returns:
            score float32 [1] in [0, 1], 1 best, the mean of the view scores; view_scores float32 [1, 1 + N], whole
            frame first; depth float32 [1, h, w], relative inverse depth.
        """
        rows, columns = patch_grid(whole)
        tokens = self.encoder.tokens(whole)
        depth = self.encoder.depth(tokens, rows, columns)
        whole_depth, crop_depth = self.depth_cells(pooled_depth(depth))
        whole_features = view_features(tokens, rows, columns)
        crop_features = view_features(self.encoder.tokens(crops), *patch_grid(crops))
        view_scores = self.head(
            whole_features.grid,
            whole_features.statistics,
            whole_depth,
            crop_features.grid,
            crop_features.statistics,
            crop_depth,
        )
        return view_scores.mean(dim=1), view_scores, depth


def depth_cells(views: Views) -> DepthCells:
    """The constants that cut the pooled depth map of the whole view to the views."""
    size = (views.whole[0] // DEPTH_POOL, views.whole[1] // DEPTH_POOL)
    return DepthCells(views, size, token_px=PATCH * POOL)
