"""Trains `nano` from cached early maps: human scores, the word of `edge`, the teacher's depth, order of degraded pairs.

The first blocks of the trunk stay as ImageNet left them; everything after them is trained. One model is chosen by its
validation score.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.export.networks.lite_trunk import EARLY_BLOCKS, ViewMaps
from dgiqa_edge.export.networks.nano import Nano, map_statistics
from dgiqa_edge.export.networks.views import overlap_matrix
from dgiqa_edge.runtime.errors import ConfigurationError

from ..data.edge_batches import Pairs
from ..data.nano_store import NanoStore
from .losses import depth_loss, ranking_loss, views_loss
from .run_folder import RunFolder
from .trainer import Trainer, TrainingConfig, TrainingData, decay_groups


@dataclass(frozen=True)
class NanoConfig(TrainingConfig):
    """How to train; ``without`` may name ``depth``, ``whole``, ``crop``.

    Attributes:
        trunk_rate: learning rate of the trunk, as a share of ``learning_rate``.
        teacher_share: weight of `edge`'s scores in the target, beside the human ones, where they are known.
        depth_weight: weight of the depth loss.
    """

    epochs: int = 3
    batch: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    pairs_per_batch: int = 6
    series_per_batch: int = 6
    series_margin: float = 0.05
    margin: float = 0.12
    patience: int = 3
    trunk_rate: float = 0.3
    teacher_share: float = 0.5
    depth_weight: float = 0.3

    def __post_init__(self) -> None:
        unknown = sorted(set(self.without) - {"depth", "whole", "crop"})
        if unknown:
            raise ConfigurationError(f"[nano] without: {unknown[0]!r} is not one of depth, whole, crop")


@dataclass(frozen=True)
class NanoData(TrainingData[NanoStore]):
    """Rows to train and to validate on; rows are those of the photo set.

    Attributes:
        teacher: `edge`'s score of every photo, float32; NaN where the teacher is silent.
        degraded_teacher: the same of every degraded copy.
        depth: teacher's depth [photos, 126, 126], float16, valid where ``depth_known``.
    """

    teacher: np.ndarray
    degraded_teacher: np.ndarray
    depth: np.ndarray
    depth_known: np.ndarray


class NanoTrainer(Trainer[NanoStore]):
    """One run."""

    part = "network"
    warm_up = 0.3
    longest_gradient = 2.0
    config: NanoConfig
    data: NanoData

    def __init__(
        self, config: NanoConfig, data: NanoData, run: RunFolder, network: Nano, started: bool = False
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data = config, data
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network: Nano = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if "depth" in config.without:
            self.network.depth_cells.register_forward_hook(_as_zeros)
        self.frozen = (network.trunk.stem, *network.trunk.blocks[:EARLY_BLOCKS])
        for part in self.frozen:
            part.requires_grad_(False)
        self._begin(self.network, self._groups(), run, started)
        side = data.depth.shape[1]
        height, width = (length // 4 for length in network.views.whole)
        self.rows = torch.from_numpy(overlap_matrix(side, height, 0.0, float(side))).to(self.device)
        self.columns = torch.from_numpy(overlap_matrix(side, width, 0.0, float(side)).T.copy()).to(self.device)

    def _quality(self, store: NanoStore, rows: np.ndarray) -> np.ndarray:
        return self.scores(store, rows)[0]

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

    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        data = self.data
        scores, depth = self.scores(data.photos, data.validation)
        agreements = [
            metrics.plcc(depth[at].ravel(), self._target(data.validation[[at]]).cpu().numpy().ravel())
            for at in np.flatnonzero(data.depth_known[data.validation])
        ]
        return scores, {"validation_depth_correlation": float(np.mean(agreements)) if agreements else float("nan")}

    def _train_mode(self) -> None:
        super()._train_mode()
        for part in self.frozen:
            part.eval()

    def _loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        config, data = self.config, self.data
        batch = data.photos.batch(rows)
        for copies in (pairs.degraded, np.concatenate((series.clean, series.degraded))):
            if len(copies):
                extra = data.degraded.batch(copies)
                batch = {kind: torch.cat((maps, extra[kind])) for kind, maps in batch.items()}
        mirrored = bool(generator.integers(2))
        if mirrored:
            batch = {kind: maps.flip(3) for kind, maps in batch.items()}
        with self._autocast():
            logits, depth = self._read(batch)
        views = torch.sigmoid(logits.float())
        predicted = views.mean(dim=1)
        teacher = np.where(np.isnan(data.teacher[rows]), data.mos[rows], data.teacher[rows])
        told = (1.0 - config.teacher_share) * data.mos[rows] + config.teacher_share * teacher
        loss = views_loss(views[: len(rows)], torch.from_numpy(told).float().to(self.device))
        known = np.flatnonzero(data.depth_known[rows])
        if config.depth_weight and len(known):
            target = self._target(rows[known])
            loss = loss + config.depth_weight * depth_loss(
                depth.float()[torch.from_numpy(known)], target.flip(2) if mirrored else target
            )
        if len(pairs):
            degraded = predicted[len(rows) : len(rows) + len(pairs)]
            loss = loss + config.pair_weight * self._pair_loss(degraded, pairs.clean, pairs.degraded)
        if len(series):
            clearer, hazier = predicted[len(rows) + len(pairs) :].chunk(2)
            loss = loss + config.pair_weight * ranking_loss(clearer, hazier, config.series_margin)
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

    def _groups(self) -> list[dict[str, Any]]:
        config, trunk = self.config, set(self.network.trunk.parameters())
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        return [
            *decay_groups(
                (p for p in learning if p in trunk), config.learning_rate * config.trunk_rate, config.weight_decay
            ),
            *decay_groups((p for p in learning if p not in trunk), config.learning_rate, config.weight_decay),
        ]


def _as_zeros(module: nn.Module, inputs: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Forward hook that hides a module's outputs from those who read them."""
    return tuple(torch.zeros_like(value) for value in outputs)
