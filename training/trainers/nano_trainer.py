"""Trains `nano` from cached early maps: human scores, the word of `edge`, the teacher's depth, order of degraded pairs.

The first blocks of the trunk stay as ImageNet left them; everything after them is trained. One model is chosen by its
validation score.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.export.networks.lite_trunk import EARLY_BLOCKS, ViewMaps
from dgiqa_edge.export.networks.nano import Nano, map_statistics
from dgiqa_edge.export.networks.views import overlap_matrix
from dgiqa_edge.runtime.errors import ConfigurationError

from ..data.edge_batches import Pairs, shuffled
from ..data.nano_store import NanoStore
from .losses import depth_loss, ranking_loss, score_loss
from .run_folder import RunFolder

Progress = Callable[[int, int, int, float], None]
GOAL = "validation_srcc"


@dataclass(frozen=True)
class NanoConfig:
    """How to train.

    Attributes:
        trunk_rate: learning rate of the trunk, as a share of ``learning_rate``.
        teacher_share: weight of `edge`'s scores in the target, beside the human ones, where they are known.
        pairs_per_batch: clean/degraded pairs beside each batch of photos; 0 for none.
        series_per_batch: pairs of the haze series beside each batch, ``series_margin`` apart; 0 for none.
        margin: score by which a degraded copy should lie below its photo.
        depth_weight: weight of the depth loss.
        without: what the quality readers see as zeros, for the ablation: ``depth``, ``whole``, ``crop``.
    """

    seed: int = 1
    epochs: int = 3
    batch: int = 32
    learning_rate: float = 2e-3
    trunk_rate: float = 0.3
    weight_decay: float = 0.02
    teacher_share: float = 0.5
    pairs_per_batch: int = 6
    pair_weight: float = 1.0
    series_per_batch: int = 6
    series_margin: float = 0.05
    margin: float = 0.12
    depth_weight: float = 0.3
    patience: int = 3
    without: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.without) - {"depth", "whole", "crop"})
        if unknown:
            raise ConfigurationError(f"[nano] without: {unknown[0]!r} is not one of depth, whole, crop")


@dataclass(frozen=True)
class NanoData:
    """Rows to train and to validate on; rows are those of the photo set.

    Attributes:
        mos, teacher: human score and `edge`'s score of every photo, float32; NaN where the teacher is silent.
        degraded_teacher: the same of every degraded copy.
        series_pairs: rows of ``degraded`` alone, the clearer copy first.
        depth: teacher's depth [photos, 126, 126], float16, valid where ``depth_known``.
    """

    photos: NanoStore
    mos: np.ndarray
    teacher: np.ndarray
    depth: np.ndarray
    depth_known: np.ndarray
    fit: np.ndarray
    validation: np.ndarray
    degraded: NanoStore
    degraded_teacher: np.ndarray
    fit_pairs: Pairs
    validation_pairs: Pairs
    series_pairs: Pairs


class NanoTrainer:
    """One run."""

    def __init__(
        self, config: NanoConfig, data: NanoData, run: RunFolder, network: Nano, started: bool = False
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data, self.run = config, data, run
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network: Nano = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if "depth" in config.without:
            self.network.depth_cells.register_forward_hook(_as_zeros)
        for part in (network.trunk.stem, *network.trunk.blocks[:EARLY_BLOCKS]):
            part.requires_grad_(False)
        self.frozen = (network.trunk.stem, *network.trunk.blocks[:EARLY_BLOCKS])
        self.optimizer = torch.optim.AdamW(self._groups(), config.learning_rate)
        self.steps = max(1, len(data.fit) // config.batch)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._rate)
        side = data.depth.shape[1]
        self.epoch = 0
        state = run.last_state()
        if state is None and not started:
            self._standardise()
        if state is not None:
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.epoch = int(state["epoch"])
        height, width = (length // 4 for length in network.views.whole)
        self.rows = torch.from_numpy(overlap_matrix(side, height, 0.0, float(side))).to(self.device)
        self.columns = torch.from_numpy(overlap_matrix(side, width, 0.0, float(side)).T.copy()).to(self.device)

    def train(self, progress: Progress) -> None:
        """Train to the last epoch, or until validation no longer improves."""
        while self.epoch < self.config.epochs and not self.run.exhausted(GOAL):
            loss = self._epoch(progress)
            self.epoch += 1
            figures = {"epoch": float(self.epoch), "loss": loss, **self.validate()}
            state = {
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "epoch": self.epoch,
            }
            self.run.keep(figures, state, GOAL)

    def validate(self) -> dict[str, float]:
        """SRCC, PLCC, RMSE and depth correlation on the validation photos; share of pairs in order."""
        data = self.data
        scores, depth = self.scores(data.photos, data.validation)
        human = data.mos[data.validation]
        known = np.flatnonzero(data.depth_known[data.validation])
        agreements = [
            metrics.plcc(depth[at].ravel(), self._target(data.validation[[at]]).cpu().numpy().ravel()) for at in known
        ]
        figures = {
            GOAL: metrics.srcc(scores, human),
            "validation_plcc": metrics.plcc(scores, human),
            "validation_rmse": metrics.rmse(scores, human),
            "validation_depth_correlation": float(np.mean(agreements)) if agreements else float("nan"),
        }
        if len(data.validation_pairs):
            clean, _ = self.scores(data.photos, data.validation_pairs.clean)
            worse, _ = self.scores(data.degraded, data.validation_pairs.degraded)
            figures["validation_order"] = metrics.ordered_share(clean, worse)
        return figures

    def scores(self, store: NanoStore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores float32 [rows] and depth float32 [rows, h / 4, w / 4]."""
        self.network.eval()
        scores, depths = [], []
        with torch.no_grad():
            for at in range(0, len(rows), 50):
                views, depth = self._read(store.batch(rows[at : at + 50]))
                scores.append(torch.sigmoid(views).mean(dim=1).cpu().numpy())
                depths.append(depth.cpu().numpy())
        return np.concatenate(scores), np.concatenate(depths)

    def _epoch(self, progress: Progress) -> float:
        config, data = self.config, self.data
        self.network.train()
        for part in self.frozen:
            part.eval()
        generator = np.random.default_rng((config.seed, self.epoch))
        total, done = 0.0, 0
        for rows in shuffled(data.fit, config.batch, config.seed * 1000 + self.epoch):
            batch = data.photos.batch(rows)
            pairs = min(config.pairs_per_batch, len(data.fit_pairs))
            drawn = generator.choice(len(data.fit_pairs), pairs, replace=False) if pairs else np.zeros(0, np.int64)
            clean, worse = data.fit_pairs.clean[drawn], data.fit_pairs.degraded[drawn]
            if pairs:
                extra = data.degraded.batch(worse)
                batch = {kind: torch.cat((maps, extra[kind])) for kind, maps in batch.items()}
            series = min(config.series_per_batch, len(data.series_pairs))
            if series:
                chosen = generator.choice(len(data.series_pairs), series, replace=False)
                numbers = np.concatenate((data.series_pairs.clean[chosen], data.series_pairs.degraded[chosen]))
                extra = data.degraded.batch(numbers)
                batch = {kind: torch.cat((maps, extra[kind])) for kind, maps in batch.items()}
            mirrored = bool(generator.integers(2))
            if mirrored:
                batch = {kind: maps.flip(3) for kind, maps in batch.items()}
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
                logits, depth = self._read(batch)
            views = torch.sigmoid(logits.float())
            loss = self._score_loss(views, rows)
            known = np.flatnonzero(data.depth_known[rows])
            if config.depth_weight and len(known):
                target = self._target(rows[known])
                loss = loss + config.depth_weight * depth_loss(
                    depth.float()[torch.from_numpy(known)], target.flip(2) if mirrored else target
                )
            if pairs:
                loss = loss + config.pair_weight * self._pair_loss(
                    views.mean(dim=1)[len(rows) : len(rows) + pairs], clean, worse
                )
            if series:
                clearer, hazier = views.mean(dim=1)[len(rows) + pairs :].chunk(2)
                loss = loss + config.pair_weight * ranking_loss(clearer, hazier, config.series_margin)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
            self.optimizer.step()
            self.schedule.step()
            total, done = total + float(loss.detach()), done + 1
            progress(self.epoch, done, self.steps, total / done)
        return total / max(1, done)

    def _score_loss(self, views: Tensor, rows: np.ndarray) -> Tensor:
        data, share = self.data, self.config.teacher_share
        teacher = np.where(np.isnan(data.teacher[rows]), data.mos[rows], data.teacher[rows])
        target = torch.from_numpy((1.0 - share) * data.mos[rows] + share * teacher).float().to(self.device)
        loss = score_loss(views[: len(rows)].mean(dim=1), target)
        for view in range(views.shape[1]):
            loss = loss + 0.25 * score_loss(views[: len(rows), view], target)
        return loss

    def _pair_loss(self, scores: Tensor, clean: np.ndarray, worse: np.ndarray) -> Tensor:
        """Copies lie below what people gave their photos (no second pass over those), and where `edge` puts them."""
        loss = ranking_loss(torch.from_numpy(self.data.mos[clean]).to(self.device), scores, self.config.margin)
        known = np.flatnonzero(~np.isnan(self.data.degraded_teacher[worse]))
        if len(known):
            target = torch.from_numpy(self.data.degraded_teacher[worse[known]]).to(self.device)
            loss = loss + 2.0 * (scores[torch.from_numpy(known)] - target).square().mean()
        return loss

    def _read(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        batch = {kind: maps.to(self.device) for kind, maps in batch.items()}
        for view in {"whole", "crop"} & set(self.config.without):
            batch |= {kind: torch.zeros_like(maps) for kind, maps in batch.items() if kind.startswith(view)}
        trunk = self.network.trunk
        whole = ViewMaps(batch["whole4"], batch["whole8"], *trunk.late(batch["whole8"]))
        crop = ViewMaps(batch["crop4"], batch["crop8"], *trunk.late(batch["crop8"]))
        return self.network.read(whole, crop)

    def _target(self, rows: np.ndarray) -> Tensor:
        depth = torch.from_numpy(self.data.depth[rows].astype(np.float32)).to(self.device)
        return self.rows @ depth @ self.columns

    def _standardise(self) -> None:
        rows = self.data.fit[:: max(1, len(self.data.fit) // 300)]
        gathered: dict[str, list[Tensor]] = {"whole": [], "crop": []}
        self.network.eval()
        with torch.no_grad():
            for at in range(0, len(rows), 50):
                batch = {
                    kind: maps.to(self.device) for kind, maps in self.data.photos.batch(rows[at : at + 50]).items()
                }
                for name, figures in gathered.items():
                    stride8 = batch[f"{name}8"]
                    maps = ViewMaps(batch[f"{name}4"], stride8, *self.network.trunk.late(stride8))
                    figures.append(map_statistics(maps))
        for name, reader in (("whole", self.network.whole), ("crop", self.network.crop)):
            values = torch.cat(gathered[name])
            reader.statistics_mean.copy_(values.mean(dim=0))
            reader.statistics_deviation.copy_(values.std(dim=0) + 1e-3)

    def _groups(self) -> list[dict[str, object]]:
        config, trunk = self.config, set(self.network.trunk.parameters())
        groups = []
        for in_trunk in (True, False):
            for decayed in (True, False):
                chosen = [
                    parameter
                    for parameter in self.network.parameters()
                    if parameter.requires_grad and (parameter in trunk) == in_trunk and (parameter.ndim > 1) == decayed
                ]
                rate = config.learning_rate * (config.trunk_rate if in_trunk else 1.0)
                groups.append({"params": chosen, "lr": rate, "weight_decay": config.weight_decay if decayed else 0.0})
        return groups

    def _rate(self, step: int) -> float:
        warm = min(1.0, (step + 1) / (0.3 * self.steps + 1))
        return warm * 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / (self.steps * self.config.epochs))))


def _as_zeros(module: nn.Module, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Forward hook that hides a module's outputs from those who read them."""
    return tuple(torch.zeros_like(value) for value in outputs)
