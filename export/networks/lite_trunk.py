"""The trunk of `nano`: EfficientNet-Lite0 without its last stage and classifier, as four maps of a view.

After Tan and Le (2019) and the Lite variants of 2020: inverted bottlenecks with ReLU6 and no squeeze-excitation, so
that 8-bit activations lose little. Padding is symmetric (TensorFlow's is not): maps shift by a pixel at most. Weights
trained on ImageNet start it (see ``training/trainers/imagenet_start.py``).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

NORM_EPSILON = 1e-3
STEM_WIDTH = 32
TAPS = {2: 24, 4: 40, 10: 112, 14: 192}


@dataclass(frozen=True)
class Stage:
    """Consecutive blocks of one width; only the first has the stride."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    width: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
)
"""Blocks whose outputs the heads read (strides 4, 8, 16, 32) and their widths."""


@dataclass(frozen=True)
class ViewMaps:
    """Maps of V views at strides 4, 8, 16 and 32: [V, 24 | 40 | 112 | 192, h, w]."""

    stride4: Tensor
    stride8: Tensor
    stride16: Tensor
    stride32: Tensor

    def float(self) -> "ViewMaps":
        """The same in float32."""
        return ViewMaps(*(level.float() for level in self))

    def __iter__(self) -> Iterator[Tensor]:
        return iter((self.stride4, self.stride8, self.stride16, self.stride32))


class LiteTrunk(nn.Module):
    """Normalised views to four maps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = convolution(3, STEM_WIDTH, kernel=3, stride=2)
        blocks: list[nn.Module] = []
        width = STEM_WIDTH
        for stage in STAGES:
            for number in range(stage.blocks):
                stride = stage.stride if number == 0 else 1
                blocks.append(InvertedBottleneck(width, stage.width, stage.kernel, stride, stage.expansion))
                width = stage.width
        self.blocks = nn.ModuleList(blocks)

    def forward(self, views: Tensor) -> ViewMaps:
        """Views float32 [V, 3, h, w], sides multiples of 32."""
        maps, x = [], self.stem(views)
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in TAPS:
                maps.append(x)
        return ViewMaps(*maps)


class InvertedBottleneck(nn.Module):
    """Widen, filter each channel, narrow; the input is added where shapes allow: [V, C, h, w]."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width_in * expansion
        self.residual = stride == 1 and width_in == width_out
        self.expand = convolution(width_in, inner) if expansion > 1 else nn.Identity()
        self.depthwise = convolution(inner, inner, kernel, stride, groups=inner)
        self.project = convolution(inner, width_out, linear=True)

    def forward(self, x: Tensor) -> Tensor:
        narrow = self.project(self.depthwise(self.expand(x)))
        return x + narrow if self.residual else narrow


def convolution(
    width_in: int, width_out: int, kernel: int = 1, stride: int = 1, groups: int = 1, linear: bool = False
) -> nn.Sequential:
    """Convolution, batch norm and, unless ``linear``, ReLU6."""
    parts = [
        nn.Conv2d(width_in, width_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(width_out, eps=NORM_EPSILON, momentum=0.01),
    ]
    return nn.Sequential(*parts, *([] if linear else [nn.ReLU6()]))


def twice(x: Tensor) -> Tensor:
    """[V, C, h, w] to [V, C, 2h, 2w], every value repeated."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")
