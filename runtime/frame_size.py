"""The one rule by which a frame takes the size an engine was built for.

A straight resize, never a letterbox: padding would be scored as if it were part of the picture.
"""

import numpy as np


def fit_frame(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a frame to ``height`` x ``width`` pixels.

    Shrinking in both directions averages areas (``INTER_AREA``), which keeps fine detail from aliasing into
    something that looks like noise; anything else is bilinear (``INTER_LINEAR``).

    Args:
        frame: uint8 [h, w, 3], BGR.

    Returns:
        uint8 [height, width, 3]; ``frame`` itself when it already has that size.
    """
    if frame.shape[:2] == (height, width):
        return frame
    import cv2

    shrinks = frame.shape[0] >= height and frame.shape[1] >= width
    return cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
