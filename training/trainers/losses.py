"""Losses of score prediction: distance to the human score, correlation within the batch, and order within pairs."""

from torch import Tensor
from torch.nn import functional as F


def correlation_loss(predicted: Tensor, human: Tensor) -> Tensor:
    """``(1 - r) / 2`` with Pearson's ``r`` over the batch [B]."""
    a, b = predicted - predicted.mean(), human - human.mean()
    r = (a * b).sum() / (a.square().sum() * b.square().sum()).clamp_min(1e-12).sqrt()
    return (1.0 - r) / 2.0


def order_loss(predicted: Tensor, human: Tensor, least_gap: float = 0.05) -> Tensor:
    """Logistic loss on all pairs of the batch [B] whose human scores differ by more than ``least_gap``."""
    gap = human[:, None] - human[None, :]
    clear = gap > least_gap
    if not bool(clear.any()):
        return predicted.sum() * 0.0
    difference = predicted[:, None] - predicted[None, :]
    return F.softplus(-10.0 * difference[clear]).mean()


def ladder_loss(of_photo: Tensor, most: Tensor, clearer: Tensor, worse: Tensor, margins: Tensor) -> Tensor:
    """Copies [P] that score above ``most`` of their photos, and copies [S] that are not ``margins`` below clearer ones.

    Both weigh the same; either may be empty.
    """
    loss = of_photo.sum() * 0.0 + worse.sum() * 0.0
    if len(of_photo):
        loss = loss + F.relu(of_photo - most).mean()
    if len(worse):
        loss = loss + F.relu(worse - clearer + margins).mean()
    return loss


def score_loss(predicted: Tensor, human: Tensor, correlation: float = 0.3, order: float = 0.1) -> Tensor:
    """Mean squared error, with the two others weighed in; scores [B] in [0, 1]."""
    error = F.smooth_l1_loss(predicted, human, beta=0.1) * 2.0
    return error + correlation * correlation_loss(predicted, human) + order * order_loss(predicted, human)


def views_loss(views: Tensor, human: Tensor) -> Tensor:
    """Score loss of the mean over the views, and of each view with a quarter of the weight; views [B, V], human [B]."""
    loss = score_loss(views.mean(dim=1), human)
    for view in views.unbind(dim=1):
        loss = loss + 0.25 * score_loss(view, human)
    return loss


def depth_loss(predicted: Tensor, teacher: Tensor) -> Tensor:
    """Distance of depth maps [B, h, w] after each is standardised (scale and shift mean nothing), edges counted too."""
    a, b = _standard(predicted), _standard(teacher)
    distance = (a - b).abs().mean()
    across = ((a[:, :, 1:] - a[:, :, :-1]) - (b[:, :, 1:] - b[:, :, :-1])).abs().mean()
    down = ((a[:, 1:] - a[:, :-1]) - (b[:, 1:] - b[:, :-1])).abs().mean()
    return distance + across + down


def _standard(depth: Tensor) -> Tensor:
    centred = depth - depth.mean(dim=(1, 2), keepdim=True)
    return centred / (centred.square().mean(dim=(1, 2), keepdim=True).sqrt() + 1e-3)
