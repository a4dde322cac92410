"""What is learned: how the last layers of a network change, and what frames score then. Arrays only, float64.

A frame's score is the mean of its views' sigmoids, and the last layer of each kind of view turns what the network
found in it, ``inputs``, into a logit. Everything before stays as it is, so inputs are computed once for each photo.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Layer:
    """A last layer and what it read in some photos.

    Attributes:
        name: of the layer in the network.
        inputs: [photos, views, width].
        logits: [photos, views], what the base makes of them.
    """

    name: str
    inputs: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class Readings:
    """All last layers of some photos, whole view first, and ``offset`` [photos, views], added to logits after them."""

    layers: tuple[Layer, ...]
    offset: np.ndarray

    def __len__(self) -> int:
        return len(self.offset)

    def of(self, rows: np.ndarray) -> "Readings":
        """Those of some photos."""
        layers = tuple(Layer(one.name, one.inputs[rows], one.logits[rows]) for one in self.layers)
        return Readings(layers, self.offset[rows])


@dataclass(frozen=True)
class Change:
    """New logits of a layer: ``scale`` times the base's, plus its inputs times ``steps`` [width], plus ``shifts``."""

    scale: float
    steps: tuple[np.ndarray, ...]
    shifts: tuple[float, ...]

    def logits(self, readings: Readings) -> np.ndarray:
        """Of photos' views, [photos, views]."""
        parts = [
            self.scale * layer.logits + layer.inputs @ step + shift
            for layer, step, shift in zip(readings.layers, self.steps, self.shifts, strict=True)
        ]
        return np.concatenate(parts, axis=1) + readings.offset

    def scores(self, readings: Readings) -> np.ndarray:
        """Of photos, [photos] in [0, 1]."""
        return sigmoid(self.logits(readings)).mean(axis=1)

    def weights(self, number: int, weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The layer's own: weight [1, width] and bias [1] of the base to new ones."""
        return self.scale * weight + self.steps[number], self.scale * bias + self.shifts[number]


def nothing(readings: Readings) -> Change:
    """The base as it is."""
    return Change(
        1.0, tuple(np.zeros(one.inputs.shape[2]) for one in readings.layers), tuple(0.0 for _ in readings.layers)
    )


def joined(parts: Sequence[Readings]) -> Readings:
    """Readings of one photo after the other."""
    layers = tuple(
        Layer(ones[0].name, np.concatenate([one.inputs for one in ones]), np.concatenate([one.logits for one in ones]))
        for ones in zip(*(part.layers for part in parts), strict=True)
    )
    return Readings(layers, np.concatenate([part.offset for part in parts]))


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) that does not overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))
