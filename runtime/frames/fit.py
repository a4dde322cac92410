"""From a BGR frame of any size to that which an engine was built for.

``ground/framing.py`` decides what of the frame is shown and where. Bars of one colour are never added, for they would
be scored as if they were part of the picture: what is left is filled with the picture's own content, mirrored.
"""

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError
from ..ground.framing import Fit, FrameSize, framing


def fit_frame(frame: np.ndarray, height: int, width: int, fit: Fit = "stretch") -> np.ndarray:
    """A frame at ``height`` x ``width`` pixels.

    Args:
        frame: uint8 [h, w, 3], BGR.
        fit: where it lies in them, see ``ground/framing.py``.

    Returns:
        uint8 [height, width, 3]; ``frame`` itself when it already has that size.
    """
    if frame.shape[:2] == (height, width):
        return frame
    picture, at = scaled_frame(frame, height, width, fit), framing(frame.shape, (height, width), fit).at
    if picture.shape[:2] == (height, width):
        return picture
    import cv2

    below, right = height - at.top - at.height, width - at.left - at.width
    return cv2.copyMakeBorder(picture, at.top, below, at.left, right, cv2.BORDER_REFLECT_101)


def scaled_frame(frame: np.ndarray, height: int, width: int, fit: Fit) -> np.ndarray:
    """As ``fit_frame``, without what ``pad`` adds: the picture alone, at the scale it has in the fitted frame.

    Shrinking in both directions averages areas (``INTER_AREA``), which keeps fine detail from aliasing into
    something that looks like noise; anything else is bilinear (``INTER_LINEAR``).

    Returns:
        uint8 [h', w', 3]; fitted itself, it gives what ``frame`` gives.
    """
    placed = framing(frame.shape, (height, width), fit)
    shown, size = frame[placed.shown.slices], (placed.at.height, placed.at.width)
    if shown.shape[:2] == size:
        return np.ascontiguousarray(shown)
    import cv2

    shrinks = shown.shape[0] >= size[0] and shown.shape[1] >= size[1]
    return cv2.resize(shown, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def fit_to(
    frame: NDArray[np.uint8], size: FrameSize, fit: Fit = "stretch", strict_size: bool = False
) -> NDArray[np.uint8]:
    """A BGR frame at the bundle's size, by the rule of ``fit_frame``.

    Args:
        frame: uint8 [H, W, 3].
        size: the bundle's frame size in pixels.
        strict_size: refuse another size instead of fitting it.

    Raises:
        SourceError: another size, and ``strict_size``.
    """
    height, width = frame.shape[:2]
    if strict_size and (height, width) != (size.height, size.width):
        raise SourceError(
            f"the frame is {width}x{height}, the bundle takes {size.width}x{size.height}: "
            "drop the strict size (--strict-size) to have it fitted, or build a bundle for this size"
        )
    return fit_frame(frame, size.height, size.width, fit)
