"""Cached features of photos that do not exist, small enough to train on in a test."""

import numpy as np
import pytest

from dgiqa_edge.export.networks.dgiqa import Sizes
from dgiqa_edge.training.data.degraded_set import BLANK, Copy
from dgiqa_edge.training.data.edge_batches import Pairs
from dgiqa_edge.training.data.feature_store import FeatureStore
from dgiqa_edge.training.trainers.edge_trainer import EdgeData

PHOTOS = 96
COPIES = 32
BLANKS = 8


@pytest.fixture(scope="session")
def edge_data(tmp_path_factory):
    """Features in which one channel tells the score, copies in which it is lower, and blanks in which it is high."""
    folder = tmp_path_factory.mktemp("features")
    generator = np.random.default_rng(0)
    mos = generator.uniform(0, 1, PHOTOS).astype(np.float32)
    stores = []
    for name, scores in (("photos", mos), ("degraded", np.append(mos[:COPIES] - 0.5, np.full(BLANKS, 1.0)))):
        store = FeatureStore(folder / name, [str(number) for number in range(len(scores))])
        for number, score in enumerate(scores):
            values = {kind: generator.normal(0, 1, array.shape[1:]) for kind, array in store.maps.items()}
            for kind in ("whole_statistics", "crop_statistics"):
                values[kind][..., 0, :32] += 6 * (score - 0.5)
                values[kind][..., 0, 32:64] += 6 * (name == "degraded" and number >= COPIES)
            store.write(number, values)
        stores.append(store)
    rows, copies = np.arange(PHOTOS), np.arange(COPIES)
    return EdgeData(
        photos=stores[0],
        mos=mos,
        fit=rows[:64],
        validation=rows[64:],
        degraded=stores[1],
        fit_pairs=Pairs(copies[:24], copies[:24]),
        validation_pairs=Pairs(copies[24:], copies[24:]),
        series_pairs=Pairs(np.arange(3), np.arange(3, 6)),
        validation_series=Pairs(copies[24:26], copies[26:28]),
        fit_blanks=np.arange(COPIES, COPIES + 4),
        validation_blanks=np.arange(COPIES + 4, COPIES + BLANKS),
        copies=tuple(Copy(row, "noise", 0.5, 1) for row in range(COPIES))
        + tuple(Copy(0, BLANK, 1.0, seed) for seed in range(BLANKS)),
    )


@pytest.fixture(scope="session")
def small_sizes():
    """DGIQA shrunk in all widths."""
    return Sizes(((8, 1, 1), (16, 2, 2), (32, 4, 1), (64, 8, 1)), (16, 16, 16, 16), 4, 32)
