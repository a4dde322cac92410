"""Resizing as constants: interpolation matrices and taps that reproduce OpenCV's and PyTorch's resizers in a graph.

Sources: OpenCV's documented INTER_CUBIC (a = -0.75, border replicated, no antialias) and INTER_LINEAR for 8-bit
images (fixed point, 11 fractional bits); PyTorch's bilinear interpolation with align_corners=False. The numbers are
computed here once, at build time; the graph only multiplies and gathers.
"""

from dataclasses import dataclass

import numpy as np

FIXED_POINT_ONE = 2048
_CUBIC_A = -0.75


@dataclass(frozen=True)
class Taps:
    """Two source positions and their weights for each destination position: int64 [n], int64 [n], float64 [n] x2."""

    first: np.ndarray
    second: np.ndarray
    first_weight: np.ndarray
    second_weight: np.ndarray


def cubic_matrix(source: int, destination: int) -> np.ndarray:
    """Interpolation matrix float64 [destination, source] of OpenCV's INTER_CUBIC along one axis."""
    return cubic_matrix_at(_positions(source, destination), source)


def cubic_matrix_at(position: np.ndarray, source: int) -> np.ndarray:
    """Cubic interpolation matrix float64 [n, source] at source positions [n]; borders replicated, no antialias."""
    base = np.floor(position).astype(np.int64)
    fraction = (position - np.floor(position)).astype(np.float64)
    matrix = np.zeros((len(position), source))
    rows = np.arange(len(position))
    for offset in range(-1, 3):
        column = np.clip(base + offset, 0, source - 1)
        np.add.at(matrix, (rows, column), _cubic_weight(np.abs(fraction - offset)))
    return matrix


def bilinear_taps(source: int, destination: int) -> Taps:
    """Taps of PyTorch's bilinear interpolation (align_corners=False) along one axis: positions clamped at zero."""
    position = np.maximum(_positions(source, destination), 0.0)
    first = np.minimum(np.floor(position).astype(np.int64), source - 1)
    second = np.minimum(first + 1, source - 1)
    fraction = position - first
    return Taps(first, second, 1.0 - fraction, fraction)


def fixed_point_taps(source: int, destination: int, *, zero_border_fraction: bool) -> Taps:
    """Taps of OpenCV's 8-bit INTER_LINEAR along one axis; weights are whole numbers that add up to 2048.

    OpenCV zeroes the fraction where a column lies beyond the border, but only clamps the rows: pass
    ``zero_border_fraction=True`` for columns and ``False`` for rows. Its positions are single precision.
    """
    position = _positions(source, destination).astype(np.float32)
    base = np.floor(position).astype(np.int64)
    fraction = (position - base).astype(np.float32)
    if zero_border_fraction:
        beyond = (base < 0) | (base >= source - 1)
        fraction = np.where(beyond, np.float32(0), fraction)
    second_weight = np.rint(fraction * np.float32(FIXED_POINT_ONE)).astype(np.float64)
    first_weight = np.rint((np.float32(1) - fraction) * np.float32(FIXED_POINT_ONE)).astype(np.float64)
    first = np.clip(base, 0, source - 1)
    second = np.clip(base + 1, 0, source - 1)
    return Taps(first, second, first_weight, second_weight)


def _positions(source: int, destination: int) -> np.ndarray:
    return (np.arange(destination) + 0.5) * (source / destination) - 0.5


def _cubic_weight(distance: np.ndarray) -> np.ndarray:
    a, d = _CUBIC_A, distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))
