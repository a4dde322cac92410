"""Views of a camera frame, for the networks that look at the whole frame and at native-resolution crops of it.

A network sees the whole frame shrunk (content, composition, depth) and crops at the sensor's own scale (shrinking
hides blur and noise). This module decides their sizes and boxes, and makes them with numpy for training; a graph
makes the same numbers from the same constants: products with the matrices of :func:`shrink_matrix` for the whole
frame, slices for the crops. No rounding to 8 bits in between. It does not import PyTorch.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

Size = tuple[int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ViewRule:
    """How the views of a frame are chosen.

    Attributes:
        whole_pixels: area of the shrunk whole frame; its aspect is the frame's, as near as ``step`` allows.
        crop_side_px: side of a square native crop.
        step: every side of a view is a multiple of it (the patch or the total stride of the network).
    """

    whole_pixels: int
    crop_side_px: int
    step: int


@dataclass(frozen=True)
class Views:
    """The views of one frame size.

    Attributes:
        frame: height and width of the frame.
        whole: height and width of the shrunk whole frame.
        crops: boxes (top, left, height, width) in the frame's own pixels.
    """

    frame: Size
    whole: Size
    crops: tuple[Box, ...]


def plan_views(frame: Size, rule: ViewRule, crops: int = 1) -> Views:
    """Sizes and boxes for a frame of that height and width.

    One crop sits in the centre; more are spread evenly on a grid with the frame's aspect, row by row.

    Raises:
        ConfigurationError: the frame is smaller than one native crop, or ``crops`` is not positive.
    """
    height, width = frame
    side = rule.crop_side_px
    if min(frame) < side:
        raise ConfigurationError(f"frame {width}x{height}: the views need at least {side}x{side}; enlarge the frame")
    if crops < 1:
        raise ConfigurationError(f"crops {crops}: at least one native crop is needed")
    scale = (rule.whole_pixels / (height * width)) ** 0.5
    whole = (_multiple(height * scale, rule.step), _multiple(width * scale, rule.step))
    return Views(frame, whole, _crop_boxes(frame, side, crops))


def whole_view(frame_bgr: np.ndarray, size: Size) -> np.ndarray:
    """The frame uint8 [H, W, 3] shrunk to ``size`` and normalised: float32 [3, h, w], RGB."""
    rows = shrink_matrix(frame_bgr.shape[0], size[0])
    columns = shrink_matrix(frame_bgr.shape[1], size[1])
    planes = frame_bgr[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
    return normalised(rows @ planes @ columns.T)


def crop_view(frame_bgr: np.ndarray, box: Box) -> np.ndarray:
    """A native crop of the frame uint8 [H, W, 3], normalised: float32 [3, h, w], RGB."""
    top, left, height, width = box
    crop = frame_bgr[top : top + height, left : left + width, ::-1]
    return normalised(crop.transpose(2, 0, 1).astype(np.float32))


def normalised(rgb: np.ndarray) -> np.ndarray:
    """Levels 0..255 [3, h, w] with ImageNet's mean and deviation removed, float32."""
    mean = np.array(IMAGENET_MEAN, np.float32).reshape(3, 1, 1) * np.float32(255)
    std = np.array(IMAGENET_STD, np.float32).reshape(3, 1, 1) * np.float32(255)
    return ((rgb - mean) / std).astype(np.float32)


@lru_cache(maxsize=64)
def shrink_matrix(source: int, destination: int) -> np.ndarray:
    """Area-weighted resizing along one axis as a matrix float32 [destination, source]; rows add up to 1.

    Each destination cell is the mean of the source it covers, fractional ends included: OpenCV's INTER_AREA before
    its rounding. Where the axis grows, a cell covers less than one source sample and the nearest one prevails.
    """
    return overlap_matrix(source, destination, 0.0, float(source))


@lru_cache(maxsize=64)
def overlap_matrix(source: int, destination: int, first: float, last: float) -> np.ndarray:
    """As :func:`shrink_matrix`, for the stretch ``first`` to ``last`` of the source axis: [destination, source]."""
    edges = np.linspace(first, last, destination + 1)
    samples = np.arange(source)
    upper = np.minimum(edges[1:, None], samples[None] + 1.0)
    lower = np.maximum(edges[:-1, None], samples[None])
    overlap = np.clip(upper - lower, 0.0, None)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


def _multiple(length: float, step: int) -> int:
    return max(step, round(length / step) * step)


def _crop_boxes(frame: Size, side: int, crops: int) -> tuple[Box, ...]:
    height, width = frame
    columns = min(crops, max(1, round((crops * width / height) ** 0.5)))
    boxes = []
    rows = -(-crops // columns)
    for row in range(rows):
        in_row = min(columns, crops - row * columns)
        for column in range(in_row):
            top = int((height - side) * (row + 0.5) / rows) if rows > 1 else (height - side) // 2
            left = int((width - side) * (column + 0.5) / in_row) if in_row > 1 else (width - side) // 2
            boxes.append((top, left, side, side))
    return tuple(boxes)
