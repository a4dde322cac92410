"""Arithmetic of INT8 grids: which real numbers the 256 integers of a tensor stand for.

Affine for unsigned activations, symmetric for signed activations and for weights (per channel), as the ONNX
QuantizeLinear and DequantizeLinear operators define them: ``real = (integer - zero_point) * scale``.
"""

from dataclasses import dataclass

import numpy as np

SIGNED_LEVELS = 127
UNSIGNED_LEVELS = 255
UNSIGNED_WEIGHT_ZERO = 128
_INT32_LEVELS = 2**31 - 1
_SMALLEST_SCALE = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class ActivationGrid:
    """Per-tensor grid: ``scale`` (a float32 value), ``zero_point``, and whether the integers are unsigned."""

    scale: float
    zero_point: int
    unsigned: bool

    @property
    def dtype(self) -> type[np.uint8] | type[np.int8]:
        return np.uint8 if self.unsigned else np.int8


def activation_grid(low: float, high: float, *, unsigned: bool) -> ActivationGrid:
    """Grid that covers ``[low, high]`` and stands for zero exactly.

    Unsigned grids use the range as it is (widened to hold zero); signed ones are symmetric about zero with
    zero point 0, which TensorRT demands.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return ActivationGrid(1.0, 0, unsigned)
    if not unsigned:
        return ActivationGrid(_float32_scale(max(-low, high) / SIGNED_LEVELS), 0, unsigned)
    scale = _float32_scale((high - low) / UNSIGNED_LEVELS)
    zero_point = int(np.clip(round(-low / scale), 0, UNSIGNED_LEVELS))
    return ActivationGrid(scale, zero_point, unsigned)


def weight_scales(weight: np.ndarray, axis: int) -> np.ndarray:
    """Symmetric scale of every channel along ``axis``: float32 [channels]; an all-zero channel gets 1."""
    others = tuple(index for index in range(weight.ndim) if index != axis)
    largest = np.abs(weight.astype(np.float64)).max(axis=others)
    scales = np.where(largest > 0, np.maximum(largest / SIGNED_LEVELS, _SMALLEST_SCALE), 1.0)
    return scales.astype(np.float32)


def widen_for_bias(scales: np.ndarray, activation_scale: float, bias: np.ndarray) -> np.ndarray:
    """Widen weight scales until ``bias / (activation_scale * scale)`` fits int32; float32 [channels].

    A channel whose weights are (nearly) zero would otherwise wrap its bias around, or round it to nothing.
    """
    magnitude = np.abs(bias.astype(np.float64))
    needed = magnitude / (float(activation_scale) * _INT32_LEVELS * 0.5)
    return np.maximum(scales, np.maximum(needed, 0.0)).astype(np.float32)


def quantize_weight(weight: np.ndarray, scales: np.ndarray, axis: int, *, unsigned: bool = False) -> np.ndarray:
    """Integers of ``weight`` on its channels' grids, same shape, round half to even.

    int8 in +-127 with zero point 0, or ``unsigned`` uint8 of the very same grid with zero point 128.
    """
    shape = [1] * weight.ndim
    shape[axis] = -1
    values = np.clip(np.rint(weight / scales.reshape(shape)), -SIGNED_LEVELS, SIGNED_LEVELS)
    return (values + UNSIGNED_WEIGHT_ZERO).astype(np.uint8) if unsigned else values.astype(np.int8)


def quantize_bias(bias: np.ndarray, activation_scale: float, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int32 bias and its float32 scales, the products of the activation's and the weight channels' scales."""
    bias_scales = (np.float32(activation_scale) * scales).astype(np.float32)
    return np.rint(bias.astype(np.float64) / bias_scales).astype(np.int32), bias_scales


def _float32_scale(scale: float) -> float:
    return float(np.float32(max(scale, _SMALLEST_SCALE)))
