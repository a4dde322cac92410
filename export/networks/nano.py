"""`nano`: depth, quality and faults of a frame from one small network, complete and shipped.

Views (see `views.py`): the whole frame shrunk by area weighting to about 192x192 pixels of area with its aspect kept
(sides multiples of 32), and native 160x160 crops; both as RGB/255 with ImageNet's mean and deviation removed, as
:func:`views.whole_view` and :func:`views.crop_view` make them, without rounding to 8 bits. The idea is that of `edge`:
one trunk, depth from a small decoder on the whole view, quality guided by depth. Beside them it says what is wrong with
a frame and where (`fault_reader.py`). Only operators that quantize well carry the cost: convolutions with batch norm
and ReLU6.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .depth_guidance import DepthCells, DepthGuidedAttention, DepthTokens, Regressor, frame_logits, map_tokens
from .fault_reader import FaultReader
from .lite_trunk import TAPS, LiteTrunk, ViewMaps, convolution, twice
from .views import Size, ViewRule, Views, plan_views

TOKEN_PX = 16
DEPTH_STRIDE = 4
VIEW_RULE = ViewRule(whole_pixels=192 * 192, crop_side_px=160, step=32)
DEFAULT_FRAME: Size = (512, 512)
TOKEN_WIDTH = 64
ATTENTION_HEADS = 4
STATISTICS_WIDTH = 128
VIEW_WIDTH = TOKEN_WIDTH + STATISTICS_WIDTH
HIDDEN_WIDTH = 64
DROPOUT = 0.2
_VARIANCE_FLOOR = 1e-5


class NanoParts(nn.Module):
    """What `nano` and `nano` 2 have in common: trunk, depth decoder, one quality reader per view kind."""

    depth_stride = DEPTH_STRIDE

    def __init__(self, make_faults: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.trunk = LiteTrunk()
        self.depth_decoder = DepthDecoder()
        self.whole = ViewReader()
        self.crop = ViewReader()
        self.whole_score = Regressor(3 * VIEW_WIDTH, HIDDEN_WIDTH)
        self.crop_score = Regressor(3 * VIEW_WIDTH, HIDDEN_WIDTH)
        self.faults = make_faults()
        self.arrange(DEFAULT_FRAME)

    def arrange(self, frame: Size, crops: int = 1) -> Views:
        """Set the network up for frames of that height and width, and say which views it expects.

        Raises:
            ConfigurationError: the frame is smaller than one native crop.
        """
        self.views = plan_views(frame, VIEW_RULE, crops)
        self.depth_cells = depth_cells(self.views)
        self.faults.arrange(self.views.whole)  # type: ignore[operator]
        return self.views


class Nano(NanoParts):
    """The network that ships."""

    reads_levels = False

    def __init__(self) -> None:
        super().__init__(lambda: FaultReader(2 * sum(TAPS.values())))

    def forward(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, ...]:
        """Score one frame.

        Args:
            whole: float32 [1, 3, h, w], the shrunk frame, normalised.
            crops: float32 [N, 3, 160, 160], native crops, normalised.

        Returns:
            score float32 [1] in [0, 1], 1 best, the mean of the view scores; view_scores float32 [1, 1 + N], whole
            frame first; depth float32 [1, h / 4, w / 4], relative inverse depth, larger is nearer; faults float32
            [1, 8] and coverage float32 [1, 4, 4, 8], probabilities.
        """
        maps, crop_maps = self.trunk(whole), self.trunk(crops)
        logits, depth = self.read(maps, crop_maps)
        view_scores = torch.sigmoid(logits)
        said = (torch.sigmoid(of) for of in self.read_faults(maps, crop_maps))
        return view_scores.mean(dim=1), view_scores, depth, *said

    def read_faults(self, whole: ViewMaps, crops: ViewMaps) -> tuple[Tensor, Tensor]:
        """Maps of F frames and of their F * N crops to logits of faults [F, 8] and of where they are [F, 4, 4, 8]."""
        figures = (torch.cat(level_figures(of), dim=1) for of in (whole, crops))
        return self.faults(*figures, whole.stride16, whole.stride32)  # type: ignore[no-any-return]

    def read(self, whole: ViewMaps, crops: ViewMaps) -> tuple[Tensor, Tensor]:
        """Maps of F frames and of their F * N crops to view logits [F, 1 + N] and depth [F, h / 4, w / 4]."""
        depth = self.depth_decoder(whole)
        whole_depth, crop_depth = self.depth_cells(depth)
        whole_vector = self.whole(whole, whole_depth)
        crop_vectors = self.crop(crops, crop_depth)
        return frame_logits(whole_vector, crop_vectors, self.whole_score, self.crop_score), depth


class DepthDecoder(nn.Module):
    """Maps of whole views to relative inverse depth at stride 4; a feature pyramid from coarse to fine."""

    def __init__(self) -> None:
        super().__init__()
        stride4, stride8, stride16, stride32 = TAPS.values()
        self.from32 = nn.Conv2d(stride32, 64, kernel_size=1)
        self.from16 = nn.Conv2d(stride16, 64, kernel_size=1)
        self.mix16 = nn.Sequential(convolution(64, 64, kernel=3), convolution(64, 48))
        self.from8 = nn.Conv2d(stride8, 48, kernel_size=1)
        self.mix8 = nn.Sequential(convolution(48, 48, kernel=3), convolution(48, 32))
        self.from4 = nn.Conv2d(stride4, 32, kernel_size=1)
        self.mix4 = nn.Sequential(convolution(32, 32, kernel=3, groups=32), convolution(32, 32))
        self.out = nn.Conv2d(32, 1, kernel_size=3, padding=1)

    def forward(self, maps: ViewMaps) -> Tensor:
        x = twice(self.from32(maps.stride32)) + self.from16(maps.stride16)
        x = twice(self.mix16(x)) + self.from8(maps.stride8)
        x = twice(self.mix8(x)) + self.from4(maps.stride4)
        return self.out(self.mix4(x))[:, 0]


class ViewReader(nn.Module):
    """Maps and depth of V views to vectors [V, 192]."""

    statistics_mean: Tensor
    statistics_deviation: Tensor
    stored_order: Tensor

    def __init__(self) -> None:
        super().__init__()
        statistics = 2 * sum(TAPS.values())
        self.register_buffer("stored_order", stored_order(), persistent=False)
        # Set from the training photos; batch norm would need more photos per step than memory has room for.
        self.register_buffer("statistics_mean", torch.zeros(statistics))
        self.register_buffer("statistics_deviation", torch.ones(statistics))
        self.from16 = nn.Conv2d(TAPS[10], TOKEN_WIDTH, kernel_size=1)
        self.from32 = nn.Conv2d(TAPS[14], TOKEN_WIDTH, kernel_size=1)
        self.bridge = nn.Sequential(
            convolution(TOKEN_WIDTH, TOKEN_WIDTH, kernel=3, groups=TOKEN_WIDTH),
            convolution(TOKEN_WIDTH, TOKEN_WIDTH, linear=True),
        )
        self.depth_tokens = DepthTokens(TOKEN_WIDTH)
        self.depth_attention = DepthGuidedAttention(TOKEN_WIDTH, ATTENTION_HEADS)
        self.refinement = DepthGuidedAttention(TOKEN_WIDTH, ATTENTION_HEADS)
        self.statistics = nn.Linear(statistics, STATISTICS_WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, maps: ViewMaps, depth: Tensor) -> Tensor:
        """Maps and standardised depth [V, h / 8, w / 8] of views [V, 3, h, w]."""
        return self.vector(maps, self.image(maps), depth)

    def image(self, maps: ViewMaps) -> Tensor:
        """What depth asks about: [V, 64, h / 16, w / 16]."""
        return self.bridge(self.from16(maps.stride16) + twice(self.from32(maps.stride32)))  # type: ignore[no-any-return]

    def vector(self, maps: ViewMaps, image: Tensor, depth: Tensor) -> Tensor:
        """The same as :meth:`forward`, of an image that is made already."""
        order = self.stored_order
        summary = torch.cat(level_figures(maps), dim=1) - self.statistics_mean[order]
        summary = self.dropout(summary / self.statistics_deviation[order])
        summary = torch.relu(F.linear(summary, self.statistics.weight[:, order], self.statistics.bias))
        tokens = self.depth_attention(self.depth_tokens(depth), map_tokens(image))
        guided = self.refinement(tokens, tokens).mean(dim=1)
        return self.dropout(torch.cat((guided, summary), dim=1))


def level_figures(maps: ViewMaps) -> tuple[Tensor, Tensor]:
    """Mean and deviation of every channel of the four maps, each [V, 368]."""
    means = [level.mean(dim=(2, 3), keepdim=True) for level in maps]
    centred = [level - mean for level, mean in zip(maps, means, strict=True)]
    variances = [(level * level).mean(dim=(2, 3)) for level in centred]
    return torch.cat(means, dim=1).flatten(1), (torch.cat(variances, dim=1) + _VARIANCE_FLOOR).sqrt()


def map_statistics(maps: ViewMaps) -> Tensor:
    """The same level by level, means before deviations, as checkpoints store what belongs to them: [V, 736]."""
    return torch.cat(level_figures(maps), dim=1)[:, stored_order().argsort()]


def stored_order() -> Tensor:
    """Where :func:`map_statistics` has all means, then all deviations: int64 [736]."""
    ends = np.cumsum([width for width in TAPS.values() for _ in range(2)])
    numbers = np.split(np.arange(ends[-1]), ends[:-1])
    return torch.from_numpy(np.concatenate((*numbers[::2], *numbers[1::2])))


def depth_cells(views: Views) -> DepthCells:
    """The constants that cut the depth map of the whole view to the views."""
    size = (views.whole[0] // DEPTH_STRIDE, views.whole[1] // DEPTH_STRIDE)
    return DepthCells(views, size, token_px=TOKEN_PX)
