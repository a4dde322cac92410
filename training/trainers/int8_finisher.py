"""Finishes `nano` for INT8: a short training in which it computes as an INT8 build does, with itself as the teacher.

The network that comes in is frozen and teaches. The one that learns has its weights on INT8 grids throughout, so its
FP32 and its INT8 builds hold the same weights and differ by the rounding of tensors alone; both ways of computing are
kept near the teacher and near each other. No human score is used.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.calibration.int8.grids import SIGNED_LEVELS
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.export.networks.statistics_reader import StatisticsReader
from dgiqa_edge.export.networks.views import Size
from dgiqa_edge.runtime.errors import ConfigurationError

from ..data.frame_views import FrameBatches, FrameViews, Read, frame_views
from .int8_rounding import OFF, ON, Int8Rounding, Reading, reading
from .losses import depth_loss
from .run_folder import RunFolder
from .trainer import device_of

Progress = Callable[[int, int, int, float], None]
GOAL = "closeness"
BATCH = 8
WARM_UP = 8
"""Steps in which the learning rate rises."""

VIEWS = ("whole", "crop")


@dataclass(frozen=True)
class FinishConfig:
    """How to finish.

    Attributes:
        batches: steps of one epoch, each on ``batch`` photos of one frame size.
        weight_rate: learning rate of a weight tensor, in steps of its channels' INT8 grids (their median).
        vector_rate: that of biases and norms.
        frames: frame sizes in turn, ``WIDTHxHEIGHT``.
        score_weight, statistics_weight, depth_weight, fault_weight: of the distances to the teacher.
        apart_weight: of the distance between the scores with tensors on their grids and in float.
        degraded_share: of the photos that a step sees degraded.
        validation: photos of the validation part that judge an epoch.
    """

    seed: int = 1
    epochs: int = 4
    batches: int = 32
    batch: int = 8
    weight_rate: float = 0.005
    vector_rate: float = 3e-5
    frames: tuple[str, ...] = ("512x512", "640x480", "1280x720", "1920x1080")
    score_weight: float = 10.0
    apart_weight: float = 30.0
    statistics_weight: float = 1.0
    depth_weight: float = 0.3
    fault_weight: float = 2.0
    degraded_share: float = 0.25
    validation: int = 48

    def __post_init__(self) -> None:
        if not self.sizes:
            raise ConfigurationError("[finish] frames: name at least one size, like '640x480'")

    @property
    def sizes(self) -> tuple[Size, ...]:
        """Heights and widths.

        Raises:
            ConfigurationError: one of ``frames`` is not ``WIDTHxHEIGHT``.
        """
        try:
            pairs = [tuple(int(side) for side in str(text).split("x")) for text in self.frames]
            return tuple((height, width) for width, height in pairs)
        except ValueError:
            raise ConfigurationError(f"[finish] frames: {list(self.frames)} are not all like '640x480'") from None


@dataclass(frozen=True)
class FinishData:
    """What to learn from.

    Attributes:
        read: gives the photo of a row, uint8 [H, W, 3].
        mos: human score of every row, float32; for the curves alone.
        fit, validation: rows.
        calibration: pictures uint8 [H, W, 3] whose extremes set the grids, as a build's photos do.
    """

    read: Read
    mos: np.ndarray
    fit: np.ndarray
    validation: np.ndarray
    calibration: list[np.ndarray]


class Int8Finisher:
    """One run; a run that stopped goes on from its last epoch."""

    part = "network"

    def __init__(self, config: FinishConfig, data: FinishData, run: RunFolder, network: Nano, teacher: Nano) -> None:
        self.config, self.data, self.run, self.epoch = config, data, run, 0
        self.sizes = config.sizes
        self.device = device_of()
        for one in (network, teacher):
            one.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network, self.teacher = network, teacher.eval().requires_grad_(False)
        self.rounding = Int8Rounding(self.network)
        self.batches = FrameBatches(data.read, data.fit, self.sizes, config.batch, config.degraded_share)
        self.calibration = {size: list(self._in_batches(data.calibration, size)) for size in self.sizes}
        self.optimizer = torch.optim.Adam(self._groups())
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        state = run.last_state()
        if state is not None:
            self.network.load_state_dict(state["learning"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.epoch = int(state["epoch"])

    def train(self, progress: Progress) -> None:
        """Finish, and record each epoch; the epoch whose INT8 lies closest to its FP32 is the best one."""
        while self.epoch < self.config.epochs:
            loss = self._epoch(progress)
            self.epoch += 1
            self.run.keep({"epoch": float(self.epoch), "loss": loss, **self.validate()}, self._state(), GOAL, self.part)

    def validate(self) -> dict[str, float]:
        """Score MAE of INT8 against FP32 per frame size, SRCC of both at the first one, and 1 less the worst MAE."""
        self._observe()
        figures: dict[str, float] = {}
        rows = self.data.validation[: self.config.validation]
        for name, size in zip(self.config.frames, self.sizes, strict=True):
            rounded, whole = self._scores(rows, size)
            figures[f"mae_{name}"] = float(np.abs(rounded - whole).mean())
            if size == self.sizes[0]:
                figures["srcc_int8"] = metrics.srcc(rounded, self.data.mos[rows])
                figures["srcc_fp32"] = metrics.srcc(whole, self.data.mos[rows])
        worst = max(value for key, value in figures.items() if key.startswith("mae_"))
        return {GOAL: 1.0 - worst, **figures}

    def _scores(self, rows: np.ndarray, size: Size) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 [rows] with tensors on their grids, and with tensors in float."""
        self._arrange(size)
        found: dict[str, list[np.ndarray]] = {ON: [], OFF: []}
        with torch.no_grad():
            for at in range(0, len(rows), BATCH):
                pictures = [self.data.read(int(row)) for row in rows[at : at + BATCH]]
                views = self._placed(frame_views(pictures, size))
                for mode, scores in found.items():
                    self.rounding.mode = mode
                    scores.append(torch.sigmoid(self.rounding.read(*views).logits).mean(dim=1).cpu().numpy())
        return np.concatenate(found[ON]), np.concatenate(found[OFF])

    def _epoch(self, progress: Progress) -> float:
        self._observe()
        total = 0.0
        batches = self.batches.epoch((self.config.seed, self.epoch), self.config.batches)
        for done, (size, views) in enumerate(batches, start=1):
            self._arrange(size)
            loss = self._loss(*self._placed(views))
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            self.schedule.step()
            total += float(loss.detach())
            progress(self.epoch, done, self.config.batches, total / done)
        return total / self.config.batches

    def _loss(self, whole: Tensor, crops: Tensor) -> Tensor:
        teacher = self.teacher
        with torch.no_grad():
            taught = reading(teacher, teacher.maps(whole), teacher.maps(crops))
        readings = []
        for mode in (ON, OFF):
            self.rounding.mode = mode
            readings.append(self.rounding.read(whole, crops))
        rounded, unrounded = readings
        apart = _distance(rounded.logits, unrounded.logits)
        return self.config.apart_weight * apart + sum(self._distance(reading, taught) for reading in readings)

    def _distance(self, reading: Reading, taught: Reading) -> Tensor:
        config = self.config
        statistics = torch.stack([self._statistics(reading, view) - self._statistics(taught, view) for view in VIEWS])
        return (
            config.score_weight * _distance(reading.logits, taught.logits)
            + config.statistics_weight * statistics.square().mean()
            + config.depth_weight * depth_loss(reading.depth, taught.depth)
            + config.fault_weight
            * (_distance(reading.faults, taught.faults) + _distance(reading.coverage, taught.coverage))
        )

    def _statistics(self, said: Reading, view: str) -> Tensor:
        """Standardised statistics of a view's maps, as its reader sees them: [F, 736]."""
        reader: StatisticsReader = getattr(self.teacher.head, view)
        return (getattr(said, view) - reader.mean) / reader.deviation  # type: ignore[no-any-return]

    def _groups(self) -> list[dict[str, Any]]:
        groups: list[dict[str, Any]] = []
        vectors = []
        for parameter in self.network.parameters():
            if parameter.ndim > 1:
                step = float(parameter.detach().abs().flatten(1).amax(dim=1).median()) / SIGNED_LEVELS
                groups.append({"params": [parameter], "lr": self.config.weight_rate * step})
            else:
                vectors.append(parameter)
        return [*groups, {"params": vectors, "lr": self.config.vector_rate}]

    def _rate(self, step: int) -> float:
        share = step / (self.config.epochs * self.config.batches)
        return min(1.0, (step + 1) / WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, share)))

    def _observe(self) -> None:
        for size in self.sizes:
            self._arrange(size)
            self.rounding.observe(self.calibration[size])

    def _in_batches(self, pictures: Sequence[np.ndarray], size: Size) -> Iterator[FrameViews]:
        for at in range(0, len(pictures), BATCH):
            yield self._placed(frame_views(list(pictures[at : at + BATCH]), size))

    def _placed(self, views: FrameViews) -> FrameViews:
        whole, crops = (view.to(self.device).contiguous(memory_format=torch.channels_last) for view in views)
        return whole, crops

    def _arrange(self, size: Size) -> None:
        for network in (self.network, self.teacher):
            network.arrange(size)

    def _state(self) -> dict[str, Any]:
        return {
            self.part: self.rounding.state(),
            "learning": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "epoch": self.epoch,
        }


def _distance(one: Tensor, other: Tensor) -> Tensor:
    """Mean distance of what is said, in [0, 1], given as logits."""
    return F.l1_loss(torch.sigmoid(one), torch.sigmoid(other))
