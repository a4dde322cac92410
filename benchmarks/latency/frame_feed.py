"""Frames for a benchmark: photos kept in memory as encoded files, decoded one by one as a camera's JPEG stream is.

No disk is touched while something is timed, and frames differ, so that no cache flatters the result.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.frames.fit import fit_to
from dgiqa_edge.runtime.frames.images import expand_images, read_image
from dgiqa_edge.runtime.ground.framing import FrameSize

JPEG_QUALITY = 90


@dataclass(frozen=True, eq=False)
class DecodedFrame:
    """``frame`` uint8 [H, W, 3] BGR at the bundle's size, and the milliseconds its JPEG took to decode."""

    frame: np.ndarray
    decode_ms: float


class FrameFeed:
    """Cycles through photos brought to the camera's frame size and JPEG-encoded once, before anything is timed.

    Raises:
        SourceError: no photo was given.
        SourceError: a photo cannot be read.
    """

    def __init__(self, photos: Sequence[str | Path], size: FrameSize) -> None:
        import cv2

        files = expand_images(photos)
        if not files:
            raise SourceError("no photo to benchmark with: give files or a folder with --photos")
        self.names = tuple(file.name for file in files)
        self._encoded = []
        for file in files:
            frame = fit_to(read_image(file), size)
            done, encoded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if not done:
                raise SourceError(f"{file} cannot be encoded as a camera frame: give another photo")
            self._encoded.append(encoded)
        self._next = 0

    def __len__(self) -> int:
        return len(self._encoded)

    def next(self) -> DecodedFrame:
        """The next frame, decoded now."""
        frame = self.at(self._next)
        self._next = (self._next + 1) % len(self._encoded)
        return frame

    def at(self, index: int) -> DecodedFrame:
        """One frame by its number, decoded now."""
        import cv2

        start = time.perf_counter()
        frame = cv2.imdecode(self._encoded[index % len(self._encoded)], cv2.IMREAD_COLOR)
        return DecodedFrame(np.asarray(frame, np.uint8), (time.perf_counter() - start) * 1e3)
