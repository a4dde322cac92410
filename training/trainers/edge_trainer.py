"""Trains the quality head of `edge` on cached features: human scores, and order of clean and degraded photos.

The encoder is not here at all; `data/features.py` ran it once. One model is chosen by its validation score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dgiqa_edge.export.networks.edge import EdgeHead, depth_cells

from ..data.edge_batches import Pairs, feature_moments, head_inputs, joined
from ..data.feature_store import FeatureStore
from ..data.features import training_views
from .ladder_trainer import LadderConfig, LadderData, LadderTrainer, ladder_targets
from .losses import ladder_loss, views_loss
from .run_folder import RunFolder
from .trainer import decay_groups, device_of

INPUTS = ("whole grid", "whole statistics", "whole depth", "crop grid", "crop statistics", "crop depth")
EdgeData = LadderData[FeatureStore]


@dataclass(frozen=True)
class EdgeConfig(LadderConfig):
    """How to train; ``without`` may name ``depth``, ``whole``, ``crop``, ``grid``, ``statistics``.

    Attributes:
        dropout: share of the features, and of the view vectors, that a training step does not see.
        frame: height and width of the photos.
        crops: of the store's crops, how many validation reads; a training step reads any of them.
    """

    dropout: float = 0.3
    frame: tuple[int, int] = (512, 512)
    crops: int = 1


class EdgeTrainer(LadderTrainer[FeatureStore]):
    """One run."""

    part = "head"
    warm_up = 0.5
    longest_gradient = 1.0
    config: EdgeConfig

    def __init__(
        self, config: EdgeConfig, data: EdgeData, run: RunFolder, start: dict[str, Tensor] | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data = config, data
        self.device = device_of()
        self.cells = depth_cells(training_views(config.frame)).to(self.device)
        self.head = EdgeHead().to(self.device)
        for part in self.head.modules():
            if isinstance(part, nn.Dropout):
                part.p = config.dropout
        if start is not None:
            self.head.load_state_dict(start)
        groups = decay_groups(self.head.parameters(), config.learning_rate, config.weight_decay)
        self._begin(self.head, groups, run, started=start is not None)

    def scores(self, store: FeatureStore, rows: np.ndarray) -> np.ndarray:
        """Scores of those rows, float32 [rows]."""
        self.head.eval()
        with torch.no_grad():
            crops = range(self.config.crops)
            batches = (self._inputs(store, rows[at : at + 100], crops) for at in range(0, len(rows), 100))
            parts = [self.head(*inputs).float().mean(dim=1) for inputs in batches]
        return torch.cat(parts).cpu().numpy()

    def _quality(self, store: FeatureStore, rows: np.ndarray) -> np.ndarray:
        return self.scores(store, rows)

    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        return self.scores(self.data.photos, self.data.validation), {}

    def _ranked_loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        config, data = self.config, self.data
        stored = data.photos.maps["crop_grid"].shape[1]
        crops = generator.permutation(stored)[: int(generator.integers(1, stored + 1))].tolist()
        blanks = generator.choice(data.fit_blanks, min(config.blanks_per_batch, len(data.fit_blanks)), replace=False)
        copies = np.concatenate((pairs.degraded, series.clean, series.degraded, blanks))
        inputs = self._inputs(data.photos, rows, crops)
        if len(copies):
            inputs = joined(inputs, self._inputs(data.degraded, copies, crops))
        if generator.integers(2):
            inputs = _mirrored(inputs)
        with self._autocast():
            views = self.head(*inputs).float()
        loss = views_loss(views[: len(rows)], torch.from_numpy(data.mos[rows]).to(self.device))
        lengths = [len(rows), len(pairs), len(series), len(series), len(blanks)]
        _, of_photo, clearer, worse, dead = views.mean(dim=1).split(lengths)
        most, margins = (values.to(self.device) for values in ladder_targets(pairs, series, data))
        loss = loss + config.pair_weight * ladder_loss(of_photo, most, clearer, worse, margins)
        if len(blanks):
            loss = loss + F.smooth_l1_loss(dead, torch.full_like(dead, config.blank_score), beta=0.1)
        return loss

    def _inputs(self, store: FeatureStore, rows: np.ndarray, crops: Sequence[int]) -> tuple[Tensor, ...]:
        inputs = head_inputs(store, rows, self.cells, self.device, crops)
        left_out = set(self.config.without)
        named = zip(INPUTS, inputs, strict=True)
        return tuple(torch.zeros_like(value) if left_out & set(name.split()) else value for name, value in named)

    def _standardise(self) -> None:
        maps, rows = self.data.photos.maps, self.data.fit[:: max(1, len(self.data.fit) // 600)]
        for name, reader in (("whole", self.head.whole), ("crop", self.head.crop)):
            reader.grid_mean, reader.grid_deviation = feature_moments(maps[f"{name}_grid"], rows)
            mean, deviation = feature_moments(maps[f"{name}_statistics"], self.data.fit)
            reader.statistics_mean, reader.statistics_deviation = mean, deviation
        self.head.to(self.device)


def _mirrored(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Grids and depth left to right; statistics do not change."""
    whole_grid, whole_statistics, whole_depth, crop_grid, crop_statistics, crop_depth = inputs
    return (
        whole_grid.flip(3),
        whole_statistics,
        whole_depth.flip(2),
        crop_grid.flip(3),
        crop_statistics,
        crop_depth.flip(2),
    )
