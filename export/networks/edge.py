"""`edge`: depth and quality of a frame from one Depth Anything V2-Small encoder, run once per view.

Views (see `views.py`): the whole frame shrunk by area weighting to about 252x252 pixels of area with its aspect kept
(sides multiples of 28), and native 252x252 crops; both as RGB/255 with ImageNet's mean and deviation removed, as
:func:`views.whole_view` and :func:`views.crop_view` make them, without rounding to 8 bits. Depth is computed on the
whole view; the depth of a crop is the part of that map which the crop covers.

The encoder's keys are the published checkpoint's (``pretrained.*`` and ``depth_head.*``) and it stays frozen. The head
reads the four token sets that the depth head reads too: mean-pooled 2x2 into a coarse grid, and as mean, deviation and
class token. The head's parts are those of DGIQA (Ramesh et al., arXiv 2505.24002), sized for the edge: transformer-CNN
bridges on four stages, cross attention in which depth asks and colour answers, refinement by self-attention. Beside
them stands a branch on the features' statistics, which carry most of what a frozen encoder knows about quality.
Only the head is trained and shipped.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .depth_anything import CONFIGURATIONS, DepthAnything
from .depth_guidance import DepthCells, DepthGuidedAttention, DepthTokens, Regressor, frame_logits
from .dinov2 import PATCH, patch_grid
from .views import Size, ViewRule, Views, plan_views

STAGES = 4
WIDTH = 384
POOL = 2
STATISTICS = ("mean", "deviation", "class token")
DEPTH_POOL = 2
VIEW_RULE = ViewRule(whole_pixels=252 * 252, crop_side_px=252, step=PATCH * POOL)
_VARIANCE_FLOOR = 1e-6

BRIDGE_WIDTH = 48
TOKEN_WIDTH = 128
ATTENTION_HEADS = 4
STATISTICS_WIDTH = 256
VIEW_WIDTH = TOKEN_WIDTH + STATISTICS_WIDTH
HIDDEN_WIDTH = 128
SQUEEZE = 4
DEFAULT_FRAME: Size = (512, 512)


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


class Edge(nn.Module):
    """The encoder (published weights, frozen) and the head (trained here)."""

    depth_stride = 1
    reads_levels = False

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


class EdgeHead(nn.Module):
    """Scores views; what is learned about one view kind (whole frame, native crop) stays apart where that pays."""

    def __init__(self) -> None:
        super().__init__()
        self.whole = ViewReader()
        self.crop = ViewReader()
        self.whole_score = Regressor(3 * VIEW_WIDTH, HIDDEN_WIDTH)
        self.crop_score = Regressor(3 * VIEW_WIDTH, HIDDEN_WIDTH)

    def forward(
        self,
        whole_grid: Tensor,
        whole_statistics: Tensor,
        whole_depth: Tensor,
        crop_grid: Tensor,
        crop_statistics: Tensor,
        crop_depth: Tensor,
    ) -> Tensor:
        """Scores of B frames with N crops each: float32 [B, 1 + N], whole frame first; their mean is the frame's.

        Args:
            whole_grid: [B, 4, h, w, 384]; crop_grid: [B * N, 4, h', w', 384], a frame's crops side by side.
            whole_statistics, crop_statistics: [B, 4, 3, 384], [B * N, 4, 3, 384].
            whole_depth, crop_depth: standardised inverse depth on grids twice as fine, [B, 2h, 2w], [B * N, 2h', 2w'].
        """
        whole = self.whole(whole_grid, whole_statistics, whole_depth)
        crops = self.crop(crop_grid, crop_statistics, crop_depth)
        return torch.sigmoid(frame_logits(whole, crops, self.whole_score, self.crop_score))


class ViewReader(nn.Module):
    """Features and depth of V views to vectors [V, 384]."""

    grid_mean: Tensor
    grid_deviation: Tensor
    statistics_mean: Tensor
    statistics_deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Set from the training photos: features of a vision transformer differ in scale by orders of magnitude.
        self.register_buffer("grid_mean", torch.zeros(STAGES, WIDTH))
        self.register_buffer("grid_deviation", torch.ones(STAGES, WIDTH))
        self.register_buffer("statistics_mean", torch.zeros(STAGES, len(STATISTICS), WIDTH))
        self.register_buffer("statistics_deviation", torch.ones(STAGES, len(STATISTICS), WIDTH))
        self.bridges = nn.ModuleList(TransformerCnnBridge() for _ in range(STAGES))
        self.fuse = nn.Conv2d(STAGES * BRIDGE_WIDTH, TOKEN_WIDTH, kernel_size=1)
        self.depth_tokens = DepthTokens(TOKEN_WIDTH)
        self.depth_attention = DepthGuidedAttention(TOKEN_WIDTH, ATTENTION_HEADS)
        self.refinement = DepthGuidedAttention(TOKEN_WIDTH, ATTENTION_HEADS)
        self.statistics = nn.Linear(STAGES * len(STATISTICS) * WIDTH, STATISTICS_WIDTH)
        self.feature_dropout = nn.Dropout(0.3)
        self.dropout = nn.Dropout(0.3)

    def forward(self, grid: Tensor, statistics: Tensor, depth: Tensor) -> Tensor:
        """Grid [V, 4, h, w, 384], statistics [V, 4, 3, 384], depth [V, 2h, 2w] to [V, 384]."""
        deep = (statistics - self.statistics_mean) / self.statistics_deviation
        summary = torch.relu(self.statistics(self.feature_dropout(deep.flatten(1))))
        return self.dropout(torch.cat((self.depth_guided(grid, depth), summary), dim=1))

    def depth_guided(self, grid: Tensor, depth: Tensor) -> Tensor:
        """Grid [V, 4, h, w, 384] and depth [V, 2h, 2w] to [V, 128]."""
        bridged = []
        for stage, bridge in enumerate(self.bridges):
            centred = (grid[:, stage] - self.grid_mean[stage]) / self.grid_deviation[stage]
            bridged.append(bridge(centred.permute(0, 3, 1, 2)))
        image = self.fuse(torch.cat(bridged, dim=1)).flatten(2).transpose(1, 2)
        tokens = self.depth_attention(self.depth_tokens(depth), image)
        return self.refinement(tokens, tokens).mean(dim=1)


class TransformerCnnBridge(nn.Module):
    """A transformer stage as a convolutional map: [V, 384, h, w] to [V, 48, h, w]."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv2d(WIDTH, BRIDGE_WIDTH, kernel_size=1)
        self.squeeze = nn.Conv2d(BRIDGE_WIDTH, BRIDGE_WIDTH // SQUEEZE, kernel_size=1)
        self.excite = nn.Conv2d(BRIDGE_WIDTH // SQUEEZE, BRIDGE_WIDTH, kernel_size=1)
        self.mix = nn.Conv2d(BRIDGE_WIDTH, BRIDGE_WIDTH, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        projected = self.project(x)
        gate = torch.sigmoid(self.excite(torch.relu(self.squeeze(projected))))
        return torch.relu(self.mix(projected * gate))
