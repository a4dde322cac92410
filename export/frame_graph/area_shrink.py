"""Area-weighted shrinking of a camera frame whose cost follows the pixels read, not the product of both sizes.

The matrix that shrinks an axis repeats itself: with ``g`` the greatest common divisor of both lengths, each of ``g``
stretches of the source makes its own stretch of the destination, always by the same small matrix. So the product with
one dense matrix is ``g`` products with a small one.
"""

from math import gcd

import numpy as np
import torch
from torch import Tensor, nn

from ..networks.views import Size, shrink_matrix

LANES = 16
"""A product with fewer columns than this costs a processor as much as one with so many."""
WIDEST_STRETCH = 64
"""Columns beyond which a product on interleaved channels, two thirds of it zeros, costs more than it saves."""


class AreaShrink(nn.Module):
    """BGR levels float32 [1, H, W, 3] to RGB levels [1, 3, h, w].

    The same numbers as two products with :func:`shrink_matrix`, but for the last bits of float32.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, source: Size, destination: Size) -> None:
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
            columns = np.kron(columns, np.eye(3, dtype=np.float32)[::-1])
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.register_buffer("columns", torch.from_numpy(columns.copy()), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """The frame shrunk."""
        if self.interleaved:
            # First along the rows of memory: the frame as it lies is the left side of a product with a constant.
            narrow = torch.matmul(pixels.reshape(-1, self.columns.shape[0]), self.columns)
            return self._fewer_rows(narrow, self.destination[1]).permute(0, 3, 1, 2)
        few = self._fewer_rows(pixels, self.source[1]).permute(0, 3, 1, 2)
        planes = torch.matmul(few.reshape(-1, self.columns.shape[0]), self.columns)
        return planes.reshape(1, 3, *self.destination)[:, [2, 1, 0]]

    def _fewer_rows(self, levels: Tensor, width: int) -> Tensor:
        """Interleaved levels of H rows to [1, h, width, 3]."""
        stretches = levels.reshape(-1, self.rows.shape[1], width * 3)
        return torch.matmul(self.rows, stretches).reshape(1, self.destination[0], width, 3)
