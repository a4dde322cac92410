"""What a degradation acts on and what it makes; levels and linear light."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

GAMMA = 2.2
_LIGHT = ((np.arange(256, dtype=np.float32) / 255.0) ** GAMMA).astype(np.float32)


@dataclass(frozen=True)
class Scene:
    """A photo and how near its parts are.

    Attributes:
        photo: uint8 [H, W, 3], BGR.
        nearness: inverse depth stretched to 0 (farthest) .. 1 (nearest), float32 [H, W].
        grain: draws the noise of one frame of a film, in which all else stays; None: drawn like all else.
    """

    photo: np.ndarray
    nearness: np.ndarray
    grain: np.random.Generator | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.photo.shape[0], self.photo.shape[1]

    @property
    def diagonal(self) -> float:
        """In pixels."""
        return float(np.hypot(*self.size))


@dataclass(frozen=True)
class Degraded:
    """A degraded picture.

    Attributes:
        picture: uint8 [H, W, 3], BGR.
        coverage: how much of each pixel the fault took, float32 [H, W] in [0, 1].
    """

    picture: np.ndarray
    coverage: np.ndarray


Effect = Callable[[Scene, float, np.random.Generator], Degraded]
"""A kind of degradation at a strength in (0, 1]; it draws what is left open from the generator."""


def everywhere(picture: np.ndarray) -> Degraded:
    """A picture whose fault is all over it."""
    return Degraded(picture, np.ones(picture.shape[:2], np.float32))


def to_light(photo: np.ndarray) -> np.ndarray:
    """Levels uint8 to linear light float32 in [0, 1]."""
    return np.asarray(cv2.LUT(photo, _LIGHT))


def to_levels(light: np.ndarray) -> np.ndarray:
    """Linear light float32 [H, W, 3] to levels uint8; what is out of range is cut."""
    return rounded(cv2.pow(np.clip(light, 0.0, 1.0).astype(np.float32), 1.0 / GAMMA) * 255.0)


def rounded(levels: np.ndarray) -> np.ndarray:
    """Levels float to uint8."""
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def through_kernel(light: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Light [H, W, 3] spread by a point's picture ``kernel``, which is made to sum up to 1."""
    normed = (kernel / kernel.sum()).astype(np.float32)
    return np.asarray(cv2.filter2D(light, -1, normed, borderType=cv2.BORDER_REFLECT_101))


def disc(radius: float) -> np.ndarray:
    """A disc of confusion with a soft edge, float [2 reach + 1, 2 reach + 1]."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return np.asarray(np.clip(radius + 0.5 - np.hypot(x, y), 0.0, 1.0))


def clouds(size: tuple[int, int], cells: float, rng: np.random.Generator) -> np.ndarray:
    """Smooth random relief float32 [H, W], stretched to 0..1, with about ``cells`` hills along the long side."""
    height, width = size
    relief = np.zeros(size, np.float32)
    for octave in range(3):
        step = max(size) / (cells * 2**octave)
        coarse = rng.standard_normal((max(2, int(height / step) + 2), max(2, int(width / step) + 2)))
        relief += cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC) / 2**octave
    low, high = float(relief.min()), float(relief.max())
    return (relief - low) / max(high - low, 1e-6)


def covering(relief: np.ndarray, share: float, softness: float) -> np.ndarray:
    """A mask float32 [H, W] over the highest ``share`` of a relief, its edge ``softness`` of the relief wide."""
    edge = float(np.quantile(relief, 1.0 - share))
    return np.clip((relief - edge) / max(softness, 1e-6) + 0.5, 0.0, 1.0).astype(np.float32)


def between(strength: float, weakest: float, strongest: float) -> float:
    """From ``weakest`` at strength 0 to ``strongest`` at 1."""
    return weakest + (strongest - weakest) * strength


def between_powers(strength: float, weakest: float, strongest: float) -> float:
    """The same by equal factors: what doubles is seen as a step."""
    return float(weakest * (strongest / weakest) ** strength)
