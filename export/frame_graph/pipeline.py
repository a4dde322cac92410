"""The frame graph: everything between the raw camera frame and the score, as one PyTorch module.

The steps and their order are the published inference script's (arXiv 2505.24002): cubic resize and Depth Anything,
depth stretched to 0..255 and truncated, image and depth resized together on 8-bit values, crops, DGIQA, mean. Its
random crops are replaced by fixed boxes. Resizers are constants and gathers (see networks/resampling.py), so every
backend computes the same pixels. The networks are the submodules ``depth_net`` and ``quality_net``; the node names of
the exported graph carry those names, and precision is decided by them.
"""

import torch
from torch import Tensor, nn

from ..networks.published_sizes import CROP, RANGE_EPSILON, Size
from ..networks.resampling import Taps, bilinear_taps, cubic_matrix, fixed_point_taps
from .geometry import Geometry, plan

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class FrameGraph(nn.Module):
    """Camera frame in, score, crop scores and depth map out.

    Args:
        depth_net: maps a normalised image [1, 3, h, w] to relative inverse depth [1, h, w].
        quality_net: maps normalised image and depth crops, both [N, 3, 224, 224], to scores [N] in [0, 1].
        frame: height and width of the frame.
        depth_side, short_side, crop_boxes, crops: see :func:`geometry.plan`.

    Raises:
        ConfigurationError: sizes that contradict each other.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        depth_net: nn.Module,
        quality_net: nn.Module,
        frame: Size,
        depth_side: int = 518,
        short_side: int = 384,
        crop_boxes: list[tuple[int, int]] | None = None,
        crops: int = 20,
    ) -> None:
        super().__init__()
        self.geometry: Geometry = plan(frame, depth_side, short_side, crop_boxes, crops)
        self.depth_net = depth_net
        self.quality_net = quality_net
        self.to_depth_input = CubicResize(frame, self.geometry.depth_input)
        self.to_frame = BilinearResize(self.geometry.depth_input, frame)
        self.to_quality_image = FixedPointResize(frame, self.geometry.quality_image)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.eval()

    def forward(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Score one frame.

        Args:
            frame: uint8 [1, H, W, 3], BGR.

        Returns:
            score float32 [1]; crop_scores float32 [1, N]; depth uint8 [1, h, w], 255 nearest.
        """
        rgb = self.rgb(frame)
        depth = self.depth_levels(rgb)
        score, crop_scores = self.quality(rgb, depth)
        return score, crop_scores, depth[:, 0].to(torch.uint8)

    def rgb(self, frame: Tensor) -> Tensor:
        """The frame as float32 [1, 3, H, W], RGB, 0..255."""
        bgr = frame.float().permute(0, 3, 1, 2)  # in this order: TensorRT reads a uint8 input by a Cast only
        return torch.cat((bgr[:, 2:3], bgr[:, 1:2], bgr[:, 0:1]), dim=1)

    def depth_levels(self, rgb: Tensor) -> Tensor:
        """Relative inverse depth at the quality image's scale: whole levels 0..255 as float32 [1, 1, h, w]."""
        network_input = (self.to_depth_input(rgb / 255.0) - self.mean) / self.std
        depth = self.to_frame(self.depth_net(network_input).unsqueeze(1))
        nearest, farthest = depth.amax(), depth.amin()
        levels = torch.floor((depth - farthest) / (nearest - farthest + RANGE_EPSILON) * 255.0)
        return self.to_quality_image(levels)

    def quality(self, rgb: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Mean score [1] and crop scores [1, N] of ``rgb`` [1, 3, H, W] with ``depth`` [1, 1, h, w]."""
        image = self._normalise_levels(self.to_quality_image(rgb))
        depth = self._normalise_levels(depth)
        crop_scores = self.quality_net(self._crops(image), self._crops(depth)).unsqueeze(0)
        return crop_scores.mean(dim=1), crop_scores

    def _normalise_levels(self, levels: Tensor) -> Tensor:
        return (levels - self.mean * 255.0) / (self.std * 255.0)

    def _crops(self, image: Tensor) -> Tensor:
        return torch.cat([image[:, :, y : y + CROP, x : x + CROP] for x, y in self.geometry.crop_boxes], dim=0)


class CubicResize(nn.Module):
    """OpenCV's INTER_CUBIC on [1, C, H, W] as two products with constant matrices, the cheaper axis first."""

    rows: Tensor
    columns: Tensor

    def __init__(self, source: Size, destination: Size) -> None:
        super().__init__()
        rows = torch.from_numpy(cubic_matrix(source[0], destination[0])).float()
        columns = torch.from_numpy(cubic_matrix(source[1], destination[1])).float()
        self.register_buffer("rows", rows, persistent=False)
        self.register_buffer("columns", columns.T.contiguous(), persistent=False)
        width_first = destination[1] * source[0] * (source[1] + destination[0])
        height_first = destination[0] * source[1] * (source[0] + destination[1])
        self.width_first = width_first <= height_first

    def forward(self, image: Tensor) -> Tensor:
        if self.width_first:
            return torch.matmul(self.rows, torch.matmul(image, self.columns))
        return torch.matmul(torch.matmul(self.rows, image), self.columns)


class BilinearResize(nn.Module):
    """PyTorch's bilinear interpolation (align_corners=False) on [1, C, H, W] as gathers and weighted sums."""

    def __init__(self, source: Size, destination: Size) -> None:
        super().__init__()
        self.columns = _TapPair(bilinear_taps(source[1], destination[1]), dim=3)
        self.rows = _TapPair(bilinear_taps(source[0], destination[0]), dim=2)

    def forward(self, image: Tensor) -> Tensor:
        return _weighted_sum(self.rows(_weighted_sum(self.columns(image))))


class FixedPointResize(nn.Module):
    """OpenCV's 8-bit INTER_LINEAR on whole levels [1, C, H, W], to the last bit, in exact float32 arithmetic.

    OpenCV computes ``((b0 * (A >> 4)) >> 16) + ((b1 * (B >> 4)) >> 16) + 2) >> 2`` on 32-bit integers, where A and B
    are the row sums with 11-bit weights. Integer shifts are not everywhere to be had, and the products exceed
    float32's 24 bits, so they are split at bit 7 of the row sum: every intermediate stays below 2**20.
    """

    def __init__(self, source: Size, destination: Size) -> None:
        super().__init__()
        self.identity = source == destination
        if not self.identity:
            columns = fixed_point_taps(source[1], destination[1], zero_border_fraction=True)
            rows = fixed_point_taps(source[0], destination[0], zero_border_fraction=False)
            self.columns = _TapPair(columns, dim=3)
            self.rows = _TapPair(rows, dim=2)

    def forward(self, levels: Tensor) -> Tensor:
        if self.identity:
            return levels
        row_sums = torch.floor(_weighted_sum(self.columns(levels)) / 16.0)
        upper, lower, upper_weight, lower_weight = self.rows(row_sums)
        total = _shifted_product(upper, upper_weight) + _shifted_product(lower, lower_weight)
        return torch.floor((total + 2.0) / 4.0)


class _TapPair(nn.Module):
    """Gathers the two source rows or columns of each destination position, with their weights."""

    first: Tensor
    second: Tensor
    first_weight: Tensor
    second_weight: Tensor

    def __init__(self, taps: Taps, dim: int) -> None:
        super().__init__()
        self.dim = dim
        shape = (1, 1, -1, 1) if dim == 2 else (1, 1, 1, -1)
        self.register_buffer("first", torch.from_numpy(taps.first), persistent=False)
        self.register_buffer("second", torch.from_numpy(taps.second), persistent=False)
        first_weight = torch.from_numpy(taps.first_weight).float().view(shape)
        second_weight = torch.from_numpy(taps.second_weight).float().view(shape)
        self.register_buffer("first_weight", first_weight, persistent=False)
        self.register_buffer("second_weight", second_weight, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        first = image.index_select(self.dim, self.first)
        second = image.index_select(self.dim, self.second)
        return first, second, self.first_weight, self.second_weight


def _weighted_sum(taps: tuple[Tensor, Tensor, Tensor, Tensor]) -> Tensor:
    first, second, first_weight, second_weight = taps
    return first * first_weight + second * second_weight


def _shifted_product(value: Tensor, weight: Tensor) -> Tensor:
    """``(value * weight) >> 16`` for whole ``value`` below 2**15 and ``weight`` up to 2**11, exactly."""
    high = torch.floor(value / 128.0)
    low = value - high * 128.0
    return torch.floor((high * weight + torch.floor(low * weight / 128.0)) / 512.0)
