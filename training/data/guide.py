"""What the encoder of `edge` sees in photos, in few figures: principal components of its statistics.

`nano` learns to tell them beside the score, so that its trunk keeps what the larger network found worth seeing.
"""

import numpy as np
import torch

from .feature_store import FeatureStore

FIGURES = 64
_MARGIN = 32
"""Components computed beyond those that are kept, for accuracy."""


def encoder_figures(store: FeatureStore, fit: np.ndarray, figures: int = FIGURES) -> np.ndarray:
    """Principal components, each of deviation 1 over the photos ``fit``: float32 [rows, figures].

    Both views' statistics count, those of crops as their mean, every one with the mean and deviation it has over
    ``fit`` removed. Rows without features are NaN.
    """
    rows = np.flatnonzero(store.done)
    fitted = np.isin(rows, fit)
    values = np.concatenate((_flat(store, "whole", rows), _flat(store, "crop", rows)), axis=1)
    values = (values - values[fitted].mean(axis=0)) / (values[fitted].std(axis=0) + 1e-3)
    torch.manual_seed(0)
    most = min(figures + _MARGIN, int(fitted.sum()))
    directions = torch.svd_lowrank(torch.from_numpy(values[fitted]), q=most, niter=3)[2].numpy()
    components = values @ directions[:, :figures]
    found = np.full((len(store.done), components.shape[1]), np.nan, np.float32)
    found[rows] = components / components[fitted].std(axis=0)
    return found


def _flat(store: FeatureStore, view: str, rows: np.ndarray) -> np.ndarray:
    values = store.maps[f"{view}_statistics"][rows].astype(np.float32)
    return (values.mean(axis=1) if view == "crop" else values).reshape(len(rows), -1)
