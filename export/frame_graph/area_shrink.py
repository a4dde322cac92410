"""Area-weighted shrinking of a camera frame whose cost follows the pixels read, not the product of both sizes.

The matrix that shrinks an axis repeats itself: with ``g`` the greatest common divisor of both lengths, each of ``g``
stretches of the source makes its own stretch of the destination, always by the same small matrix. So the product with
one dense matrix is ``g`` products with a small one.
"""

from math import gcd

import torch
from torch import Tensor, nn

from ..networks.views import Size, shrink_matrix


class AreaShrink(nn.Module):
    """Levels float32 [1, H, W, 3] to [1, 3, h, w], channels in the same order.

    The same numbers as two products with :func:`shrink_matrix`, but for the last bits of float32.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, source: Size, destination: Size) -> None:
        super().__init__()
        self.source, self.destination = source, destination
        down, across = (gcd(*lengths) for lengths in zip(source, destination, strict=True))
        rows = shrink_matrix(source[0] // down, destination[0] // down)
        columns = shrink_matrix(source[1] // across, destination[1] // across)
        self.register_buffer("rows", torch.from_numpy(rows), persistent=False)
        self.register_buffer("columns", torch.from_numpy(columns).T.contiguous(), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """The frame shrunk."""
        height, width = self.destination
        # It stays interleaved until its rows are few: transposing it whole costs as much as the network.
        stretches = pixels.reshape(-1, self.rows.shape[1], self.source[1] * 3)
        planes = torch.matmul(self.rows, stretches).reshape(height, self.source[1], 3).permute(2, 0, 1)
        return torch.matmul(planes.reshape(-1, self.columns.shape[0]), self.columns).reshape(1, 3, height, width)
