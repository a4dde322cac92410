"""What the quality heads of `edge` and `nano` have in common: they read statistics of feature maps.

Mean and deviation of every channel over a view say how sharp, noisy or flat it is, wherever that is; half of them are
hidden from each step of training. Nothing else that was tried beside them added to agreement with people: see the
ablations in the cards.
"""

import torch
from torch import Tensor, nn


class StatisticsReader(nn.Module):
    """Statistics of V views, [V, figures], to vectors [V, width].

    Args:
        figures: how many statistics a view has.
        width: of the vectors.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, figures: int, width: int) -> None:
        super().__init__()
        # Set from the training photos: channels differ in scale by orders of magnitude.
        self.register_buffer("mean", torch.zeros(figures))
        self.register_buffer("deviation", torch.ones(figures))
        self.feature_dropout = nn.Dropout(0.5)
        self.read = nn.Linear(figures, width)
        self.dropout = nn.Dropout(0.3)

    def forward(self, statistics: Tensor) -> Tensor:
        standard = (statistics - self.mean) / self.deviation
        return self.dropout(torch.relu(self.read(self.feature_dropout(standard))))


class Regressor(nn.Module):
    """A vector to a logit, or several: [..., width] to [..., outputs]."""

    def __init__(self, width: int, hidden: int, outputs: int = 1) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, hidden)
        self.out = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.hidden(x)))


class ScoreReader(nn.Module):
    """Statistics of whole views [F, figures] and of crops [F * N, figures] to what is said of F frames.

    What is learned about one kind of view stays apart; each view is judged beside what its frame's views show.
    """

    def __init__(self, figures: int, width: int, hidden: int) -> None:
        super().__init__()
        self.whole = StatisticsReader(figures, width)
        self.crop = StatisticsReader(figures, width)
        self.whole_score = Regressor(3 * width, hidden)
        self.crop_score = Regressor(3 * width, hidden)

    def forward(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the views, whole frame first, [F, 1 + N], and context of the frames [F, 2 * width].

        Args:
            whole: statistics of whole views, [F, figures].
            crops: of native crops, [F * N, figures], a frame's crops side by side.
        """
        whole_vector = self.whole(whole)
        crop_vectors = self.crop(crops).reshape(whole.shape[0], -1, whole_vector.shape[1])
        context = torch.cat((whole_vector, crop_vectors.mean(dim=1)), dim=1)
        whole_logit = self.whole_score(torch.cat((whole_vector, context), dim=1))
        spread = context.unsqueeze(1).expand(-1, crop_vectors.shape[1], -1)
        crop_logits = self.crop_score(torch.cat((crop_vectors, spread), dim=2))
        return torch.cat((whole_logit, crop_logits.flatten(1)), dim=1), context
