"""The quality head of `edge`: encoder features and depth of a frame's views to scores.

The parts are those of DGIQA (Ramesh et al., arXiv 2505.24002), sized for the edge: transformer-CNN bridges on four
stages, cross attention in which depth asks and colour answers, refinement by self-attention. Beside them stands a
branch on the features' statistics, which carry most of what a frozen encoder knows about quality. This is the part
of `edge` that is trained and shipped; the encoder is `edge_encoder.py`.
"""

import torch
from torch import Tensor, nn

from .depth_guidance import DepthGuidedAttention, DepthTokens, Regressor, frame_logits
from .edge_encoder import STAGES, STATISTICS, WIDTH

BRIDGE_WIDTH = 48
TOKEN_WIDTH = 128
ATTENTION_HEADS = 4
STATISTICS_WIDTH = 256
VIEW_WIDTH = TOKEN_WIDTH + STATISTICS_WIDTH
HIDDEN_WIDTH = 128
SQUEEZE = 4


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
        logits = self.logits(whole_grid, whole_statistics, whole_depth, crop_grid, crop_statistics, crop_depth)
        return torch.sigmoid(logits)

    def logits(
        self,
        whole_grid: Tensor,
        whole_statistics: Tensor,
        whole_depth: Tensor,
        crop_grid: Tensor,
        crop_statistics: Tensor,
        crop_depth: Tensor,
    ) -> Tensor:
        """As :meth:`forward`, before the sigmoid."""
        whole = self.whole(whole_grid, whole_statistics, whole_depth)
        crops = self.crop(crop_grid, crop_statistics, crop_depth)
        return frame_logits(whole, crops, self.whole_score, self.crop_score)


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
