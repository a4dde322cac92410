"""A synthetic street scene and what can go wrong with it, for trying a configuration without a camera.

Drawn, not photographed: it exercises the gate's cues, and says nothing about accuracy on real scenes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Scene:
    """The same size and seed give the same pictures; something moves in each.

    Args:
        size: width, height in pixels.
        seed: of buildings, textures and sensor noise.
    """

    def __init__(self, size: tuple[int, int], seed: int) -> None:
        self._width, self._height = size
        self._seed = seed
        self._still = self._draw_still(np.random.default_rng(seed))

    def picture(self, index: int) -> Picture:
        """Frame ``index``, uint8 [H, W, 3] BGR."""
        image = self._still.copy()
        horizon = self._height // 2
        for lane, (speed, colour) in enumerate(((0.011, (40, 40, 190)), (0.017, (180, 120, 30)))):
            left = int((index * speed + 0.37 * lane) % 1.3 * self._width) - self._width // 6
            top = horizon + self._height // 10 + lane * self._height // 6
            high, long = self._height // 14, self._width // 7
            cv2.rectangle(image, (left, top), (left + long, top + high), colour, cv2.FILLED)
            cv2.rectangle(image, (left + long // 5, top - high // 2), (left + 4 * long // 5, top), colour, cv2.FILLED)
            for wheel in (left + long // 5, left + 4 * long // 5):
                cv2.circle(image, (wheel, top + high), max(1, high // 2), (25, 25, 25), cv2.FILLED, cv2.LINE_AA)
        rng = np.random.default_rng((self._seed, index))
        return _levels(image.astype(np.float32) + rng.normal(0.0, 1.5, image.shape[:2])[..., None])

    def _draw_still(self, rng: np.random.Generator) -> Picture:
        height, width = self._height, self._width
        horizon = height // 2
        image = np.zeros((height, width, 3), np.float32)
        fade = np.linspace(0.0, 1.0, horizon, dtype=np.float32)[:, None, None]
        image[:horizon] = (1 - fade) * np.array([210, 160, 110], np.float32) + fade * np.array([230, 215, 200])
        image[horizon:] = np.array([95, 98, 100], np.float32)
        image[horizon:] += _texture(rng, height - horizon, width)[..., None] * 28
        left = 0
        while left < width:
            wide = int(rng.integers(max(2, width // 14), max(3, width // 6)))
            top = int(horizon * rng.uniform(0.15, 0.7))
            colour = rng.uniform(60, 200, 3)
            block = image[top:horizon, left : left + wide]
            block[:] = colour + _texture(rng, horizon - top, block.shape[1])[..., None] * 14
            step = max(4, height // 24)
            for y in range(top + step // 2, horizon - step // 2, step):
                for x in range(left + step // 2, min(left + wide, width) - step // 2, step):
                    lit = rng.uniform() < 0.4
                    image[y : y + step // 2, x : x + step // 2] = (150, 220, 240) if lit else (50, 45, 40)
            left += wide
        for stripe in range(0, width, max(8, width // 10)):
            y = horizon + height // 3
            image[y : y + max(1, height // 60), stripe : stripe + max(4, width // 20)] = (225, 230, 230)
        return _levels(image)


def _texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Noise of several grain sizes, about -1 to 1."""
    total = np.zeros((height, width), np.float32)
    for grain in (1, 3, 9):
        coarse = rng.normal(0.0, 0.35, (height // grain + 1, width // grain + 1)).astype(np.float32)
        total += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return total


def _levels(values: NDArray[np.floating]) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _clean(image: Picture, rng: np.random.Generator) -> Picture:
    return image


def _blur(image: Picture, rng: np.random.Generator) -> Picture:
    radius = max(2, round(0.009 * max(image.shape[:2])))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101), np.uint8)


def _dark(image: Picture, rng: np.random.Generator) -> Picture:
    return _levels(image.astype(np.float32) * 0.06 + rng.normal(0.0, 2.0, image.shape))


def _bright(image: Picture, rng: np.random.Generator) -> Picture:
    return _levels(image.astype(np.float32) * 2.2 + 90.0)


def _noise(image: Picture, rng: np.random.Generator) -> Picture:
    return _levels(image + rng.normal(0.0, 35.0, image.shape))


def _haze(image: Picture, rng: np.random.Generator) -> Picture:
    """Koschmieder's law on a ground plane: the higher in the picture, the farther."""
    distance = np.linspace(2.6, 0.7, image.shape[0], dtype=np.float32)[:, None, None]
    transmission = np.exp(-distance)
    return _levels(image * transmission + 215.0 * (1.0 - transmission))


def _occluded(image: Picture, rng: np.random.Generator) -> Picture:
    """Something close before the lens: out of focus, almost one colour."""
    height, width = image.shape[:2]
    return _levels(np.full((height, width, 3), (52.0, 60.0, 70.0)) + np.linspace(0.0, 8.0, width)[None, :, None])


def _black(image: Picture, rng: np.random.Generator) -> Picture:
    return np.zeros_like(image)


def _smear(image: Picture, rng: np.random.Generator) -> Picture:
    """A lost packet: from some line on the decoder repeats what it had."""
    line = image.shape[0] // 3
    broken = image.copy()
    broken[line:] = broken[line]
    return broken


def _night(image: Picture, rng: np.random.Generator) -> Picture:
    """No fault: what a working camera shows of little light."""
    return _levels(image.astype(np.float32) * 0.25 + rng.normal(0.0, 1.5, image.shape))


def _infrared(image: Picture, rng: np.random.Generator) -> Picture:
    """No fault either: infra-red light has no colours."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32) + rng.normal(0.0, 1.5, image.shape[:2])
    return np.repeat(_levels(grey)[..., None], 3, axis=2)


FAULTS: Mapping[str, Callable[[Picture, np.random.Generator], Picture]] = MappingProxyType(
    {
        "clean": _clean,
        "blur": _blur,
        "dark": _dark,
        "bright": _bright,
        "noise": _noise,
        "haze": _haze,
        "occluded": _occluded,
        "black": _black,
        "smear": _smear,
        "night": _night,
        "infrared": _infrared,
    }
)
