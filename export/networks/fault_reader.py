"""What is wrong with a frame and where: probabilities of faults for the frame and for each cell of a 4x4 grid.

The faults are those of ``calibration/degradations/kinds.py``.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .depth_guidance import Regressor
from .lite_trunk import convolution
from .views import overlap_matrix

FAULTS = 8
COVERAGE_SIDE = 4
_CELL_WIDTH = 48
_HIDDEN_WIDTH = 64


class FaultReader(nn.Module):
    """Image [F, C, h, w] and context [F, D] of F frames to logits of faults [F, 8] and of where they are [F, 4, 4, 8].

    Where a fault is not in the frame it is nowhere: the logits of the cells add to those of the frame. Each fault that
    is said takes its own, learned, never negative share from the logits of the score, so that what the score reads as
    detail cannot outweigh what is known for noise here. How faults are said is learned from faults alone.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, image_width: int, context_width: int) -> None:
        super().__init__()
        self.mix = convolution(image_width, _CELL_WIDTH)
        self.cells = nn.Conv2d(_CELL_WIDTH, FAULTS, kernel_size=1)
        self.frame = Regressor(context_width, _HIDDEN_WIDTH, FAULTS)
        self.severity = nn.Parameter(torch.zeros(FAULTS))

    def arrange(self, height: int, width: int) -> None:
        """Set the constants for images of that height and width."""
        for name, length in (("rows", height), ("columns", width)):
            share = torch.from_numpy(overlap_matrix(length, COVERAGE_SIDE, 0.0, float(length)))
            self.register_buffer(name, share if name == "rows" else share.T.contiguous(), persistent=False)

    def forward(self, image: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Image of whole views and context of their frames to logits, of the frame and of its cells."""
        local = self.rows @ self.cells(self.mix(image)) @ self.columns
        faults = self.frame(context)
        return faults, local.permute(0, 2, 3, 1) + faults[:, None, None, :]

    def taken(self, faults: Tensor) -> Tensor:
        """What faults, logits [F, 8], take from the logits of each view: [F, 1]."""
        said = torch.sigmoid(faults.detach())
        return (said * F.softplus(self.severity)).sum(dim=1, keepdim=True)
