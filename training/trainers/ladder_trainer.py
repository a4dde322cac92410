"""What trainers do that rank photos above degraded copies of them, and clearer copies above worse ones."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from dgiqa_edge.calibration import agreement as metrics

from ..data.degraded_set import Copy
from ..data.edge_batches import Pairs
from .trainer import Store, Trainer, TrainingConfig, TrainingData

Data = TypeVar("Data", bound="LadderData[Any]")
LEAST_APART, APART = 0.02, 0.15
"""Scores of two copies of a ladder lie apart by this, or by this share of what the one loses beyond the other."""


@dataclass(frozen=True)
class LadderConfig(TrainingConfig):
    """How to train.

    Attributes:
        pairs_per_batch: photos and copies of them beside each batch of photos; 0 for none.
        series_per_batch: pairs of copies of one ladder beside each batch; 0 for none.
        hardest_of: times as many pairs are drawn, and those furthest out of order are learned from; kinds that are in
            order already would else fill every batch.
        blanks_per_batch: frames of dead cameras, whose score should be ``blank_score``.
        without: what the quality readers see as zeros, for the ablation.
    """

    pairs_per_batch: int = 16
    series_per_batch: int = 8
    hardest_of: int = 1
    blanks_per_batch: int = 3
    blank_score: float = 0.02
    pair_weight: float = 2.0
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class LadderData(TrainingData[Store]):
    """Rows to train and to validate on.

    Attributes:
        fit_pairs, validation_pairs: rows of ``photos`` and of ``degraded``.
        series_pairs: rows of ``degraded`` alone, the clearer copy first.
        validation_series: the same of validation photos.
        fit_blanks, validation_blanks: rows of ``degraded`` that are frames of dead cameras.
        copies: what the rows of ``degraded`` are.
    """

    degraded: Store
    fit_pairs: Pairs
    validation_pairs: Pairs
    series_pairs: Pairs
    validation_series: Pairs
    fit_blanks: np.ndarray
    validation_blanks: np.ndarray
    copies: tuple[Copy, ...]

    def seeing(self: Data, seen: np.ndarray) -> Data:
        """The same, but to fit only the photos marked in ``seen``, bool [photos], and copies of them."""
        of_these = np.array([seen[copy.row] for copy in self.copies], bool)
        return replace(
            self,
            fit=self.fit[seen[self.fit]],
            fit_pairs=self.fit_pairs.among(seen),
            series_pairs=self.series_pairs.among(of_these),
        )

    def told(self) -> str:
        """How much there is, for people."""
        return f"{super().told()}, {len(self.fit_pairs) + len(self.series_pairs)} pairs"


class LadderTrainer(Trainer[Store]):
    """One run."""

    config: LadderConfig
    data: LadderData[Store]

    def validate(self) -> dict[str, float]:
        """Agreement as for every model, and the share of pairs in order."""
        data, figures = self.data, super().validate()
        if len(data.validation_pairs):
            clean = self._quality(data.photos, data.validation_pairs.clean)
            worse = self._quality(data.degraded, data.validation_pairs.degraded)
            figures["validation_order"] = metrics.ordered_share(clean, worse)
        if len(data.validation_series):
            clearer = self._quality(data.degraded, data.validation_series.clean)
            worse = self._quality(data.degraded, data.validation_series.degraded)
            figures["validation_steps"] = metrics.ordered_share(clearer, worse)
        if len(data.validation_blanks):
            figures["blank_worst"] = float(self._quality(data.degraded, data.validation_blanks).max())
        return figures

    @abstractmethod
    def _quality(self, store: Store, rows: np.ndarray) -> np.ndarray:
        """Scores of those rows, float32 [rows]."""

    @abstractmethod
    def _ranked_loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        """What is lost on a batch and the pairs beside it."""

    def _loss(self, rows: np.ndarray, generator: np.random.Generator) -> Tensor:
        config, data = self.config, self.data
        pairs = data.fit_pairs.drawn(config.hardest_of * config.pairs_per_batch, generator)
        series = data.series_pairs.drawn(config.hardest_of * config.series_per_batch, generator)
        if config.hardest_of > 1:
            most, margins = (of.numpy() for of in ladder_targets(pairs, series, data))
            over = self._copies(pairs.degraded) - most
            late = self._copies(series.degraded) - self._copies(series.clean) + margins
            pairs, series = pairs.largest(over, config.pairs_per_batch), series.largest(late, config.series_per_batch)
            self._train_mode()
        return self._ranked_loss(rows, pairs, series, generator)

    def _copies(self, rows: np.ndarray) -> np.ndarray:
        return self._quality(self.data.degraded, rows) if len(rows) else np.zeros(0, np.float32)


def ladder_targets(pairs: Pairs, series: Pairs, data: LadderData[Any]) -> tuple[Tensor, Tensor]:
    """The most that copies may score beside their photos [pairs], and the distances of copies of a ladder [series]."""
    copies = data.copies
    beside = zip(pairs.clean, pairs.degraded, strict=True)
    most = [data.mos[row] * (1.0 - copies[copy].taken) for row, copy in beside]
    apart = (
        copies[worse].taken - copies[clearer].taken
        for clearer, worse in zip(series.clean, series.degraded, strict=True)
    )
    margins = [max(LEAST_APART, APART * taken) for taken in apart]
    return torch.tensor(most, dtype=torch.float32), torch.tensor(margins, dtype=torch.float32)
