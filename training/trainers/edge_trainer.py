"""Trains the quality head of `edge` on cached features: human scores, and order of clean and degraded photos.

The encoder is not here at all; `data/features.py` ran it once. One model is chosen by its validation score.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.export.networks.edge import VIEW_RULE, EdgeHead, depth_cells
from dgiqa_edge.export.networks.views import plan_views

from ..data.edge_batches import Pairs, feature_moments, head_inputs, joined
from ..data.feature_store import FeatureStore
from .losses import ranking_loss, views_loss
from .run_folder import RunFolder
from .trainer import Trainer, TrainingConfig, TrainingData, decay_groups

INPUTS = ("whole grid", "whole statistics", "whole depth", "crop grid", "crop statistics", "crop depth")
EdgeData = TrainingData[FeatureStore]


@dataclass(frozen=True)
class EdgeConfig(TrainingConfig):
    """How to train; ``without`` may name ``depth``, ``whole``, ``crop``, ``grid``, ``statistics``.

    Attributes:
        dropout: share of the features, and of the view vectors, that a training step does not see.
        frame: height and width of the photos.
    """

    dropout: float = 0.3
    frame: tuple[int, int] = (512, 512)


class EdgeTrainer(Trainer[FeatureStore]):
    """One run."""

    part = "head"
    warm_up = 0.5
    longest_gradient = 1.0

    def __init__(
        self, config: EdgeConfig, data: EdgeData, run: RunFolder, start: dict[str, Tensor] | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data = config, data
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.cells = depth_cells(plan_views(config.frame, VIEW_RULE)).to(self.device)
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
            batches = (self._inputs(store, rows[at : at + 100]) for at in range(0, len(rows), 100))
            parts = [self.head(*inputs).float().mean(dim=1) for inputs in batches]
        return torch.cat(parts).cpu().numpy()

    def _quality(self, store: FeatureStore, rows: np.ndarray) -> np.ndarray:
        return self.scores(store, rows)

    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        return self.scores(self.data.photos, self.data.validation), {}

    def _loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        config, data = self.config, self.data
        inputs = self._inputs(data.photos, rows)
        if len(pairs):
            inputs = joined(inputs, self._inputs(data.photos, pairs.clean))
            inputs = joined(inputs, self._inputs(data.degraded, pairs.degraded))
        if len(series):
            inputs = joined(inputs, self._inputs(data.degraded, series.clean))
            inputs = joined(inputs, self._inputs(data.degraded, series.degraded))
        if generator.integers(2):
            inputs = _mirrored(inputs)
        with self._autocast():
            views = self.head(*inputs).float()
        predicted = views.mean(dim=1)
        human = torch.from_numpy(data.mos[rows]).to(self.device)
        loss = views_loss(views[: len(rows)], human)
        if len(pairs):
            better, worse = predicted[len(rows) : len(rows) + 2 * len(pairs)].chunk(2)
            # A photo must not lose its human score to the ranking: only the degraded copy is pushed.
            loss = loss + config.pair_weight * ranking_loss(better.detach(), worse, config.margin)
        if len(series):
            clearer, hazier = predicted[len(rows) + 2 * len(pairs) :].chunk(2)
            loss = loss + config.pair_weight * ranking_loss(clearer, hazier, config.series_margin)
        return loss

    def _inputs(self, store: FeatureStore, rows: np.ndarray) -> tuple[Tensor, ...]:
        inputs = head_inputs(store, rows, self.cells, self.device)
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
