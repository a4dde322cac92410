"""Statistics of natural scenes: locally normalised luminance and the distributions fitted to it and to its neighbours.

The ground that BRISQUE (Mittal, Moorthy, Bovik 2012) and NIQE (Mittal, Soundararajan, Bovik 2013) share, written from
the two papers. Pure functions of arrays; the trained models are read elsewhere.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

WINDOW = 7
SIGMA = 7.0 / 6.0
# Luminance runs over 0..255, for which the papers set the constant that keeps flat areas finite to one.
STABILISER = 1.0
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Steps (down, right) to the neighbour a pixel is multiplied by, in the order of the features."""


@dataclass(frozen=True, eq=False)
class Asymmetric:
    """Asymmetric generalised Gaussians fitted to sets of values, one per set; all float64 [sets].

    Attributes:
        shape: 2 for a Gaussian, smaller for heavier tails.
        left, right: root mean square of the values below and above zero.
    """

    shape: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @property
    def left_scale(self) -> np.ndarray:
        return self.left * self._scale

    @property
    def right_scale(self) -> np.ndarray:
        return self.right * self._scale

    @property
    def mean(self) -> np.ndarray:
        from scipy.special import gamma

        return (self.right_scale - self.left_scale) * gamma(2.0 / self.shape) / gamma(1.0 / self.shape)

    @property
    def _scale(self) -> np.ndarray:
        from scipy.special import gamma

        return np.sqrt(gamma(1.0 / self.shape) / gamma(3.0 / self.shape))


def luminance(frame: np.ndarray) -> np.ndarray:
    """Grey levels of a frame uint8 [H, W, 3] BGR, float64 [H, W] in 0..255."""
    import cv2

    return cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY).astype(np.float64)


def halved(image: np.ndarray) -> np.ndarray:
    """Half the size, by a cubic kernel widened to the new spacing so that nothing aliases; float64 [H // 2, W // 2]."""
    import cv2

    distance = np.abs(np.arange(8) - 3.5) / 2.0
    near, far = 1.5 * distance**3 - 2.5 * distance**2 + 1.0, -0.5 * distance**3 + 2.5 * distance**2 - 4.0 * distance + 2
    taps = np.where(distance <= 1.0, near, far)
    taps /= taps.sum()
    smooth = cv2.sepFilter2D(image, -1, taps, taps, anchor=(3, 3), borderType=cv2.BORDER_REFLECT)
    height, width = image.shape
    return np.ascontiguousarray(smooth[0 : height // 2 * 2 : 2, 0 : width // 2 * 2 : 2])


def normalised(image: np.ndarray, border: int) -> np.ndarray:
    """Each pixel less the mean around it, over the deviation around it; float64 [H, W].

    Args:
        border: OpenCV's border type; the authors' BRISQUE continues the image with zeros, their NIQE with its edge.
    """
    import cv2

    window = cv2.getGaussianKernel(WINDOW, SIGMA)
    mean = cv2.sepFilter2D(image, -1, window, window, borderType=border)
    square = cv2.sepFilter2D(image * image, -1, window, window, borderType=border)
    return (image - mean) / (np.sqrt(np.abs(square - mean * mean)) + STABILISER)


def fit_asymmetric(values: np.ndarray) -> Asymmetric:
    """Match the moments of every row of float64 [sets, n]; a row without both signs has a shape that is not finite."""
    square, negative = values * values, values < 0
    below, above = negative.sum(axis=1), (values > 0).sum(axis=1)
    total = square.sum(axis=1)
    left_total = np.einsum("ij,ij->i", square, negative)
    with np.errstate(divide="ignore", invalid="ignore"):
        left, right = np.sqrt(left_total / below), np.sqrt((total - left_total) / above)
        ratio = left / right
        moments = np.abs(values).mean(axis=1) ** 2 / (total / values.shape[1])
        moments = moments * (ratio**3 + 1.0) * (ratio + 1.0) / (ratio**2 + 1.0) ** 2
    return Asymmetric(_shape_of(moments), left, right)


def fit_symmetric(values: np.ndarray) -> tuple[float, float]:
    """Shape and variance of the generalised Gaussian fitted to all values; where all are zero its shape is NaN."""
    variance = np.mean(values * values)
    with np.errstate(invalid="ignore"):
        moments = np.abs(values).mean() ** 2 / variance
    return float(_shape_of(np.array([moments]))[0]), float(variance)


def _shape_of(moments: np.ndarray) -> np.ndarray:
    """Shapes whose squared mean magnitude over the mean square is ``moments``; not finite where that is not."""
    shapes, table = _moments_by_shape()
    found = np.interp(moments, table, shapes)
    return np.where(np.isfinite(moments), found, np.nan)


@lru_cache(maxsize=1)
def _moments_by_shape() -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import gamma

    shapes = np.arange(0.2, 10.0005, 0.001)
    return shapes, gamma(2.0 / shapes) ** 2 / (gamma(1.0 / shapes) * gamma(3.0 / shapes))
