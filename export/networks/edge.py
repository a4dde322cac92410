"""`edge`: depth and quality of a frame from one Depth Anything V2-Small encoder, run once per view.

Views (see `views.py`): the whole frame shrunk by area weighting to about 252x252 pixels of area with its aspect kept
(sides multiples of 28), and native 252x252 crops; both as RGB/255 with ImageNet's mean and deviation removed, as
:func:`views.whole_view` and :func:`views.crop_view` make them, without rounding to 8 bits. Depth is computed on the
whole view.

The encoder's keys are the published checkpoint's (``pretrained.*`` and ``depth_head.*``) and it stays frozen. The head
reads statistics of the four token sets that the depth head reads too: mean and deviation over the patches, and class
token. That is what is left here of the idea of DGIQA (Ramesh et al., arXiv 2505.24002): quality is read from a network
that was trained for depth. Its bridges, its attention in which depth asks and colour answers, and the depth map itself
added nothing that could be measured beside these statistics (`training/cards/edge.md`), and are not here.
Only the head is trained and shipped.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from .depth_anything import CONFIGURATIONS, DepthAnything
from .dinov2 import PATCH, patch_grid
from .statistics_reader import ScoreReader
from .views import Size, ViewRule, Views, plan_views

STAGES = 4
WIDTH = 384
STATISTICS = ("mean", "deviation", "class token")
FIGURES = STAGES * len(STATISTICS) * WIDTH
VIEW_RULE = ViewRule(whole_pixels=252 * 252, crop_side_px=252, step=2 * PATCH)
_VARIANCE_FLOOR = 1e-6

MEMBERS = 3
VIEW_WIDTH = 256
HIDDEN_WIDTH = 128
DEFAULT_FRAME: Size = (512, 512)


class EdgeEncoder(DepthAnything):
    """Depth Anything V2-Small that also gives its class tokens."""

    def __init__(self) -> None:
        super().__init__(CONFIGURATIONS["vits"], version=2)

    def tokens(self, views: Tensor) -> list[Tensor]:
        """Normalised views [V, 3, h, w], sides multiples of 28, to four normed [V, 1 + patches, 384], class first."""
        return self.pretrained.normed_tokens(views)

    def depth(self, tokens: list[Tensor], rows: int, columns: int) -> Tensor:
        """Relative inverse depth [V, 14 rows, 14 columns] of the views those tokens came from."""
        return self.depth_head([stage[:, 1:] for stage in tokens], rows, columns)


def token_statistics(tokens: list[Tensor]) -> Tensor:
    """Four token sets [V, 1 + patches, 384] to mean and deviation over all patches, and class token: [V, 4, 3, 384]."""
    statistics = []
    for stage in tokens:
        class_token, patches = stage[:, 0], stage[:, 1:]
        centred = patches - patches.mean(dim=1, keepdim=True)
        deviation = (centred.square().mean(dim=1) + _VARIANCE_FLOOR).sqrt()
        statistics.append(torch.stack((patches.mean(dim=1), deviation, class_token), dim=1))
    return torch.stack(statistics, dim=1)


class Edge(nn.Module):
    """The encoder (published weights, frozen) and the head (trained here)."""

    depth_stride = 1
    reads_levels = False

    def __init__(self) -> None:
        super().__init__()
        self.encoder = EdgeEncoder()
        self.head = EdgeHead()
        self.views = plan_views(DEFAULT_FRAME, VIEW_RULE)

    def arrange(self, frame: Size, crops: int = 1) -> Views:
        """Set the network up for frames of that height and width, and say which views it expects.

        Raises:
            ConfigurationError: the frame is smaller than one native crop.
        """
        self.views = plan_views(frame, VIEW_RULE, crops)
        return self.views

    def forward(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Score one frame.

        Args:
            whole: float32 [1, 3, h, w], the shrunk frame, normalised.
            crops: float32 [N, 3, 252, 252], native crops, normalised.

        Returns:
            score float32 [1] in [0, 1], 1 best, the mean of the view scores; view_scores float32 [1, 1 + N], whole
            frame first; depth float32 [1, h, w], relative inverse depth.
        """
        tokens = self.encoder.tokens(whole)
        depth = self.encoder.depth(tokens, *patch_grid(whole))
        read = [token_statistics(of).flatten(1) for of in (tokens, self.encoder.tokens(crops))]
        logits, _ = self.head(*read)
        view_scores = torch.sigmoid(logits)
        return view_scores.mean(dim=1), view_scores, depth


class EdgeHead(ScoreReader):
    """Scores views; the part that is trained here and ships.

    Args:
        members: heads that were trained apart and stand side by side in one, so that their logits are averaged
            (:func:`joined`); 1 to train one.
    """

    def __init__(self, members: int = MEMBERS) -> None:
        super().__init__(FIGURES, members * VIEW_WIDTH, members * HIDDEN_WIDTH)


def joined(heads: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """One head of the weights of several, each of one member: its logits are the mean of theirs.

    Raises:
        ValueError: they standardise statistics differently: they were trained on other photos.
    """
    first = heads[0]
    found = {}
    for key, value in first.items():
        of_all = [head[key] for head in heads]
        if key.endswith(("mean", "deviation")):
            if not all(torch.allclose(one, value) for one in of_all):
                raise ValueError(f"{key} differs: the heads were trained on other photos")
            found[key] = value
        elif key.endswith("hidden.weight"):
            # its input is three vectors, each with all members side by side
            parts = zip(*(one.chunk(3, dim=1) for one in of_all), strict=True)
            found[key] = torch.cat([torch.block_diag(*part) for part in parts], dim=1)
        elif key.endswith("out.weight"):
            found[key] = torch.cat(of_all, dim=1) / len(heads)
        elif key.endswith("out.bias"):
            found[key] = torch.stack(of_all).mean(dim=0)
        else:
            found[key] = torch.cat(of_all)
    return found
