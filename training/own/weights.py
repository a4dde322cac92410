"""The user's own weights file: the base's keys and numbers, but those of the last layers; it says whose it is."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.runtime.ground.atomic import atomic_file

from .features import last_layers
from .readout import Change

if TYPE_CHECKING:
    from torch import nn


def write_weights(module: "nn.Module", change: Change, file: Path, metadata: dict[str, str]) -> None:
    """Change the last layers of ``module``, the filled base network, and store it as safetensors.

    Matrices whose numbers half precision holds exactly are stored so, as those that ship are; nothing is rounded.
    """
    import torch
    from safetensors.torch import save_file

    with torch.no_grad():
        for number, layer in enumerate(last_layers(module).values()):
            old = layer.weight.double().numpy(), layer.bias.double().numpy()
            weight, bias = change.weights(number, *old)
            layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
            layer.bias.copy_(torch.from_numpy(bias))
    state = {}
    for key, value in module.state_dict().items():
        half = value.half() if value.ndim > 1 and value.dtype == torch.float32 else value
        state[key] = (half if torch.equal(half.to(value.dtype), value) else value).contiguous()
    with atomic_file(file) as partial:
        save_file(state, str(partial), metadata={"format": "pt", **metadata})
