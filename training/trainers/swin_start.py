"""Begins DGIQA before training: random weights, and both Swin-T from ImageNet weights where there is a file of them.

Two published forms of the file are read: Microsoft's (``swin_tiny_patch4_window7_224.pth``), in which a stage ends with
the merging of its patches, and timm's (``model.safetensors``), in which the next one begins with it.
"""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from dgiqa_edge.export.networks.dgiqa import DGIQA, StackedProjections
from dgiqa_edge.export.networks.swin import WindowAttention
from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.runtime.ground.error_text import telling_line

DEVIATION = 0.02
_LAYER = re.compile(r"layers\.(\d+)\.(downsample)?")


def draw(network: DGIQA) -> None:
    """Draw in place what needs another start than PyTorch's: as Swin and ``nn.MultiheadAttention`` have it."""
    for swin in (network.backbone, network.depth_backbone):
        for part in swin.modules():
            if isinstance(part, nn.Linear):
                nn.init.trunc_normal_(part.weight, std=DEVIATION)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)
            elif isinstance(part, WindowAttention):
                nn.init.trunc_normal_(part.relative_position_bias_table, std=DEVIATION)
    for part in network.modules():
        if isinstance(part, StackedProjections):
            nn.init.xavier_uniform_(part.in_proj_weight)
            nn.init.zeros_(part.out_proj.bias)


def start_from_swin(network: DGIQA, weights: Path) -> None:
    """Fill both Swin-T with the same ImageNet weights, as the published code does.

    Raises:
        CheckpointError: the file is missing or is not Swin-T of 224x224.
    """
    if not weights.is_file():
        raise CheckpointError(
            f"{weights} is missing: it is Swin-T (patch 4, window 7, 224) as Microsoft or timm publish it; "
            "leave `swin` out to start from random weights"
        )
    try:
        stored = _stored(weights)
        merged_at_end = any(key.startswith("layers.0.downsample.") for key in stored)
        named = {_named(key, merged_at_end): value.float() for key, value in stored.items()}
        for swin in (network.backbone, network.depth_backbone):
            swin.load_state_dict({key: named[key] for key in swin.state_dict()})
    except (KeyError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"{weights} is not Swin-T (patch 4, window 7, 224): {telling_line(error)}") from None


def _stored(file: Path) -> dict[str, Tensor]:
    if file.suffix == ".safetensors":
        return dict(load_file(file))
    content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return dict(content.get("model", content))


def _named(key: str, merged_at_end: bool) -> str:
    """The name here of a stored entry."""

    def layer(found: re.Match[str]) -> str:
        moved = merged_at_end and found[2] is not None
        return f"layers_{int(found[1]) + moved}.{found[2] or ''}"

    return _LAYER.sub(layer, key, count=1)
