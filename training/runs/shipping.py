"""Writes trained weights as they ship: safetensors, kernels and matrices in half precision, the rest as it is."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from dgiqa_edge.runtime.ground.atomic import atomic_file


def ship(state: dict[str, Tensor], file: Path) -> None:
    """Write a state dict to ``file``.

    Vectors stay in float32: the variances of batch norm reach below the smallest half-precision number.
    """
    kept = {
        key: (value.half() if value.ndim > 1 and value.dtype == torch.float32 else value).contiguous()
        for key, value in state.items()
    }
    with atomic_file(file) as partial:
        save_file(kept, str(partial), metadata={"format": "pt"})
