"""BRISQUE (Mittal, Moorthy, Bovik 2012): scene statistics of a frame, and the authors' regression onto human scores.

Written from the paper; the authors' trained regression is read from the package brisque, whose own code needs an older
numpy.
"""

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .natural_scenes import NEIGHBOURS, fit_asymmetric, fit_symmetric, halved, luminance, normalised

FEATURES = 36
SMALLEST_SIDE = 16


@dataclass(frozen=True, eq=False)
class Regression:
    """A support vector regression with a Gaussian kernel over features stretched to -1..1.

    Attributes:
        low, high: float64 [36], the features that are stretched to -1 and 1.
        vectors: float64 [vectors, 36]; ``weights`` float64 [vectors] of them.
        gamma: of the kernel ``exp(-gamma |x - v|^2)``.
        offset: subtracted from the weighted sum.
    """

    low: np.ndarray
    high: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray
    gamma: float
    offset: float

    def predict(self, features: np.ndarray) -> float:
        """The value for features float64 [36]."""
        stretched = 2.0 * (features - self.low) / (self.high - self.low) - 1.0
        distance = ((self.vectors - stretched) ** 2).sum(axis=1)
        return float(self.weights @ np.exp(-self.gamma * distance) - self.offset)


def load_regression(model: Path, spans: Path) -> Regression:
    """The regression of the package brisque: a libsvm text model, and the features' spans in a pickle of plain lists.

    Raises:
        ValueError: a file is not of that form.
    """
    header, _, body = model.read_text(encoding="ascii").partition("\nSV\n")
    settings = dict(line.split(maxsplit=1) for line in header.splitlines())
    if (settings.get("svm_type"), settings.get("kernel_type")) != ("epsilon_svr", "rbf"):
        raise ValueError(f"{model} is not a regression with a Gaussian kernel in libsvm's text form")
    rows = [line.split() for line in body.splitlines() if line.strip()]
    vectors = np.zeros((len(rows), FEATURES))
    for vector, row in zip(vectors, rows, strict=True):
        for entry in row[1:]:
            index, value = entry.split(":")
            vector[int(index) - 1] = float(value)
    with spans.open("rb") as stream:
        limits = _PlainUnpickler(stream).load()
    low, high = (np.asarray(limits[key], np.float64) for key in ("min_", "max_"))
    if low.shape != (FEATURES,) or high.shape != (FEATURES,) or not (low < high).all():
        raise ValueError(f"{spans} does not hold the spans of {FEATURES} features")
    weights = np.array([float(row[0]) for row in rows])
    return Regression(low, high, vectors, weights, float(settings["gamma"]), float(settings["rho"]))


def brisque(frame: np.ndarray, regression: Regression) -> float:
    """Degradation of a frame uint8 [H, W, 3] BGR: about 0 (best) to 100.

    Raises:
        ValueError: the frame is too small, or flat.
    """
    found = features(frame)
    if not np.isfinite(found).all():
        raise ValueError("the frame is flat: BRISQUE is not defined")
    return regression.predict(found)


def features(frame: np.ndarray) -> np.ndarray:
    """36 features, float64: 18 at the frame's size, 18 at half of it."""
    if min(frame.shape[:2]) < SMALLEST_SIDE:
        size = f"{frame.shape[1]}x{frame.shape[0]}"
        raise ValueError(f"a frame of {size} is too small for BRISQUE: it needs {SMALLEST_SIDE} pixels per side")
    image = luminance(frame)
    return np.array([*_features(image), *_features(halved(image))])


def _features(image: np.ndarray) -> list[float]:
    import cv2

    values = normalised(image, cv2.BORDER_CONSTANT)
    found = list(fit_symmetric(values))
    for down, right in NEIGHBOURS:
        pair = fit_asymmetric(_with_neighbour(values, down, right).reshape(1, -1))
        found += [float(column[0]) for column in (pair.shape, pair.mean, pair.left**2, pair.right**2)]
    return found


def _with_neighbour(values: np.ndarray, down: int, right: int) -> np.ndarray:
    """Products of each pixel with the one that many steps down and right, where both lie in the image."""
    height, width = values.shape
    first, second = (slice(0, width - 1), slice(1, width)) if right else (slice(None), slice(None))
    if right < 0:
        first, second = second, first
    return values[: height - down, first] * values[down:, second]


class _PlainUnpickler(pickle.Unpickler):
    """Plain lists and numbers only: a model file must not be able to run code."""

    def find_class(self, module_name: str, global_name: str) -> object:
        raise ValueError(f"a BRISQUE model holds numbers only, not {module_name}.{global_name}")
