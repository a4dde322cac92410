from dataclasses import dataclass

import numpy as np
import pytest

from dgiqa_edge.training.runs import jobs, teaching
from dgiqa_edge.training.trainers.edge_trainer import EdgeConfig, EdgeTrainer
from dgiqa_edge.training.trainers.run_folder import RunFolder


@dataclass
class Photos:
    mos: np.ndarray
    fit: np.ndarray

    @property
    def photos(self):
        return [None] * len(self.mos)

    def indices(self, part):
        assert part == "fit"
        return self.fit


@dataclass
class Degraded:
    copies: tuple


@dataclass
class Shop:
    photos: Photos
    degraded: Degraded
    features: object
    degraded_features: object


@pytest.fixture
def taught(edge_data, tmp_path, monkeypatch):
    """What the heads of all folds say, the heads, and which photos each may fit."""
    trained = []

    def trainer(shop, out, seen):
        config = EdgeConfig(epochs=3, batch=16, pairs_per_batch=4)
        trained.append((EdgeTrainer(config, edge_data.seeing(seen), RunFolder(out, config, 9)), seen))
        return trained[-1][0]

    monkeypatch.setattr(jobs, "edge_trainer", trainer)
    shop = Shop(Photos(edge_data.mos, edge_data.fit), Degraded(edge_data.copies), edge_data.photos, edge_data.degraded)
    return teaching.teach(shop, tmp_path, lambda *figures: None), trained


def test_every_photo_is_scored_by_the_head_that_never_saw_it(edge_data, taught):
    scores, trained = taught
    assert len(trained) == teaching.FOLDS
    held = np.stack([~seen for _, seen in trained])
    assert held[:, edge_data.fit].sum(axis=0).tolist() == [1] * len(edge_data.fit)
    assert not held[:, edge_data.validation].any()
    for (trainer, _), rows in zip(trained, held, strict=True):
        assert not set(np.flatnonzero(rows)) & set(trainer.data.fit)
        np.testing.assert_array_equal(scores.photos[rows], trainer.scores(edge_data.photos, np.arange(96))[rows])
        copies = np.array([rows[copy.row] for copy in edge_data.copies])
        np.testing.assert_array_equal(scores.copies[copies], trainer.scores(edge_data.degraded, np.arange(40))[copies])


def test_photos_to_validate_on_get_the_mean(edge_data, taught):
    scores, trained = taught
    means = np.mean([trainer.scores(edge_data.photos, np.arange(96)) for trainer, _ in trained], axis=0)
    np.testing.assert_allclose(scores.photos[edge_data.validation], means[edge_data.validation], atol=1e-6)
