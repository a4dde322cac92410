"""Pictures for people: a frame made smaller, and encoded as JPEG."""

import numpy as np
from numpy.typing import NDArray

from ..errors import SourceError


def shrink(picture: NDArray[np.uint8], longest: int) -> NDArray[np.uint8]:
    """A copy of uint8 [H, W, 3] whose longer side has at most ``longest`` pixels."""
    import cv2

    height, width = picture.shape[:2]
    scale = min(1.0, longest / max(height, width))
    if scale == 1.0:
        return picture.copy()
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode_jpeg(picture: NDArray[np.uint8], quality: int) -> bytes:
    """uint8 [H, W, 3] BGR as JPEG.

    Raises:
        SourceError: OpenCV cannot encode it.
    """
    import cv2

    done, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise SourceError(f"a frame of {picture.shape} cannot be encoded as JPEG")
    return encoded.tobytes()
