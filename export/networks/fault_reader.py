"""What is wrong with a frame and where: probabilities of faults for the frame and for each cell of a 4x4 grid.

The faults are those of ``calibration/degradations/kinds.py``.
"""

import torch
from torch import Tensor, nn

from .lite_trunk import TAPS, convolution, twice
from .statistics_reader import StatisticsReader
from .views import Size, overlap_matrix

FAULTS = 8
COVERAGE_SIDE = 4
_STRIDE_PX = 16
_CELL_WIDTH = 64
_READ_WIDTH = 64


class FaultReader(nn.Module):
    """Statistics and coarse maps of F frames to logits of faults [F, 8] and of where they are [F, 4, 4, 8].

    Where a fault is not in the frame it is nowhere: the logits of the cells add to those of the frame. It shares no
    layer with the score: what tells faults apart is not what people mind.

    Args:
        figures: how many statistics a view has.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, figures: int) -> None:
        super().__init__()
        self.from16 = nn.Conv2d(TAPS[10], _CELL_WIDTH, kernel_size=1)
        self.from32 = nn.Conv2d(TAPS[14], _CELL_WIDTH, kernel_size=1)
        self.mix = convolution(_CELL_WIDTH, _CELL_WIDTH, kernel=3)
        self.cells = nn.Conv2d(_CELL_WIDTH, FAULTS, kernel_size=1)
        self.whole = StatisticsReader(figures, _READ_WIDTH)
        self.crop = StatisticsReader(figures, _READ_WIDTH)
        self.frame = nn.Linear(2 * _READ_WIDTH, FAULTS)

    def arrange(self, whole: Size) -> None:
        """Set the constants for whole views of that height and width."""
        for name, length in (("rows", whole[0] // _STRIDE_PX), ("columns", whole[1] // _STRIDE_PX)):
            share = torch.from_numpy(overlap_matrix(length, COVERAGE_SIDE, 0.0, float(length)))
            self.register_buffer(name, share if name == "rows" else share.T.contiguous(), persistent=False)

    def forward(self, whole: Tensor, crops: Tensor, stride16: Tensor, stride32: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the frames' faults and of their cells.

        Args:
            whole: statistics of whole views [F, figures].
            crops: of native crops [F * N, figures], a frame's crops side by side.
            stride16, stride32: maps of the whole views.
        """
        crop_vectors = self.crop(crops).reshape(whole.shape[0], -1, _READ_WIDTH)
        faults = self.frame(torch.cat((self.whole(whole), crop_vectors.mean(dim=1)), dim=1))
        image = self.mix(self.from16(stride16) + twice(self.from32(stride32)))
        local = self.rows @ self.cells(image) @ self.columns
        return faults, local.permute(0, 2, 3, 1) + faults[:, None, None, :]
