"""`nano`: depth, quality and faults of a frame from one small network, complete and shipped.

Views (see `views.py`): the whole frame shrunk by area weighting to about 192x192 pixels of area with its aspect kept
(sides multiples of 32), and native 160x160 crops; both as levels in the frame's own order of channels, the shrunk frame
rounded to whole ones, as a resized picture is. The normalisation is ``level / 128 - 1`` for every channel, so the first
convolution reads the frame's own bytes.

The idea is that of `edge`: one trunk that is trained for depth and for quality together, depth from a small decoder on
the whole view, quality from statistics of the trunk's maps. Beside score and depth it says what is wrong with a frame
and where: `fault_reader.py`. Only operators that quantize well carry the cost: convolutions with batch norm and ReLU6.
"""

import torch
from torch import Tensor, nn

from .fault_reader import FaultReader
from .lite_trunk import TAPS, LiteTrunk, ViewMaps, convolution, twice
from .statistics_reader import ScoreReader
from .views import Size, ViewRule, Views, plan_views

DEPTH_STRIDE = 4
VIEW_RULE = ViewRule(whole_pixels=192 * 192, crop_side_px=160, step=32)
DEFAULT_FRAME: Size = (512, 512)
FIGURES = 2 * sum(TAPS.values())
VIEW_WIDTH = 256
HIDDEN_WIDTH = 128
LEVELS_PER_UNIT = 128.0
_VARIANCE_FLOOR = 1e-5


class Nano(nn.Module):
    """The network that ships."""

    depth_stride = DEPTH_STRIDE
    reads_levels = True

    def __init__(self) -> None:
        super().__init__()
        self.trunk = LiteTrunk()
        self.depth_decoder = DepthDecoder()
        self.head = ScoreReader(FIGURES, VIEW_WIDTH, HIDDEN_WIDTH)
        self.faults = FaultReader(FIGURES)
        self.arrange(DEFAULT_FRAME)

    def arrange(self, frame: Size, crops: int = 1) -> Views:
        """Set the network up for frames of that height and width, and say which views it expects.

        Raises:
            ConfigurationError: the frame is smaller than one native crop.
        """
        self.views = plan_views(frame, VIEW_RULE, crops)
        self.faults.arrange(self.views.whole)
        return self.views

    def forward(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, ...]:
        """Score one frame.

        Args:
            whole: float32 [1, 3, h, w], BGR, the shrunk frame in whole levels 0..255.
            crops: float32 [N, 3, 160, 160], native crops in levels.

        Returns:
            score float32 [1] in [0, 1], 1 best, the mean of the view scores; view_scores float32 [1, 1 + N], whole
            frame first; depth float32 [1, h / 4, w / 4], relative inverse depth, larger is nearer; faults float32
            [1, 8] and coverage float32 [1, 4, 4, 8], probabilities.
        """
        maps = self.maps(whole)
        figures = map_statistics(maps), map_statistics(self.maps(crops))
        logits, faults, coverage, _ = self.read(*figures, maps.stride16, maps.stride32)
        view_scores = torch.sigmoid(logits)
        said = torch.sigmoid(faults), torch.sigmoid(coverage)
        return view_scores.mean(dim=1), view_scores, self.depth_decoder(maps), *said

    def maps(self, views: Tensor) -> ViewMaps:
        """Views in levels [V, 3, h, w] to their maps."""
        return self.trunk((views - LEVELS_PER_UNIT) * (1.0 / LEVELS_PER_UNIT))  # type: ignore[no-any-return]

    def read(self, whole: Tensor, crops: Tensor, stride16: Tensor, stride32: Tensor) -> tuple[Tensor, ...]:
        """What F frames' maps say, as logits: of the views [F, 1 + N], faults [F, 8], coverage [F, 4, 4, 8]; context.

        Args:
            whole: statistics of whole views [F, 736].
            crops: of crops [F * N, 736].
            stride16, stride32: the coarse maps of the whole views.
        """
        logits, context = self.head(whole, crops)
        return logits, *self.faults(whole, crops, stride16, stride32), context


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


def map_statistics(maps: ViewMaps) -> Tensor:
    """Mean of every channel of the four maps, then the deviation of each: [V, 736]."""
    means = [level.mean(dim=(2, 3), keepdim=True) for level in maps]
    centred = [level - mean for level, mean in zip(maps, means, strict=True)]
    variances = [(level * level).mean(dim=(2, 3)) for level in centred]
    deviations = (torch.cat(variances, dim=1) + _VARIANCE_FLOOR).sqrt()
    return torch.cat((torch.cat(means, dim=1).flatten(1), deviations), dim=1)
