"""From an array that a caller holds to the frame that an engine was built for: channels, then size.

``ground/framing.py`` decides what of the frame is shown and where. Bars of one colour are never added, for they would
be scored as if they were part of the picture: what is left is filled with the picture's own content, mirrored.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import FrameSize
from ..errors import SourceError
from ..ground.framing import Fit, framing
from ..ground.limits import pixels_flaw


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


def as_bgr(frame: Any) -> NDArray[np.uint8]:
    """A frame as uint8 [H, W, 3], BGR.

    Args:
        frame: uint8 array: [H, W, 3] BGR is returned as it is; [H, W] or [H, W, 1] grey is repeated over the
            three channels; [H, W, 4] BGRA loses its alpha (colours are taken as they are, not blended).

    Raises:
        SourceError: another type, dtype, or shape, an empty frame, one larger than ``ground/limits.py`` allows, or one
            whose strides leave its memory.
    """
    if not isinstance(frame, np.ndarray):
        raise SourceError(f"a frame must be a numpy array, not {type(frame).__name__}: read files with read_image")
    if frame.dtype != np.uint8:
        raise SourceError(
            f"a frame must be uint8 (0..255), not {frame.dtype}: "
            "scale it to 0..255 and convert it with .astype('uint8')"
        )
    if frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] not in (1, 3, 4)):
        raise SourceError(f"a frame must be [H, W, 3] BGR, [H, W] grey or [H, W, 4] BGRA, not {list(frame.shape)}")
    if frame.size == 0:
        raise SourceError(f"the frame is empty: {list(frame.shape)}")
    flaw = pixels_flaw(frame.shape[1], frame.shape[0])
    if flaw is not None:
        raise SourceError(f"the frame {flaw}: give a smaller one")
    if not _within_its_memory(frame):
        raise SourceError(f"the frame's strides {frame.strides} leave its memory: give a copy of the picture")
    if frame.ndim == 3 and frame.shape[2] == 3:
        return np.ascontiguousarray(frame)
    grey_or_colour = frame[:, :, :3] if frame.ndim == 3 else frame[:, :, np.newaxis]
    return np.ascontiguousarray(np.broadcast_to(grey_or_colour, (*frame.shape[:2], 3)))


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


def _within_its_memory(frame: NDArray[np.uint8]) -> bool:
    """Whether every pixel lies inside the array that the frame is a view of: ``as_strided`` checks nothing."""
    owner, below = frame, frame.base
    while below is not None:
        owner = below if isinstance(below, np.ndarray) else owner
        below = getattr(below, "base", None)
    low, high = _bounds(frame)
    owner_low, owner_high = _bounds(owner)
    return owner_low <= low and high <= owner_high


def _bounds(array: NDArray[Any]) -> tuple[int, int]:
    """First address, and the one behind the last."""
    steps = [(side - 1) * stride for side, stride in zip(array.shape, array.strides, strict=True)]
    first = array.__array_interface__["data"][0]
    return first + sum(min(step, 0) for step in steps), first + sum(max(step, 0) for step in steps) + array.itemsize
