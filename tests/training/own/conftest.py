"""Readings of photos that do not exist: what a network's last layers might have read."""

import numpy as np
import pytest

from dgiqa_edge.training.own.readout import Layer, Readings

WIDTH = 12


@pytest.fixture(scope="session")
def make_readings():
    """``make_readings(photos, seed, crops)``: whole view and crops see the same few things of a photo, and noise."""

    def make(photos=120, seed=0, crops=2):
        random = np.random.default_rng(seed)
        things = random.normal(size=(photos, 1, 4))
        layers = []
        for name, views in (("whole_score.out", 1), ("crop_score.out", crops)):
            seen = things @ random.normal(size=(4, WIDTH)) + 0.5 * random.normal(size=(photos, views, WIDTH))
            inputs = np.maximum(0.0, seen)
            layers.append(Layer(name, inputs, inputs @ (random.normal(size=WIDTH) / WIDTH) - 0.2))
        return Readings(tuple(layers), np.zeros((photos, 1 + crops)))

    return make
