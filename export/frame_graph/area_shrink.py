"""Area-weighted shrinking of a camera frame whose cost follows the pixels read, not the product of both sizes.

The matrix that shrinks an axis repeats itself: with ``g`` the greatest common divisor of both lengths, each of ``g``
stretches of the source makes its own stretch of the destination, always by the same small matrix. So the product with
one dense matrix is ``g`` products with a small one.
"""

from dataclasses import dataclass
from math import gcd

import numpy as np
import torch
from torch import Tensor, nn

from ..networks.views import IMAGENET_MEAN, IMAGENET_STD, Size, shrink_matrix

LANES = 16
"""A product with fewer columns than this costs a processor as much as one with so many."""
WIDEST_STRETCH = 64
"""Columns beyond which a product on interleaved channels, two thirds of it zeros, costs more than it saves."""


@dataclass(frozen=True)
class Colours:
    """What becomes of the shrunk channels: ``channels`` float32 [3, 3] takes BGR to the output's, less ``offsets``."""

    channels: np.ndarray
    offsets: np.ndarray

    @classmethod
    def normalised(cls) -> "Colours":
        """RGB with ImageNet's mean and deviation removed."""
        mean, deviation = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)
        return cls(np.diag(1.0 / (255.0 * deviation))[::-1].astype(np.float32), mean / deviation)

    @classmethod
    def kept(cls) -> "Colours":
        """BGR levels as they are."""
        return cls(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))


class AreaShrink(nn.Module):
    """BGR levels float32 [N, H, W, 3] to [N, 3, h, w], shrunk, in other colours.

    The same numbers as two products with :func:`shrink_matrix`, but for the last bits of float32. Channels lie side by
    side to the end, as in the frame: kernels for convolutions in INT8 want them so, and undo the last transposition.
    """

    rows: Tensor
    columns: Tensor
    channels: Tensor
    offsets: Tensor

    def __init__(self, source: Size, destination: Size, colours: Colours) -> None:
        super().__init__()
        self.source, self.destination = source, destination
        down, across = (gcd(*lengths) for lengths in zip(source, destination, strict=True))
        width = destination[1] // across
        while 3 * width < LANES and across % 2 == 0:
            across, width = across // 2, 2 * width
        rows = shrink_matrix(source[0] // down, destination[0] // down)
        columns = shrink_matrix(source[1] // across, width).T
        self.interleaved = 3 * width <= WIDEST_STRETCH
        if self.interleaved:
            columns = np.kron(columns, colours.channels)
        # A whole line of offsets: kernels are slow where three values repeat.
        line = np.tile(colours.offsets, destination[1])
        self.shifts = bool(line.any())
        for name, values in (("rows", rows), ("columns", columns), ("channels", colours.channels), ("offsets", line)):
            self.register_buffer(name, torch.from_numpy(np.array(values, np.float32)), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """The frames shrunk."""
        if self.interleaved:
            # First along the rows of memory: the frame as it lies is the left side of a product with a constant.
            narrow = torch.matmul(pixels.reshape(-1, self.columns.shape[0]), self.columns)
            shrunk = self._fewer_rows(narrow, self.destination[1])
        else:
            few = self._fewer_rows(pixels, self.source[1]).reshape(-1, self.source[1], 3).transpose(1, 2)
            planes = torch.matmul(few.reshape(-1, self.columns.shape[0]), self.columns)
            bgr = planes.reshape(-1, 3, self.destination[1]).transpose(1, 2)
            shrunk = torch.matmul(bgr, self.channels).reshape(-1, len(self.offsets))
        shrunk = shrunk - self.offsets if self.shifts else shrunk
        return shrunk.reshape(-1, *self.destination, 3).permute(0, 3, 1, 2)

    def _fewer_rows(self, levels: Tensor, width: int) -> Tensor:
        """Interleaved levels of H rows for each frame to [N * h, width * 3]."""
        if self.source[0] != self.destination[0]:
            levels = torch.matmul(self.rows, levels.reshape(-1, self.rows.shape[1], width * 3))
        return levels.reshape(-1, width * 3)
