"""How new a frame is beside those before it: what tells a picture that stands still from a live one of a still scene.

A difference to the frame before does not tell them apart once both went through a codec. Between two keyframes an
encoder drops a live sensor's noise as readily as it refines a frozen picture. But the keyframes differ: those of a
frozen source repeat each other, those of a live one carry new noise. So a frame is compared with all of the last
frames, and its change is the least difference.
"""

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.uint8]

REMEMBERED = 128
MOVING = 1.0
_LEAST_STEP = 4
_MOST_SAMPLES = 160


class ChangeMeter:
    """Keeps samples of the last ``REMEMBERED`` frames of one size: some keyframe intervals, at most 11 MB.

    For one thread at a time.
    """

    def __init__(self) -> None:
        self._seen: deque[Levels] = deque(maxlen=REMEMBERED)

    def measure(self, frame: Levels, mask: Levels | None = None) -> float | None:
        """The least mean absolute difference to a remembered frame, grey levels; None without one of this size.

        Args:
            frame: uint8 [H, W, 3], which is only read.
            mask: uint8 [H, W], not 0 where the frame counts, the same for all frames between two restarts.
        """
        # Samples, not averages: averaging would hide the sensor noise that tells a live picture from a stuck one.
        step = max(_LEAST_STEP, -(-max(frame.shape[:2]) // _MOST_SAMPLES))
        samples = frame[::step, ::step].copy() if mask is None else frame[::step, ::step][mask[::step, ::step] > 0]
        if not samples.size:
            return None
        if self._seen and self._seen[-1].shape != samples.shape:
            self._seen.clear()
        change = self._least(samples)
        self._seen.append(samples)
        return change

    def restart(self) -> None:
        """Forget all frames, after a reconnect."""
        self._seen.clear()

    def _least(self, samples: Levels) -> float | None:
        """A picture that moved by more than ``MOVING`` since the last frame is not looked up among the older ones."""
        least: float | None = None
        for seen in reversed(self._seen):
            difference = cv2.norm(cv2.absdiff(samples, seen), cv2.NORM_L1) / samples.size
            least = difference if least is None else min(least, difference)
            if least > MOVING or least == 0.0:
                break
        return least
