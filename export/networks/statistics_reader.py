"""How heads read statistics of feature maps: standardised, half of them hidden from each step of training."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class StatisticsReader(nn.Module):
    """Statistics of V views, [V, *shape], to vectors [V, width].

    Args:
        shape: of a view's statistics.
        width: of the vectors.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, shape: Sequence[int], width: int) -> None:
        super().__init__()
        # Set from the training photos: channels differ in scale by orders of magnitude.
        self.register_buffer("mean", torch.zeros(*shape))
        self.register_buffer("deviation", torch.ones(*shape))
        self.feature_dropout = nn.Dropout(0.5)
        self.read = nn.Linear(self.mean.numel(), width)
        self.dropout = nn.Dropout(0.3)

    def forward(self, statistics: Tensor) -> Tensor:
        standard = ((statistics - self.mean) / self.deviation).flatten(1)
        return self.dropout(torch.relu(self.read(self.feature_dropout(standard))))
