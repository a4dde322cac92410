"""Parts that the quality heads of `edge` and `nano` have in common: statistics, depth tokens, attention.

Depth-guided attention follows DGIQA (Ramesh et al., arXiv 2505.24002): depth asks, colour answers. Plain MatMul and
Softmax, so that every backend runs it. Also the constants that cut a frame's depth map to its views.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import attend, scaled
from .views import Size, Views, overlap_matrix

DETAIL = 2
"""Depth cells per token cell along an axis."""
_NORM_EPSILON = 1e-5
_SPREAD_FLOOR = 1e-3


class DepthCells(nn.Module):
    """Depth map of the whole view to the depth that each view's head reads, by products with constant matrices.

    Args:
        views: the frame's views.
        depth_size: height and width of the depth map, which covers the whole frame.
        token_px: side in view pixels of one token of the head.
    """

    def __init__(self, views: Views, depth_size: Size, token_px: int) -> None:
        super().__init__()
        height, width = depth_size
        cell = token_px // DETAIL
        self.boxes = len(views.crops)
        self._constant("rows_0", overlap_matrix(height, views.whole[0] // cell, 0.0, float(height)))
        self._constant("columns_0", overlap_matrix(width, views.whole[1] // cell, 0.0, float(width)).T)
        down, across = height / views.frame[0], width / views.frame[1]
        for number, (top, left, box_height, box_width) in enumerate(views.crops, start=1):
            rows = overlap_matrix(height, box_height // cell, top * down, (top + box_height) * down)
            columns = overlap_matrix(width, box_width // cell, left * across, (left + box_width) * across)
            self._constant(f"rows_{number}", rows)
            self._constant(f"columns_{number}", columns.T)

    def forward(self, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Depth [F, h, w] of F frames, standardised and cut: whole [F, 2 rows, 2 columns], crops [F * N, ...]."""
        centred = depth - depth.mean(dim=(1, 2), keepdim=True)
        spread = (centred * centred).mean(dim=(1, 2), keepdim=True).sqrt()
        standard = centred / (spread + _SPREAD_FLOOR)
        crops = [self._part(standard, number) for number in range(1, self.boxes + 1)]
        return self._part(standard, 0), torch.stack(crops, dim=1).flatten(0, 1)

    def _part(self, depth: Tensor, number: int) -> Tensor:
        rows, columns = self.get_buffer(f"rows_{number}"), self.get_buffer(f"columns_{number}")
        return torch.matmul(torch.matmul(rows, depth), columns)

    def _constant(self, name: str, matrix: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(np.ascontiguousarray(matrix)), persistent=False)


class DepthTokens(nn.Module):
    """Depth [V, 2h, 2w] to tokens [V, h * w, width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shrink = nn.Conv2d(1, width // 4, kernel_size=4, stride=2, padding=1)
        self.widen = nn.Conv2d(width // 4, width, kernel_size=3, padding=1)

    def forward(self, depth: Tensor) -> Tensor:
        return map_tokens(self.widen(torch.relu(self.shrink(depth.unsqueeze(1)))))


def map_tokens(maps: Tensor) -> Tensor:
    """Maps [V, C, h, w] to tokens [V, h * w, C]; written so that kernels with channels last have nothing to move."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


class DepthGuidedAttention(nn.Module):
    """Multi-head attention and a small feed-forward part, each behind a residual and a norm: [V, tokens, width].

    Refinement is the same block asking itself.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        self.norm1 = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self.norm2 = nn.LayerNorm(width, eps=_NORM_EPSILON)
        self.widen = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, asking: Tensor, answering: Tensor) -> Tensor:
        # Tokens of all views in one row of rows: layers between products then need no reshaping.
        asked, answered = asking.flatten(0, 1), answering.flatten(0, 1)
        weight, bias = scaled(self.query.weight, self.query.bias, asking.shape[2] // self.heads)
        query = self._heads(F.linear(asked, weight, bias), asking)
        key = self._heads(self.key(answered), answering)
        value = self._heads(self.value(answered), answering)
        mixed = attend(query, key, value).transpose(1, 2).reshape(asked.shape)
        x = self.norm1(asked + self.out(mixed))
        return self.norm2(x + self.narrow(torch.relu(self.widen(x)))).reshape(asking.shape)

    def _heads(self, projected: Tensor, tokens: Tensor) -> Tensor:
        """[V * tokens, width] to [V, heads, tokens, head width]."""
        return projected.reshape(-1, tokens.shape[1], self.heads, projected.shape[1] // self.heads).transpose(1, 2)


class StatisticsReader(nn.Module):
    """Statistics of V views, [V, *shape], to vectors [V, width]; half of them are hidden from each step of training.

    Args:
        shape: of a view's statistics.
        width: of the vectors.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: Sequence[int], width: int) -> None:
        super().__init__()
        # Set from the training photos: channels differ in scale by orders of magnitude.
        self.register_buffer("mean", torch.zeros(*shape))
        self.register_buffer("deviation", torch.ones(*shape))
        self.feature_dropout = nn.Dropout(0.5)
        self.read = nn.Linear(self.mean.numel(), width)
        self.dropout = nn.Dropout(0.3)

    def forward(self, statistics: Tensor) -> Tensor:
        standard = ((statistics - self.mean) / self.deviation).flatten(1)
        return self.dropout(torch.relu(self.read(self.feature_dropout(standard))))


class Regressor(nn.Module):
    """A view's vector and its frame's context to a logit, or several: [..., width] to [..., outputs]."""

    def __init__(self, width: int, hidden: int, outputs: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.out = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(x)))


def frame_logits(whole: Tensor, crops: Tensor, whole_score: nn.Module, crop_score: nn.Module) -> Tensor:
    """Logits [B, 1 + N] from vectors of whole views [B, C] and crops [B * N, C]; each sees its frame's context."""
    crops = crops.reshape(whole.shape[0], -1, whole.shape[1])
    context = torch.cat((whole, crops.mean(dim=1)), dim=1)
    whole_logit = whole_score(torch.cat((whole, context), dim=1))
    spread = context.unsqueeze(1).expand(-1, crops.shape[1], -1)
    crop_logits = crop_score(torch.cat((crops, spread), dim=2))
    return torch.cat((whole_logit, crop_logits.flatten(1)), dim=1)
