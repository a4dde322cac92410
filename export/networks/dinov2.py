"""DINOv2 vision transformer (patch 14), as the encoder of Depth Anything.

Follows Oquab et al., "DINOv2" (2023), with the state-dict keys of its published checkpoints, mask token included. It
yields normed patch tokens of chosen blocks and nothing else: no class token, no registers, no head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.runtime.errors import ConfigurationError

from .attention import Mlp, SelfAttention
from .resampling import cubic_matrix_at

PATCH = 14
TRAINED_GRID = 37
"""Patches per side of the 518x518 images the position embedding was trained for."""
GRID_OFFSET = 0.1
"""The published code stretches the grid by (n + 0.1) / 37, not n / 37: leaving it out moves depth by a quarter."""
NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class EncoderSize:
    """Width, number of blocks and heads of a vision transformer."""

    width: int
    blocks: int
    heads: int


ENCODERS = {
    "vits": EncoderSize(width=384, blocks=12, heads=6),
    "vitb": EncoderSize(width=768, blocks=12, heads=12),
    "vitl": EncoderSize(width=1024, blocks=24, heads=16),
}


class Dinov2(nn.Module):
    """Normalised image to normed patch tokens of the blocks ``taken``."""

    def __init__(self, size: EncoderSize, taken: Sequence[int]) -> None:
        super().__init__()
        self.taken = tuple(taken)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, TRAINED_GRID**2 + 1, size.width))
        self.mask_token = nn.Parameter(torch.zeros(1, size.width))  # training only; checkpoints hold it
        self.patch_embed = PatchEmbed(size.width)
        self.blocks = nn.ModuleList(Block(size.width, size.heads) for _ in range(size.blocks))
        self.norm = nn.LayerNorm(size.width, eps=NORM_EPSILON)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Image [N, 3, h, w], sides multiples of 14, to one [N, h * w / 196, width] per taken block.

        Raises:
            ConfigurationError: a side is not a multiple of 14.
        """
        return [tokens[:, 1:] for tokens in self.normed_tokens(image)]

    def normed_tokens(self, image: Tensor) -> list[Tensor]:
        """As :meth:`forward`, the class token included as the first: [N, 1 + patches, width] per taken block."""
        rows, columns = patch_grid(image)
        patches = self.patch_embed(image)
        class_token = self.cls_token.expand(patches.shape[0], -1, -1)
        tokens = torch.cat((class_token, patches), dim=1) + self.position(rows, columns)
        taken = []
        for index, block in enumerate(self.blocks):
            tokens = block(tokens)
            if index in self.taken:
                taken.append(self.norm(tokens))
        return taken

    def position(self, rows: int, columns: int) -> Tensor:
        """Position embedding [1, 1 + rows * columns, width] for a grid of patches.

        Bicubic interpolation written as two products with constant matrices: in an exported graph only weights and
        constants meet here, and the simplifier folds them.
        """
        if rows == columns == TRAINED_GRID:
            return self.pos_embed
        width = self.pos_embed.shape[2]
        class_position, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        tall = torch.from_numpy(stretch_matrix(rows)) @ grid.reshape(TRAINED_GRID, TRAINED_GRID * width)
        by_column = tall.reshape(rows, TRAINED_GRID, width)
        stretched = torch.from_numpy(stretch_matrix(columns)) @ by_column
        return torch.cat((class_position, stretched.reshape(1, rows * columns, width)), dim=1)


class PatchEmbed(nn.Module):
    """Image [N, 3, h, w] to tokens [N, h * w / 196, width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, kernel_size=PATCH, stride=PATCH)

    def forward(self, image: Tensor) -> Tensor:
        return self.proj(image).flatten(2).transpose(1, 2)


class Block(nn.Module):
    """Pre-norm attention and MLP, each scaled per channel before its residual: [N, tokens, width] to the same."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.attn = SelfAttention(width, heads)
        self.ls1 = LayerScale(width)
        self.norm2 = nn.LayerNorm(width, eps=NORM_EPSILON)
        self.mlp = Mlp(width)
        self.ls2 = LayerScale(width)

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        return tokens + self.ls2(self.mlp(self.norm2(tokens)))


class LayerScale(nn.Module):
    """One learned factor per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gamma


def patch_grid(image: Tensor) -> tuple[int, int]:
    """Rows and columns of patches of an image [N, 3, h, w].

    Raises:
        ConfigurationError: a side is not a multiple of 14.
    """
    height, width = int(image.shape[2]), int(image.shape[3])
    if height % PATCH or width % PATCH or not height or not width:
        raise ConfigurationError(f"depth input {height}x{width}: both sides must be multiples of {PATCH}")
    return height // PATCH, width // PATCH


@lru_cache(maxsize=32)
def stretch_matrix(patches: int) -> np.ndarray:
    """Bicubic interpolation matrix float32 [patches, 37] along one axis, with the published scale.

    Borders are replicated, nothing is antialiased, and the kernel's a is -0.75, as in PyTorch's bicubic; positions
    are single precision there, and so they are here.
    """
    step = np.float32(TRAINED_GRID / (patches + GRID_OFFSET))
    position = (np.arange(patches, dtype=np.float32) + np.float32(0.5)) * step - np.float32(0.5)
    return cubic_matrix_at(position, TRAINED_GRID).astype(np.float32)
