"""Batches for the quality head of `edge`, from cached features: photos with human scores, and clean/degraded pairs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dgiqa_edge.export.networks.depth_guidance import DepthCells

from .feature_store import FeatureStore

GRID_SIDE = 9


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


def head_inputs(
    store: FeatureStore, rows: np.ndarray, cells: DepthCells, device: torch.device, crops: Sequence[int] = (0,)
) -> tuple[Tensor, ...]:
    """The six inputs of the head for those rows, in its order, with those of the store's crops.

    Args:
        cells: of :func:`features.training_views`.
    """
    values = {
        kind: torch.from_numpy(array[rows][:, crops] if kind.startswith("crop") else array[rows]).to(device).float()
        for kind, array in store.maps.items()
    }
    whole_depth, crop_depth = cells(values["depth"])
    side = (4, GRID_SIDE, GRID_SIDE, values["whole_grid"].shape[-1])
    return (
        values["whole_grid"].reshape(-1, *side),
        values["whole_statistics"],
        whole_depth,
        values["crop_grid"].reshape(-1, *side),
        values["crop_statistics"].flatten(0, 1),
        crop_depth.unflatten(0, (len(rows), -1))[:, crops].flatten(0, 1),
    )


def joined(first: tuple[Tensor, ...], second: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Two sets of inputs as one batch."""
    return tuple(torch.cat(pair) for pair in zip(first, second, strict=True))


def shuffled(rows: np.ndarray, size: int, seed: int) -> Iterator[np.ndarray]:
    """The rows in a random order, in batches of ``size``; a remainder is left for another epoch's order."""
    order = np.random.default_rng(seed).permutation(rows)
    for start in range(0, len(order) - size + 1, size):
        yield np.sort(order[start : start + size])  # ascending rows read a memory map faster


def feature_moments(array: np.ndarray, rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and deviation per feature over the rows: over grid cells, and crops, too where the array has them.

    Statistics [rows, 4, 3, 384] give [4, 3, 384]; grids [rows, 4, 81, 384] give [4, 384].
    """
    values = array[np.sort(rows)].astype(np.float32)
    values = values.reshape(-1, *values.shape[-3:])
    if values.shape[2] > 3:
        return torch.from_numpy(values.mean(axis=(0, 2))), torch.from_numpy(values.std(axis=(0, 2)) + 1e-3)
    return torch.from_numpy(values.mean(axis=0)), torch.from_numpy(values.std(axis=0) + 1e-3)
