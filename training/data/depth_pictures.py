"""Photos with their depth as DGIQA reads them, 8-bit pictures on disk: depth is computed once per photo.

The steps are those of the published inference code and of the frame graph that a build exports: cubic resize and Depth
Anything, depth brought to the photo's size, stretched to 0..255 and truncated, photo and depth resized together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dgiqa_edge.export.networks.published_sizes import CROP, RANGE_EPSILON, Size, depth_input_size, quality_image_size
from dgiqa_edge.export.networks.views import IMAGENET_MEAN, IMAGENET_STD, normalised

from .encoder_session import Run, load_encoder, open_network
from .row_store import RowStore

Box = tuple[int, int]
"""Top-left corner (x, y) of a crop, as :func:`published_sizes.crop_grid` gives it."""


@dataclass(frozen=True)
class DepthRule:
    """Sizes in pixels: of the photos, and lower bounds of the short sides of depth input and picture."""

    frame: Size
    depth_side: int
    short_side: int

    @property
    def picture(self) -> Size:
        """Height and width of the pictures."""
        return quality_image_size(self.frame, self.short_side)


class PictureStore(RowStore):
    """Rows of ``levels`` uint8 [rows, h, w, 4]: blue, green, red and depth (255 nearest)."""

    def __init__(self, folder: Path, names: list[str], rule: DepthRule) -> None:
        """Open the store of that rule in ``folder``, or begin one.

        Raises:
            ConfigurationError: it holds other photos.
        """
        place = folder / f"{rule.depth_side}-{rule.short_side}"
        super().__init__(place, names, {"levels": ((*rule.picture, 4), np.uint8)})
        self.levels = self.maps["levels"]


class DepthPictures:
    """Makes rows of a :class:`PictureStore` with the Depth Anything V2-Small weights of a file.

    Raises:
        CheckpointError: the file is missing or is not that network's.
    """

    def __init__(self, weights: Path, rule: DepthRule, graphs: Path, threads: int, device: torch.device) -> None:
        self.rule, self.size = rule, depth_input_size(rule.frame, rule.depth_side)
        name = f"{weights.stem}_{self.size[0]}x{self.size[1]}.onnx"
        self.network: Run = open_network(load_encoder(weights), (1, 3, *self.size), graphs / name, threads, device)

    def __call__(self, photo: np.ndarray) -> dict[str, np.ndarray]:
        """The row of a photo, uint8 [H, W, 3], BGR, of the rule's size."""
        rgb = photo[:, :, ::-1].astype(np.float32)
        resized = cv2.resize(rgb, (self.size[1], self.size[0]), interpolation=cv2.INTER_CUBIC)
        (depth,) = self.network(normalised(resized.transpose(2, 0, 1))[None])
        height, width = self.rule.picture
        both = np.dstack((photo, depth_levels(depth, self.rule.frame)))
        return {"levels": cv2.resize(both, (width, height), interpolation=cv2.INTER_LINEAR)}


def depth_levels(depth: np.ndarray, frame: Size) -> np.ndarray:
    """Relative inverse depth float32 [1, h, w] as levels uint8 [H, W], 255 nearest."""
    at_frame = F.interpolate(torch.from_numpy(depth)[None], frame, mode="bilinear", align_corners=False)[0, 0].numpy()
    nearest, farthest = at_frame.max(), at_frame.min()
    return ((at_frame - farthest) / (nearest - farthest + RANGE_EPSILON) * 255.0).astype(np.uint8)


def crops_of(levels: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Crops uint8 [N, 224, 224, 4] of a picture [h, w, 4]."""
    return np.stack([levels[y : y + CROP, x : x + CROP] for x, y in boxes])


def network_inputs(crops: np.ndarray, device: torch.device) -> tuple[Tensor, Tensor]:
    """Crops uint8 [N, 224, 224, 4] as the network reads them: colour and depth, float32 [N, 3, 224, 224] each."""
    mean, std = (
        torch.tensor(values, device=device).view(1, 3, 1, 1) * 255.0 for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    levels = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).float()
    colour = (levels[:, [2, 1, 0]] - mean) / std
    return colour, (levels[:, 3:] - mean) / std
