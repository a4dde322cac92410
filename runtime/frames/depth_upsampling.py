"""A small depth map as large as its frame, its edges where the frame has them: for pictures, not for measuring.

The network's map is interpolated, and what the frame shows beyond the map's own resolution is added to it, as far as
depth follows brightness nearby: the linear model of the fast guided filter (He and Sun, arXiv 1505.00996), fitted at
the map's size. So a flat frame adds nothing, and a mean over a pixel of the map stays about the network's. An edge that
the network itself blurs stays partly blurred; a pattern of the frame may show in the depth where both change.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ground.framing import Box

RADIUS = 2
"""Of the windows of the linear model, in pixels of the depth map."""
NOISE = 1e-3
"""Variance of brightness, of a range of 1, below which the frame says nothing of depth."""


def depth_over_frame(depth: NDArray[np.uint8], frame: NDArray[np.uint8], box: Box | None = None) -> NDArray[np.uint8]:
    """Depth for each pixel of the frame, uint8 [H, W]; 0 outside ``box``, within the range of ``depth`` in it.

    Args:
        depth: uint8 [h, w], of the part of the frame in ``box``, in any aspect. Where it has as many rows or columns as
            that part, it is only resized.
        frame: uint8 [H, W, 3] BGR or grey [H, W].
        box: in pixels of the frame; None: all of it.
    """
    import cv2

    whole = np.zeros(frame.shape[:2], np.uint8)
    slices = (slice(None), slice(None)) if box is None else box.slices
    seen = frame[slices]
    size = (seen.shape[1], seen.shape[0])
    if depth.shape[0] >= size[1] or depth.shape[1] >= size[0]:
        whole[slices] = cv2.resize(depth, size)
        return whole
    values = depth.astype(np.float32)
    grey = (seen if seen.ndim == 2 else cv2.cvtColor(seen, cv2.COLOR_BGR2GRAY)).astype(np.float32) / 255.0
    small = np.asarray(cv2.resize(grey, depth.shape[::-1], interpolation=cv2.INTER_AREA), np.float32)
    detail = grey - cv2.resize(small, size)
    found = cv2.resize(values, size) + cv2.resize(_slope(small, values), size) * detail
    whole[slices] = np.rint(np.clip(found, depth.min(), depth.max()))
    return whole


def _slope(grey: NDArray[np.float32], depth: NDArray[np.float32]) -> NDArray[np.float32]:
    """By how much depth changes with brightness around each pixel, float32 [h, w]."""
    mean_grey, mean_depth = _mean(grey), _mean(depth)
    variance = np.maximum(_mean(grey * grey) - mean_grey * mean_grey, 0.0)
    return np.asarray((_mean(grey * depth) - mean_grey * mean_depth) / (variance + NOISE), np.float32)


def _mean(values: NDArray[Any]) -> NDArray[np.float32]:
    import cv2

    side = 2 * RADIUS + 1
    return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)
