"""Trains the quality head of `edge` on cached features: human scores, and order of clean and degraded photos.

The encoder is not here at all; `data/features.py` ran it once. One model is chosen by its validation score.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.export.networks.edge import VIEW_RULE, EdgeHead, depth_cells
from dgiqa_edge.export.networks.views import plan_views

from ..data.edge_batches import Pairs, feature_moments, head_inputs, joined, shuffled
from ..data.feature_store import FeatureStore
from .losses import ranking_loss, score_loss
from .run_folder import RunFolder

Progress = Callable[[int, int, int, float], None]
GOAL = "validation_srcc"
INPUTS = ("whole grid", "whole statistics", "whole depth", "crop grid", "crop statistics", "crop depth")


@dataclass(frozen=True)
class EdgeConfig:
    """How to train.

    Attributes:
        dropout: share of the features, and of the view vectors, that a training step does not see.
        pairs_per_batch: clean/degraded pairs beside each batch of photos; 0 for none.
        series_per_batch: pairs of the haze series beside each batch, ``series_margin`` apart; 0 for none.
        margin: score by which a degraded copy should lie below its photo.
        without: inputs replaced by zeros, for the ablation: ``depth``, ``whole``, ``crop``, ``grid``, ``statistics``.
        frame: height and width of the photos.
    """

    seed: int = 1
    epochs: int = 10
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    dropout: float = 0.3
    pairs_per_batch: int = 16
    series_per_batch: int = 8
    series_margin: float = 0.03
    pair_weight: float = 1.0
    margin: float = 0.08
    patience: int = 4
    without: tuple[str, ...] = ()
    frame: tuple[int, int] = (512, 512)


@dataclass(frozen=True)
class EdgeData:
    """Rows to train and to validate on.

    Attributes:
        mos: human score of every row of ``photos``, float32.
        fit, validation: rows of ``photos``.
        fit_pairs, validation_pairs: rows of ``photos`` and of ``degraded``.
        series_pairs: rows of ``degraded`` alone, the clearer copy first.
    """

    photos: FeatureStore
    mos: np.ndarray
    fit: np.ndarray
    validation: np.ndarray
    degraded: FeatureStore | None
    fit_pairs: Pairs
    validation_pairs: Pairs
    series_pairs: Pairs


class EdgeTrainer:
    """One run."""

    def __init__(
        self, config: EdgeConfig, data: EdgeData, run: RunFolder, start: dict[str, Tensor] | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data, self.run = config, data, run
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.cells = depth_cells(plan_views(config.frame, VIEW_RULE)).to(self.device)
        self.head = EdgeHead().to(self.device)
        for part in self.head.modules():
            if isinstance(part, nn.Dropout):
                part.p = config.dropout
        if start is None:
            self._standardise()
        else:
            self.head.load_state_dict(start)
        decayed = [p for p in self.head.parameters() if p.ndim > 1]
        plain = [p for p in self.head.parameters() if p.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": decayed}, {"params": plain, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, config.learning_rate, weight_decay=config.weight_decay)
        self.steps = max(1, len(data.fit) // config.batch)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        self.epoch = 0
        state = run.last_state()
        if state is not None:
            self.head.load_state_dict(state["head"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.epoch = int(state["epoch"])

    def train(self, progress: Progress) -> None:
        """Train to the last epoch, or until validation no longer improves."""
        while self.epoch < self.config.epochs and not self.run.exhausted(GOAL):
            loss = self._epoch(progress)
            self.epoch += 1
            figures = {"epoch": float(self.epoch), "loss": loss, **self.validate()}
            state = {
                "head": self.head.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "epoch": self.epoch,
            }
            self.run.keep(figures, state, GOAL)

    def validate(self) -> dict[str, float]:
        """SRCC, PLCC and RMSE on the validation photos; share of pairs in order."""
        scores = self.scores(self.data.photos, self.data.validation)
        human = self.data.mos[self.data.validation]
        figures = {
            GOAL: metrics.srcc(scores, human),
            "validation_plcc": metrics.plcc(scores, human),
            "validation_rmse": metrics.rmse(scores, human),
        }
        pairs = self.data.validation_pairs
        if self.data.degraded is not None and len(pairs):
            clean = self.scores(self.data.photos, pairs.clean)
            degraded = self.scores(self.data.degraded, pairs.degraded)
            figures["validation_order"] = metrics.ordered_share(clean, degraded)
        return figures

    def scores(self, store: FeatureStore, rows: np.ndarray) -> np.ndarray:
        """Scores of those rows, float32 [rows]."""
        self.head.eval()
        with torch.no_grad():
            parts = [self._predict(self._inputs(store, rows[at : at + 100])) for at in range(0, len(rows), 100)]
        return torch.cat(parts).cpu().numpy()

    def _epoch(self, progress: Progress) -> float:
        config, data = self.config, self.data
        self.head.train()
        generator = np.random.default_rng((config.seed, self.epoch))
        total, done = 0.0, 0
        for rows in shuffled(data.fit, config.batch, config.seed * 1000 + self.epoch):
            inputs = self._inputs(data.photos, rows)
            human = torch.from_numpy(data.mos[rows]).to(self.device)
            pairs = min(config.pairs_per_batch, len(data.fit_pairs))
            if pairs and data.degraded is not None:
                drawn = generator.choice(len(data.fit_pairs), pairs, replace=False)
                inputs = joined(inputs, self._inputs(data.photos, data.fit_pairs.clean[drawn]))
                inputs = joined(inputs, self._inputs(data.degraded, data.fit_pairs.degraded[drawn]))
            series = min(config.series_per_batch, len(data.series_pairs))
            if series and data.degraded is not None:
                drawn = generator.choice(len(data.series_pairs), series, replace=False)
                inputs = joined(inputs, self._inputs(data.degraded, data.series_pairs.clean[drawn]))
                inputs = joined(inputs, self._inputs(data.degraded, data.series_pairs.degraded[drawn]))
            if generator.integers(2):
                inputs = _mirrored(inputs)
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
                views = self._views(inputs)
            predicted = views.mean(dim=1)
            loss = score_loss(predicted[: len(rows)], human)
            for view in range(views.shape[1]):
                loss = loss + 0.25 * score_loss(views[: len(rows), view], human)
            if pairs:
                better, worse = predicted[len(rows) : len(rows) + 2 * pairs].chunk(2)
                # A photo must not lose its human score to the ranking: only the degraded copy is pushed.
                loss = loss + config.pair_weight * ranking_loss(better.detach(), worse, config.margin)
            if series:
                clearer, hazier = predicted[len(rows) + 2 * pairs :].chunk(2)
                loss = loss + config.pair_weight * ranking_loss(clearer, hazier, config.series_margin)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.head.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            total, done = total + float(loss.detach()), done + 1
            progress(self.epoch, done, self.steps, total / done)
        return total / max(1, done)

    def _inputs(self, store: FeatureStore, rows: np.ndarray) -> tuple[Tensor, ...]:
        inputs = head_inputs(store, rows, self.cells, self.device)
        left_out = set(self.config.without)
        named = zip(INPUTS, inputs, strict=True)
        return tuple(torch.zeros_like(value) if left_out & set(name.split()) else value for name, value in named)

    def _views(self, inputs: tuple[Tensor, ...]) -> Tensor:
        return self.head(*inputs).float()

    def _predict(self, inputs: tuple[Tensor, ...]) -> Tensor:
        return self._views(inputs).mean(dim=1)

    def _standardise(self) -> None:
        maps, rows = self.data.photos.maps, self.data.fit[:: max(1, len(self.data.fit) // 600)]
        for name, reader in (("whole", self.head.whole), ("crop", self.head.crop)):
            reader.grid_mean, reader.grid_deviation = feature_moments(maps[f"{name}_grid"], rows)
            mean, deviation = feature_moments(maps[f"{name}_statistics"], self.data.fit)
            reader.statistics_mean, reader.statistics_deviation = mean, deviation
        self.head.to(self.device)

    def _rate(self, step: int) -> float:
        whole = self.steps * self.config.epochs
        warm = min(1.0, (step + 1) / (0.5 * self.steps + 1))
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / whole)))


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
