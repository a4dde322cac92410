"""A fixed piece of arithmetic, timed between the blocks of a measurement: it tells how fast the machine itself was.

Two runs of one bundle on a shared machine differ because the machine does. ``compare`` believes a difference only if
it also shows against this yardstick.
"""

import time

import numpy as np

VERSION = "blur-2"  # figures of different versions are not compared
_SIDE, _KERNEL, _ROUNDS = 1024, (31, 31), 4


class Yardstick:
    """Blurs one fixed picture with OpenCV on all its threads; about 25 ms on two desktop cores.

    Inference is arithmetic on all cores as well, so what takes cores or clock away from one takes it from the other.
    """

    def __init__(self) -> None:
        self._picture = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
        self.measure_ms()  # the first call starts OpenCV's threads

    def measure_ms(self) -> float:
        """Wall-clock milliseconds of one go, the mean of four: an interruption counts here as it does for a frame."""
        import cv2

        start = time.perf_counter()
        for _ in range(_ROUNDS):
            cv2.GaussianBlur(self._picture, _KERNEL, 5.0)
        return (time.perf_counter() - start) / _ROUNDS * 1e3
