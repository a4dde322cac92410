"""What `edge` says of photos that it never saw, for `nano` to learn from."""

from pathlib import Path

import numpy as np

from ..data.feature_store import FeatureStore
from ..trainers.edge_trainer import EdgeTrainer
from . import jobs

FOLDS, FOLD_SEED = 4, 3


def teach(shop: jobs.Workshop, out: Path, progress: jobs.EpochProgress) -> jobs.Taught:
    """`edge`'s scores of every photo and copy by heads that never saw that photo: a teacher that knows no answers.

    The photos to fit are split into folds, a head is trained on all but one of them and scores that one; validation
    photos get the mean of all heads. Each head is a run of its own under ``out``.
    """
    fold_of = np.random.default_rng(FOLD_SEED).integers(0, FOLDS, len(shop.photos.photos))
    fold_of[~np.isin(np.arange(len(fold_of)), shop.photos.indices("fit"))] = -1
    of_copies = fold_of[[copy.row for copy in shop.degraded.copies]]
    found = []
    for fold in range(FOLDS):
        trainer = jobs.edge_trainer(shop, out / f"fold-{fold}", seen=fold_of != fold)
        trainer.train(progress)
        trainer.load_best()
        found.append([_all_scores(trainer, store) for store in (shop.features, shop.degraded_features)])
    photos, copies = (np.stack(scores) for scores in zip(*found, strict=True))
    return jobs.Taught(_by_others(photos, fold_of), _by_others(copies, of_copies))


def _all_scores(trainer: EdgeTrainer, store: FeatureStore) -> np.ndarray:
    scores = np.full(len(store.done), np.nan, np.float32)
    rows = np.flatnonzero(store.done)
    if len(rows):
        scores[rows] = trainer.scores(store, rows)
    return scores


def _by_others(scores: np.ndarray, fold_of: np.ndarray) -> np.ndarray:
    """Of scores [folds, rows] that of the head whose fold the row is, or the mean where it is none's: [rows]."""
    own = np.take_along_axis(scores, np.maximum(fold_of, 0)[None], axis=0)[0]
    return np.where(fold_of < 0, scores.mean(axis=0), own)
