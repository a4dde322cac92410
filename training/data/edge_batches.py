"""Batches for the quality head of `edge`, from cached features: photos with human scores, and clean/degraded pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .feature_store import FeatureStore


@dataclass(frozen=True)
class Pairs:
    """Rows of clean photos and of their degraded copies, in two stores: int64 [pairs] each."""

    clean: np.ndarray
    degraded: np.ndarray

    def __len__(self) -> int:
        return len(self.clean)

    def among(self, done: np.ndarray) -> "Pairs":
        """Those pairs whose clean photo is marked in ``done``."""
        kept = done[self.clean] == 1
        return Pairs(self.clean[kept], self.degraded[kept])

    def drawn(self, most: int, generator: np.random.Generator) -> "Pairs":
        """``most`` of them, or all where there are fewer, in a random order."""
        count = min(most, len(self))
        chosen = generator.choice(len(self), count, replace=False) if count else np.zeros(0, np.int64)
        return Pairs(self.clean[chosen], self.degraded[chosen])

    def largest(self, values: np.ndarray, most: int) -> "Pairs":
        """Those ``most`` whose values [pairs] are the largest, in falling order."""
        chosen = np.argsort(-values, kind="stable")[:most]
        return Pairs(self.clean[chosen], self.degraded[chosen])


def head_inputs(
    store: FeatureStore, rows: np.ndarray, device: torch.device, crops: Sequence[int] = (0,)
) -> tuple[Tensor, Tensor]:
    """The inputs of the head for those rows, statistics of whole views and of those of the store's crops."""
    whole, several = store.maps["whole_statistics"][rows], store.maps["crop_statistics"][rows][:, crops]
    several = several.reshape(-1, *several.shape[2:])
    return tuple(torch.from_numpy(views).to(device).float().flatten(1) for views in (whole, several))  # type: ignore[return-value]


def shuffled(rows: np.ndarray, size: int, seed: int) -> Iterator[np.ndarray]:
    """The rows in a random order, in batches of ``size``; a remainder is left for another epoch's order."""
    order = np.random.default_rng(seed).permutation(rows)
    for start in range(0, len(order) - size + 1, size):
        yield np.sort(order[start : start + size])  # ascending rows read a memory map faster


def feature_moments(array: np.ndarray, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation [4608] of statistics [rows, ..., 4, 3, 384] over the rows, and crops where there are any."""
    values = array[np.sort(rows)].astype(np.float32)
    values = values.reshape(-1, np.prod(values.shape[-3:]))
    return torch.from_numpy(values.mean(axis=0)), torch.from_numpy(values.std(axis=0) + 1e-3)
