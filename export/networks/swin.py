"""Swin-T as a feature extractor for 224x224 images, with every window operation a constant.

Follows Liu et al., "Swin Transformer" (2021), with the state-dict keys of timm's features-only model; it is not a
classifier and knows one input size. Cyclic shift and window partition are one gather over tokens, the relative
position bias and the shift mask one added constant: a graph without roll, loops or data-dependent shapes.
"""

from functools import cache
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from .attention import Mlp, attend, merge_heads, project_heads, scaled, stacked

IMAGE_SIDE = 224
WINDOW = 7
AREA = WINDOW * WINDOW
SHIFT = WINDOW // 2
PATCH = 4
MASKED = -100.0

Stages = tuple[tuple[int, int, int], ...]
"""Width, heads and number of blocks of each stage."""

STAGES: Stages = ((96, 3, 2), (192, 6, 2), (384, 12, 6), (768, 24, 2))
DROP_PATH = 0.1


class SwinT(nn.Module):
    """Four feature maps of an image: [N, 3, 224, 224] to NHWC maps of side 56, 28, 14, 7 (no final norm).

    Args:
        drop_path: share of images for which training leaves out the last block; before it, evenly less down to none.
    """

    def __init__(self, stages: Stages = STAGES, drop_path: float = DROP_PATH) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed(stages[0][0])
        self.sides = [IMAGE_SIDE // PATCH >> stage for stage in range(len(stages))]
        shares = iter(np.linspace(0.0, drop_path, sum(blocks for _, _, blocks in stages)).tolist())
        for index, (width, heads, blocks) in enumerate(stages):
            merges = index > 0
            stage = Stage(width, heads, list(islice(shares, blocks)), self.sides[index], merges)
            self.add_module(f"layers_{index}", stage)

    def forward(self, image: Tensor) -> list[Tensor]:
        tokens = self.patch_embed(image)
        maps = []
        for index, side in enumerate(self.sides):
            tokens = self.get_submodule(f"layers_{index}")(tokens)
            maps.append(tokens.reshape(-1, side, side, tokens.shape[2]))
        return maps


class PatchEmbed(nn.Module):
    """Image [N, 3, 224, 224] to tokens [N, 3136, width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(width)

    def forward(self, image: Tensor) -> Tensor:
        return self.norm(self.proj(image).flatten(2).transpose(1, 2))


class Stage(nn.Module):
    """Optional halving of the side, then blocks with plain and shifted windows in turn."""

    def __init__(self, width: int, heads: int, drop_paths: list[float], side: int, merges: bool) -> None:
        super().__init__()
        self.downsample = PatchMerging(width // 2, 2 * side) if merges else None
        self.blocks = nn.ModuleList(
            Block(width, heads, side, SHIFT if index % 2 and side > WINDOW else 0, share)
            for index, share in enumerate(drop_paths)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        if self.downsample is not None:
            tokens = self.downsample(tokens)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class PatchMerging(nn.Module):
    """Each 2x2 of tokens becomes one of twice the width: [N, side**2, C] to [N, side**2 / 4, 2C]."""

    order: Tensor

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        grid = np.arange(side * side).reshape(side // 2, 2, side // 2, 2)
        order = grid.transpose(0, 2, 3, 1).reshape(-1)  # within a 2x2, the row runs fastest
        self.register_buffer("order", torch.from_numpy(order), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        gathered = tokens.index_select(1, self.order)
        return self.reduction(self.norm(gathered.reshape(-1, tokens.shape[1] // 4, 4 * tokens.shape[2])))


class Block(nn.Module):
    """Pre-norm windowed attention and MLP, each with a residual, on tokens [N, side**2, width]."""

    def __init__(self, width: int, heads: int, side: int, shift: int, drop_path: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, side, shift)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.drop_path = StochasticDepth(drop_path)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.drop_path(self.attn(self.norm1(tokens)))
        return tokens + self.drop_path(self.mlp(self.norm2(tokens)))


class StochasticDepth(nn.Module):
    """Training leaves a branch [N, tokens, width] out for that share of the images and scales it up for the others."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training or self.share == 0.0:
            return branch
        kept = torch.rand(branch.shape[0], 1, 1, device=branch.device) >= self.share
        return branch * kept / (1.0 - self.share)


class WindowAttention(nn.Module):
    """Attention within 7x7 windows of the (cyclically shifted) map, tokens in image order before and after.

    Plain windows are alike and stand on the batch axis. Shifted ones have a mask each: they share the heads' axis,
    so that logits stay rank 4 and bias and mask are one constant.
    """

    to_windows: Tensor
    to_image: Tensor
    bias_index: Tensor
    mask: Tensor | None

    def __init__(self, width: int, heads: int, side: int, shift: int) -> None:
        super().__init__()
        self.heads = heads
        self.windows = (side // WINDOW) ** 2
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * WINDOW - 1) ** 2, heads))
        order = window_order(side, shift)
        self._constant("to_windows", order)
        self._constant("to_image", np.argsort(order))
        self._constant("bias_index", relative_position_index().reshape(-1))
        self._constant("mask", shift_mask(side, shift) if shift else None)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens [N, side**2, width] to the same shape."""
        width = tokens.shape[2]
        windows = tokens.index_select(1, self.to_windows).reshape(-1, AREA, width)
        weight, bias = self.qkv.weight, self.qkv.bias
        head_width = width // self.heads
        query = self._heads(windows, *scaled(*stacked(weight, bias, 0), head_width))
        key = self._heads(windows, *stacked(weight, bias, 1))
        value = self._heads(windows, *stacked(weight, bias, 2))
        mixed = attend(query, key, value, self.logit_bias()).reshape(-1, self.heads, AREA, head_width)
        merged = merge_heads(mixed).reshape(-1, tokens.shape[1], width)
        return self.proj(merged.index_select(1, self.to_image))

    def logit_bias(self) -> Tensor:
        """Relative position bias [1, heads, 49, 49]; with the shift mask [1, windows * heads, 49, 49]."""
        table = self.relative_position_bias_table.index_select(0, self.bias_index)
        bias = table.reshape(1, AREA, AREA, self.heads).permute(0, 3, 1, 2)
        if self.mask is None:
            return bias
        return (bias + self.mask.unsqueeze(1)).reshape(1, -1, AREA, AREA)

    def _heads(self, windows: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """[N * windows, 49, width] to the rank-4 layout of :meth:`logit_bias`, head width last."""
        heads = project_heads(windows, weight, bias, self.heads)
        if self.mask is None:
            return heads
        return heads.reshape(-1, self.windows * self.heads, AREA, heads.shape[3])

    def _constant(self, name: str, array: np.ndarray | None) -> None:
        tensor = None if array is None else torch.from_numpy(array.copy())  # the originals are shared
        self.register_buffer(name, tensor, persistent=False)


@cache
def window_order(side: int, shift: int) -> np.ndarray:
    """Image index int64 [side**2] of each token, in the order window by window of the shifted map."""
    grid = np.roll(np.arange(side * side).reshape(side, side), (-shift, -shift), axis=(0, 1))
    return _by_window(grid).reshape(-1)


@cache
def shift_mask(side: int, shift: int) -> np.ndarray:
    """Float32 [windows, 49, 49]: -100 between tokens that the cyclic shift brought together from opposite edges."""
    edges = np.repeat(np.arange(3), (side - WINDOW, WINDOW - shift, shift))
    regions = _by_window(3 * edges[:, None] + edges[None, :])
    apart = regions[:, :, None] != regions[:, None, :]
    return np.where(apart, np.float32(MASKED), np.float32(0))


@cache
def relative_position_index() -> np.ndarray:
    """Row int64 [49, 49] of the bias table for each pair of tokens in a window."""
    rows, columns = np.divmod(np.arange(AREA), WINDOW)
    row_steps = rows[:, None] - rows[None, :] + WINDOW - 1
    column_steps = columns[:, None] - columns[None, :] + WINDOW - 1
    return row_steps * (2 * WINDOW - 1) + column_steps


def _by_window(grid: np.ndarray) -> np.ndarray:
    """[side, side] to [windows, 49]."""
    count = grid.shape[0] // WINDOW
    return grid.reshape(count, WINDOW, count, WINDOW).transpose(0, 2, 1, 3).reshape(count * count, -1)
