"""Seeded weights: reproducible numbers for a network whose checkpoint is not at hand.

They make demonstrations, tests and latency figures possible without a download, and mean nothing: a score from
seeded weights is not a quality. Each entry depends on the seed and its own key only, never on PyTorch's generator,
the order of the keys, or the number of threads.
"""

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import nn

SPREAD = {
    "fc.weight": 6.0,
    "output_conv2.2.weight": 2.0,
    "faults.cells.weight": 20.0,
    "faults.frame.out.weight": 8.0,
}
"""Factors on last layers, by the end of their key: without them every image would get nearly the same output."""

OFFSETS = {
    "output_conv2.2.bias": 4.0,
}
"""Constants added to entries, by the end of their key: the depth head ends in a ReLU, which must not clip it all."""

_TOKENS = ("pos_embed", "cls_token", "mask_token", "relative_position_bias_table")


def seed_weights(module: "nn.Module", seed: str) -> None:
    """Fill every parameter and buffer in the state dict of ``module``, in place.

    Norms stay near the identity and matrices keep the variance of their input, so activations neither vanish nor
    explode, however deep the network.
    """
    import torch

    with torch.no_grad():
        for key, tensor in module.state_dict().items():
            values = seeded_array(key, tuple(tensor.shape), seed)
            tensor.copy_(torch.from_numpy(values))


def seeded_array(key: str, shape: tuple[int, ...], seed: str) -> np.ndarray:
    """The entry ``key`` of a seeded state dict: float32 (``num_batches_tracked``: int64) of that shape."""
    kind = key.rsplit(".", 1)[-1]
    if kind == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(f"{seed}:{key}".encode())))
    noise = generator.standard_normal(shape, dtype=np.float32)
    center, spread = _center_and_spread(kind, shape)
    values = noise * np.float32(spread * _by_ending(SPREAD, key, 1.0))
    return values + np.float32(center + _by_ending(OFFSETS, key, 0.0))


def _center_and_spread(kind: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Mean and standard deviation that keep a deep network's activations in range."""
    if kind in ("running_var", "statistics_deviation"):
        return 1.0, 0.0
    if kind == "gamma":
        return 0.4, 0.05
    if kind in _TOKENS:
        return 0.0, 0.3
    if len(shape) > 1:
        return 0.0, float(np.prod(shape[1:])) ** -0.5
    if kind == "weight":
        return 1.0, 0.05
    return 0.0, 0.05


def _by_ending(table: dict[str, float], key: str, default: float) -> float:
    return next((value for ending, value in table.items() if key.endswith(ending)), default)
