"""DGIQA: image quality in [0, 1] from an image and its depth map.

Built from the paper (Ramesh et al., arXiv 2505.24002): two Swin-T, transformer-CNN bridges at four scales, cross
attention in which depth asks and colour answers (Depth-CAR), a dilated convolution stack. State-dict keys are those
of the published checkpoints. Dropout stands where the published code has it and does nothing in inference.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import attend, merge_heads, project_heads, scaled, stacked
from .swin import DROP_PATH, STAGES, Stages, SwinT

SQUEEZE = 16
DROPOUT = 0.1


@dataclass(frozen=True)
class Sizes:
    """Widths of the network; the defaults are the published ones.

    Attributes:
        stages: of each Swin-T.
        bridges: width of the bridge of each stage, at least 16.
        heads: of the attention on all bridges together.
        head_width: of the dilated convolutions.
    """

    stages: Stages = STAGES
    bridges: tuple[int, ...] = (64, 128, 256, 512)
    heads: int = 16
    head_width: int = 1024


PUBLISHED = Sizes()


class DGIQA(nn.Module):
    """Scores image crops with their depth.

    Args:
        sizes: the published ones if none are given.
        dropout, drop_path: shares that training leaves out, of the features and of the Swin-T's last block.
    """

    def __init__(self, sizes: Sizes | None = None, dropout: float = DROPOUT, drop_path: float = DROP_PATH) -> None:
        super().__init__()
        sizes = sizes or PUBLISHED
        self.backbone = SwinT(sizes.stages, drop_path)
        self.depth_backbone = SwinT(sizes.stages, drop_path)
        for number, ((width, _, _), bridge) in enumerate(zip(sizes.stages, sizes.bridges, strict=True), start=1):
            self.add_module(f"tcb{number}", TransformerCnnBridge(width, bridge, dropout))
            self.add_module(f"tcb{number}_depth", TransformerCnnBridge(width, bridge, dropout))
        fused, head = sum(sizes.bridges), sizes.head_width
        self.depth_guided_cross_attention = CrossAttention(fused, sizes.heads, dropout)
        self.refinement_attention = RefinementAttention(fused, sizes.heads, dropout)
        self.dilated_stack = nn.Sequential(
            nn.Conv2d(fused, head, kernel_size=3, padding=2, dilation=2),
            nn.BatchNorm2d(head),
            nn.ReLU(),
            nn.Conv2d(head, head, kernel_size=3, padding=4, dilation=4),
            nn.BatchNorm2d(head),
            nn.ReLU(),
        )
        self.fc = nn.Linear(head, 1)

    def forward(self, x_rgb: Tensor, x_depth: Tensor) -> Tensor:
        """Score crops.

        Args:
            x_rgb: normalised RGB crops, float32 [N, 3, 224, 224].
            x_depth: normalised depth crops of the same places, the one channel repeated, float32 [N, 3, 224, 224].

        Returns:
            float32 [N], 1 best.
        """
        return self.scored(self.pooled(x_rgb, x_depth))

    def scored(self, pooled: Tensor) -> Tensor:
        """Features [N, head width] to scores [N]."""
        return torch.sigmoid(self.fc(pooled)).flatten()

    def pooled(self, x_rgb: Tensor, x_depth: Tensor) -> Tensor:
        """Crops as :meth:`forward` takes them to features [N, head width]."""
        image = self._fuse(self.backbone(x_rgb), "")
        depth = self._fuse(self.depth_backbone(x_depth), "_depth")
        side = image.shape[3]
        tokens = self.depth_guided_cross_attention(_tokens(depth), _tokens(image))
        tokens = self.refinement_attention(tokens)
        fused = tokens.transpose(1, 2).reshape(-1, tokens.shape[2], side, side)
        return F.adaptive_avg_pool2d(self.dilated_stack(fused), 1).flatten(1)

    def _fuse(self, maps: list[Tensor], suffix: str) -> Tensor:
        """Bridge the four NHWC maps and bring them to the smallest: [N, 960, 7, 7]."""
        smallest = maps[-1].shape[1]
        bridged = []
        for number, stage_map in enumerate(maps, start=1):
            bridge = self.get_submodule(f"tcb{number}{suffix}")
            factor = stage_map.shape[1] // smallest
            bridged.append(shrink_bilinear(bridge(stage_map.permute(0, 3, 1, 2)), factor))
        return torch.cat(bridged, dim=1)


class TransformerCnnBridge(nn.Module):
    """A transformer stage as a convolutional map: [N, C, h, w] to [N, bridge width, h, w]."""

    def __init__(self, width: int, bridge_width: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, bridge_width, kernel_size=1)
        self.attention = nn.Sequential(
            nn.Conv2d(bridge_width, bridge_width // SQUEEZE, kernel_size=1),
            nn.ReLU(),
            nn.Conv2d(bridge_width // SQUEEZE, bridge_width, kernel_size=1),
            nn.Sigmoid(),
        )
        self.conv2 = nn.Conv2d(bridge_width, bridge_width, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(bridge_width)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        projected = self.conv1(x)
        gated = projected * self.attention(projected)
        return self.dropout(torch.relu(self.norm(self.conv2(gated))))


class StackedProjections(nn.Module):
    """Multi-head attention of one token set on another, with the keys of ``nn.MultiheadAttention``."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = nn.Dropout(dropout)
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, asking: Tensor, answering: Tensor) -> Tensor:
        """[N, tokens, C] and [N, tokens, C] to [N, tokens, C]."""
        weight, bias = self.in_proj_weight, self.in_proj_bias
        head_width = asking.shape[2] // self.heads
        query = project_heads(asking, *scaled(*stacked(weight, bias, 0), head_width), self.heads)
        key = project_heads(answering, *stacked(weight, bias, 1), self.heads)
        value = project_heads(answering, *stacked(weight, bias, 2), self.heads)
        return self.out_proj(merge_heads(attend(query, key, value, dropout=self.dropout)))


class CrossAttention(nn.Module):
    """Depth tokens ask, image tokens answer; post-norm. [N, tokens, C] twice to [N, tokens, C]."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.multihead_attn = StackedProjections(width, heads, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.fc = _feed_forward(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, depth: Tensor, image: Tensor) -> Tensor:
        x = self.norm1(depth + self.dropout(self.multihead_attn(depth, image)))
        return self.norm2(x + self.dropout(self.fc(x)))


class RefinementAttention(nn.Module):
    """Self-attention, post-norm: [N, tokens, C] to [N, tokens, C]. Its keys carry the suffix ``_spatial``."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.multihead_attn_spatial = StackedProjections(width, heads, dropout)
        self.norm1_spatial = nn.LayerNorm(width)
        self.norm2_spatial = nn.LayerNorm(width)
        self.fc_spatial = _feed_forward(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1_spatial(x + self.dropout(self.multihead_attn_spatial(x, x)))
        return self.norm2_spatial(x + self.dropout(self.fc_spatial(x)))


def shrink_bilinear(x: Tensor, factor: int) -> Tensor:
    """Bilinear downscaling (align_corners=False) of [N, C, h, w] by 1 or an even ``factor``, exactly.

    The sample point of each ``factor`` x ``factor`` tile is its centre, so the result is the mean of the four
    central pixels: an average pool of 2 on a stride of ``factor``, and no resize in the graph.
    """
    if factor == 1:
        return x
    first = factor // 2 - 1
    return F.avg_pool2d(x[:, :, first:, first:], kernel_size=2, stride=factor)


def _feed_forward(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


def _tokens(x: Tensor) -> Tensor:
    """[N, C, h, w] to [N, h * w, C]."""
    return x.flatten(2).transpose(1, 2)
