"""The user's own weights file: the base's keys and numbers, but those of the last layers; it says whose it is."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.export.weights.checkpoint_files import metadata_of
from dgiqa_edge.runtime.ground.atomic import atomic_file

from .features import last_layers
from .readout import Change

if TYPE_CHECKING:
    from torch import nn


def write_weights(module: "nn.Module", change: Change, file: Path, metadata: dict[str, str]) -> None:
    """Change the last layers of ``module``, the filled base network, and store it as safetensors.

    Matrices whose numbers half precision holds exactly are stored so, as those that ship are; nothing is rounded. A
    file that says the same already is left: written anew it may have another order, and a build would start over.
    """
    import torch
    from safetensors.torch import load_file, save_file

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
    metadata = {"format": "pt", **metadata}
    if file.is_file() and dict(metadata_of(file)) == metadata:
        there = load_file(str(file))
        if there.keys() == state.keys() and all(torch.equal(there[key], value) for key, value in state.items()):
            return
    with atomic_file(file) as partial:
        save_file(state, str(partial), metadata=metadata)
