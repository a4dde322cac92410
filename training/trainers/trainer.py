"""What every trainer does: epochs until validation no longer improves, each kept, a stopped run going on where it was.

A run is kept after every epoch and every few minutes within one; what a step draws depends on its number alone, so a
run that was killed goes on as if nothing had been. A model's own trainer says what a batch is, what is lost on it and
what its scores are.
"""

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.runtime.errors import MachineError

from ..data.edge_batches import shuffled
from .run_folder import RunFolder

Progress = Callable[[int, int, int, float], None]
GOAL = "validation_srcc"
KEEP_SECONDS = 300.0
Store = TypeVar("Store")


@dataclass(frozen=True)
class TrainingConfig:
    """How to train.

    Attributes:
        patience: epochs without a better validation score after which training stops.
    """

    seed: int = 1
    epochs: int = 10
    batch: int = 64
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    patience: int = 4


@dataclass(frozen=True)
class TrainingData(Generic[Store]):
    """Rows to train and to validate on.

    Attributes:
        mos: human score of every row of ``photos``, float32.
        fit, validation: rows of ``photos``.
    """

    photos: Store
    mos: np.ndarray
    fit: np.ndarray
    validation: np.ndarray

    def told(self) -> str:
        """How much there is, for people."""
        return f"{len(self.fit)} photos"


class Trainer(ABC, Generic[Store]):
    """One run.

    Attributes:
        part: name of the model's weights in a kept state.
        warm_up: epochs in which the learning rate rises.
        longest_gradient: norm to which gradients are cut.
        goal: figure by which the best epoch is chosen.
        mixes_on_cpu: whether convolutions are its cost, for which bfloat16 pays on a CPU that has it.
    """

    goal: str = GOAL
    mixes_on_cpu: bool = False

    part: str
    warm_up: float
    longest_gradient: float
    config: TrainingConfig
    data: TrainingData[Store]
    device: torch.device

    def _begin(self, model: nn.Module, groups: list[dict[str, Any]], run: RunFolder, started: bool) -> None:
        """Set up the optimizer and go on from the run's last state; a model not ``started`` is standardised."""
        self.model, self.run, self.epoch, self.step, self.lost = model, run, 0, 0, 0.0
        self.optimizer = torch.optim.AdamW(groups, self.config.learning_rate)
        self.steps = max(1, len(self._fit_rows()) // self.config.batch)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        state = run.last_state()
        if state is not None:
            self.model.load_state_dict(state[self.part])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.epoch, self.step, self.lost = int(state["epoch"]), int(state["step"]), float(state["lost"])
            self._restore(state)
        elif not started:
            self._standardise()

    def train(self, progress: Progress) -> None:
        """Train to the last epoch, or until validation no longer improves."""
        while self.epoch < self.config.epochs and not self.run.exhausted(self.goal):
            loss = self._epoch(progress)
            self.epoch, self.step, self.lost = self.epoch + 1, 0, 0.0
            figures = {"epoch": float(self.epoch), "loss": loss, **self.validate()}
            self.run.keep(figures, self._state(), self.goal, self.part)

    def validate(self) -> dict[str, float]:
        """SRCC, PLCC and RMSE on the validation photos, and the model's own figures."""
        data = self.data
        scores, others = self._validated()
        human = data.mos[data.validation]
        return {
            GOAL: metrics.srcc(scores, human),
            "validation_plcc": metrics.plcc(scores, human),
            "validation_rmse": metrics.rmse(scores, human),
            **others,
        }

    def load_best(self) -> None:
        """Put the weights of the best epoch into the model."""
        self.model.load_state_dict(torch.load(self.run.best_file, map_location="cpu", weights_only=True)[self.part])

    @abstractmethod
    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        """Scores of the validation photos, and figures beyond agreement."""

    @abstractmethod
    def _loss(self, rows: np.ndarray, generator: np.random.Generator) -> Tensor:
        """What is lost on a batch; ``generator`` decides what it looks like."""

    def _standardise(self) -> None:
        """Set the model's means and deviations, where it has any, from the photos."""

    def _fit_rows(self) -> np.ndarray:
        """The rows of an epoch, in any order."""
        return self.data.fit

    def _epoch(self, progress: Progress) -> float:
        config = self.config
        self._train_mode()
        kept = time.monotonic()
        for number, rows in enumerate(shuffled(self._fit_rows(), config.batch, config.seed * 1000 + self.epoch)):
            if number < self.step:
                continue  # done before the run was stopped
            generator = np.random.default_rng((config.seed, self.epoch, number))
            torch.manual_seed(int(generator.integers(2**31)))  # of dropout
            loss = self._loss(rows, generator)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), self.longest_gradient)
            self.optimizer.step()
            self.schedule.step()
            self._stepped()
            self.step, self.lost = number + 1, self.lost + float(loss.detach())
            progress(self.epoch, self.step, self.steps, self.lost / self.step)
            if time.monotonic() - kept > KEEP_SECONDS:
                self.run.keep_step(self._state(), {"epoch": self.epoch + 1, "step": self.step, "steps": self.steps})
                kept = time.monotonic()
        return self.lost / max(1, self.step)

    def _state(self) -> dict[str, Any]:
        """All that a run needs to go on; a trainer may add to it and take it up again in :meth:`_restore`."""
        return {
            self.part: self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epoch": self.epoch,
            "step": self.step,
            "lost": self.lost,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        """Take up what a trainer added to the state."""

    def _stepped(self) -> None:
        """What a trainer does after each step."""

    def _train_mode(self) -> None:
        self.model.train()

    @property
    def mixed(self) -> bool:
        """Whether steps compute in bfloat16 where the device has it; its range needs no scaling of the loss."""
        if self.device.type == "cuda":
            return torch.cuda.is_bf16_supported(including_emulation=False)
        return self.mixes_on_cpu and bool(torch.cpu._is_avx512_bf16_supported())

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.mixed)

    def _rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / (self.warm_up * self.steps + 1))
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / (self.steps * self.config.epochs))))


def device_of(name: str = "auto") -> torch.device:
    """The device of that name: ``cpu``, ``cuda``, or ``auto`` for a GPU where there is one.

    Raises:
        MachineError: ``cuda``, and PyTorch finds none.
    """
    found = torch.cuda.is_available()
    if name == "cuda" and not found:
        raise MachineError("PyTorch finds no CUDA GPU here: leave --device out, or install a CUDA build of PyTorch")
    return torch.device("cuda" if found and name != "cpu" else "cpu")


def decay_groups(parameters: Iterable[nn.Parameter], rate: float, weight_decay: float) -> list[dict[str, Any]]:
    """Optimizer groups of a learning rate: weights, which decay, and vectors, which do not."""
    chosen = list(parameters)
    return [
        {"params": [p for p in chosen if p.ndim > 1], "lr": rate, "weight_decay": weight_decay},
        {"params": [p for p in chosen if p.ndim <= 1], "lr": rate, "weight_decay": 0.0},
    ]
