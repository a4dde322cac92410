"""What every trainer does: epochs until validation no longer improves, each kept, a stopped run going on where it was.

A model's own trainer says what a batch is, what is lost on it and what its scores are.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.calibration import agreement as metrics

from ..data.edge_batches import Pairs, shuffled
from .run_folder import RunFolder

Progress = Callable[[int, int, int, float], None]
GOAL = "validation_srcc"
Store = TypeVar("Store")


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        pairs_per_batch: clean/degraded pairs beside each batch of photos; 0 for none.
        series_per_batch: pairs of the haze series beside each batch, ``series_margin`` apart; 0 for none.
        margin: score by which a degraded copy should lie below its photo.
        without: what the quality readers see as zeros, for the ablation.
    """

    seed: int = 1
    epochs: int = 10
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    pairs_per_batch: int = 16
    series_per_batch: int = 8
    series_margin: float = 0.03
    pair_weight: float = 1.0
    margin: float = 0.08
    patience: int = 4
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingData(Generic[Store]):
    """Rows to train and to validate on.

    Attributes:
        mos: human score of every row of ``photos``, float32.
        fit, validation: rows of ``photos``.
        fit_pairs, validation_pairs: rows of ``photos`` and of ``degraded``.
        series_pairs: rows of ``degraded`` alone, the clearer copy first.
    """

    photos: Store
    mos: np.ndarray
    fit: np.ndarray
    validation: np.ndarray
    degraded: Store
    fit_pairs: Pairs
    validation_pairs: Pairs
    series_pairs: Pairs


class Trainer(ABC, Generic[Store]):
    """One run.

    Attributes:
        part: name of the model's weights in a kept state.
        warm_up: epochs in which the learning rate rises.
        longest_gradient: norm to which gradients are cut.
    """

    part: str
    warm_up: float
    longest_gradient: float
    config: TrainingConfig
    data: TrainingData[Store]
    device: torch.device

    def _begin(self, model: nn.Module, groups: list[dict[str, Any]], run: RunFolder, started: bool) -> None:
        """Set up the optimizer and go on from the run's last state; a model not ``started`` is standardised."""
        self.model, self.run, self.epoch = model, run, 0
        self.optimizer = torch.optim.AdamW(groups, self.config.learning_rate)
        self.steps = max(1, len(self.data.fit) // self.config.batch)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        state = run.last_state()
        if state is not None:
            self.model.load_state_dict(state[self.part])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.epoch = int(state["epoch"])
        elif not started:
            self._standardise()

    def train(self, progress: Progress) -> None:
        """Train to the last epoch, or until validation no longer improves."""
        while self.epoch < self.config.epochs and not self.run.exhausted(GOAL):
            loss = self._epoch(progress)
            self.epoch += 1
            figures = {"epoch": float(self.epoch), "loss": loss, **self.validate()}
            state = {
                self.part: self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "epoch": self.epoch,
            }
            self.run.keep(figures, state, GOAL)

    def validate(self) -> dict[str, float]:
        """SRCC, PLCC and RMSE on the validation photos, the model's own figures, and the share of pairs in order."""
        data = self.data
        scores, others = self._validated()
        human = data.mos[data.validation]
        figures = {
            GOAL: metrics.srcc(scores, human),
            "validation_plcc": metrics.plcc(scores, human),
            "validation_rmse": metrics.rmse(scores, human),
            **others,
        }
        if len(data.validation_pairs):
            clean = self._quality(data.photos, data.validation_pairs.clean)
            worse = self._quality(data.degraded, data.validation_pairs.degraded)
            figures["validation_order"] = metrics.ordered_share(clean, worse)
        return figures

    def load_best(self) -> None:
        """Put the weights of the best epoch into the model."""
        self.model.load_state_dict(torch.load(self.run.best_file, map_location="cpu", weights_only=True)[self.part])

    @abstractmethod
    def _quality(self, store: Store, rows: np.ndarray) -> np.ndarray:
        """Scores of those rows, float32 [rows]."""

    @abstractmethod
    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        """Scores of the validation photos, and figures beyond agreement and order."""

    @abstractmethod
    def _loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        """What is lost on a batch; ``generator`` decides whether it is mirrored."""

    @abstractmethod
    def _standardise(self) -> None:
        """Set the model's means and deviations from the photos."""

    def _epoch(self, progress: Progress) -> float:
        config, data = self.config, self.data
        self._train_mode()
        generator = np.random.default_rng((config.seed, self.epoch))
        total, done = 0.0, 0
        for rows in shuffled(data.fit, config.batch, config.seed * 1000 + self.epoch):
            pairs = data.fit_pairs.drawn(config.pairs_per_batch, generator)
            series = data.series_pairs.drawn(config.series_per_batch, generator)
            loss = self._loss(rows, pairs, series, generator)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.longest_gradient)
            self.optimizer.step()
            self.schedule.step()
            total, done = total + float(loss.detach()), done + 1
            progress(self.epoch, done, self.steps, total / done)
        return total / max(1, done)

    def _train_mode(self) -> None:
        self.model.train()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def _rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / (self.warm_up * self.steps + 1))
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / (self.steps * self.config.epochs))))


def decay_groups(parameters: Iterable[nn.Parameter], rate: float, weight_decay: float) -> list[dict[str, Any]]:
    """Optimizer groups of a learning rate: weights, which decay, and vectors, which do not."""
    chosen = list(parameters)
    return [
        {"params": [p for p in chosen if p.ndim > 1], "lr": rate, "weight_decay": weight_decay},
        {"params": [p for p in chosen if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
    ]
