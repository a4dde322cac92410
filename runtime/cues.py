"""Classical measurements of one frame beside the learned score: cheap, explainable, and each with a name for its fault.

Deciding what they mean is the gate's work.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .reading import Cues


class CueMeter:
    """Measures a camera's frames in their order; keeps a few samples of the last one to see change.

    One per camera, for one thread at a time.
    """

    def __init__(self) -> None:
        self._last: NDArray[np.uint8] | None = None

    def measure(self, frame: NDArray[np.uint8], depth: NDArray[Any] | None = None) -> Cues:
        """The cues of a frame, uint8 [H, W, 3] BGR; ``depth`` uint8 [h, w], 255 nearest, sharpens the haze cue."""
        samples = frame[::4, ::4, 1].copy()
        change = None
        if self._last is not None and self._last.shape == samples.shape:
            change = float(cv2.absdiff(samples, self._last).mean())
        self._last = samples
        return Cues(change=change)

    def restart(self) -> None:
        """Forget the last frame, after a reconnect."""
        self._last = None
