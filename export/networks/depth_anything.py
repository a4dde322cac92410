"""Depth Anything V1 and V2: relative inverse depth of an image, at the image's size.

A DINOv2 encoder and a DPT head (Ranftl et al. 2021), after Yang et al., "Depth Anything" (2024) and "Depth Anything
V2" (2024). The two versions differ in the encoder blocks they read and in nothing else, state-dict keys included.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .dinov2 import ENCODERS, PATCH, Dinov2, EncoderSize, patch_grid

OUTPUT_WIDTH = 32


@dataclass(frozen=True)
class Configuration:
    """Encoder and head of one size.

    Attributes:
        features: channels of the head's fusion path.
        out_channels: channels of the four token maps, finest first.
        blocks_v2: encoder blocks that version 2 reads; version 1 reads the last four.
    """

    encoder: EncoderSize
    features: int
    out_channels: tuple[int, int, int, int]
    blocks_v2: tuple[int, int, int, int]

    def blocks(self, version: int) -> tuple[int, ...]:
        """Indices of the encoder blocks that ``version`` (1 or 2) reads."""
        if version == 2:
            return self.blocks_v2
        return tuple(range(self.encoder.blocks - 4, self.encoder.blocks))


CONFIGURATIONS = {
    "vits": Configuration(ENCODERS["vits"], 64, (48, 96, 192, 384), (2, 5, 8, 11)),
    "vitb": Configuration(ENCODERS["vitb"], 128, (96, 192, 384, 768), (2, 5, 8, 11)),
    "vitl": Configuration(ENCODERS["vitl"], 256, (256, 512, 1024, 1024), (4, 11, 17, 23)),
}


class DepthAnything(nn.Module):
    """Normalised image to relative inverse depth."""

    def __init__(self, configuration: Configuration, version: int) -> None:
        super().__init__()
        self.pretrained = Dinov2(configuration.encoder, configuration.blocks(version))
        self.depth_head = DptHead(configuration.encoder.width, configuration.features, configuration.out_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Image float32 [N, 3, h, w], sides multiples of 14, to depth float32 [N, h, w], never negative.

        Raises:
            ConfigurationError: a side is not a multiple of 14.
        """
        rows, columns = patch_grid(image)
        return self.depth_head(self.pretrained(image), rows, columns)


def of_size(encoder: str, version: int) -> DepthAnything:
    """The network of that size: ``vits``, ``vitb`` or ``vitl``."""
    return DepthAnything(CONFIGURATIONS[encoder], version)


class DptHead(nn.Module):
    """Patch tokens of four blocks to one map."""

    def __init__(self, width: int, features: int, out_channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        first, second, _, fourth = out_channels
        self.projects = nn.ModuleList(nn.Conv2d(width, channels, 1) for channels in out_channels)
        self.resize_layers = nn.ModuleList(
            (
                nn.ConvTranspose2d(first, first, kernel_size=4, stride=4),
                nn.ConvTranspose2d(second, second, kernel_size=2, stride=2),
                nn.Identity(),
                nn.Conv2d(fourth, fourth, kernel_size=3, stride=2, padding=1),
            )
        )
        self.scratch = FusionPath(features, out_channels)

    def forward(self, features: list[Tensor], rows: int, columns: int) -> Tensor:
        """Tokens [N, rows * columns, width] of four blocks, shallow first, to [N, 14 * rows, 14 * columns]."""
        maps = []
        for tokens, project, resize in zip(features, self.projects, self.resize_layers, strict=True):
            grid = tokens.transpose(1, 2).reshape(-1, tokens.shape[2], rows, columns)
            maps.append(resize(project(grid)))
        return self.scratch(maps, rows, columns)


class FusionPath(nn.Module):
    """Token maps at 4, 2, 1 and 1/2 of the patch grid's scale, fused from the coarsest to the finest."""

    def __init__(self, features: int, channels: tuple[int, int, int, int]) -> None:
        super().__init__()
        for number, width in enumerate(channels, start=1):
            narrow = nn.Conv2d(width, features, kernel_size=3, padding=1, bias=False)
            self.add_module(f"layer{number}_rn", narrow)
        for number in range(1, 5):
            self.add_module(f"refinenet{number}", FusionBlock(features))
        self.output_conv1 = nn.Conv2d(features, features // 2, kernel_size=3, padding=1)
        self.output_conv2 = nn.Sequential(
            nn.Conv2d(features // 2, OUTPUT_WIDTH, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(OUTPUT_WIDTH, 1, kernel_size=1),
            nn.ReLU(),
        )

    def forward(self, maps: list[Tensor], rows: int, columns: int) -> Tensor:
        """Four maps [N, C, h, w], finest first, to [N, 14 * rows, 14 * columns]."""
        path: Tensor | None = None
        for number, scale in ((4, 1), (3, 2), (2, 4), (1, 8)):
            stage_map = self.get_submodule(f"layer{number}_rn")(maps[number - 1])
            size = (scale * rows, scale * columns)
            path = self.get_submodule(f"refinenet{number}")(stage_map, path, size)
        image_size = (PATCH * rows, PATCH * columns)
        return self.output_conv2(_enlarge(self.output_conv1(path), image_size))[:, 0]


class FusionBlock(nn.Module):
    """Adds a finer map to the path and enlarges the sum."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.out_conv = nn.Conv2d(features, features, kernel_size=1)
        self.resConfUnit1 = ResidualUnit(features)  # unused where the path begins; checkpoints hold it all the same
        self.resConfUnit2 = ResidualUnit(features)

    def forward(self, stage_map: Tensor, path: Tensor | None, size: tuple[int, int]) -> Tensor:
        """``stage_map`` and ``path`` (``None`` at the coarsest), both [N, features, h, w], to [N, features, *size]."""
        joined = stage_map if path is None else path + self.resConfUnit1(stage_map)
        return self.out_conv(_enlarge(self.resConfUnit2(joined), size))


class ResidualUnit(nn.Module):
    """Two convolutions, each behind a ReLU, and a residual: [N, features, h, w] to the same."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(features, features, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(torch.relu(self.conv1(torch.relu(x))))


def _enlarge(x: Tensor, size: tuple[int, int]) -> Tensor:
    return F.interpolate(x, size=size, mode="bilinear", align_corners=True)
