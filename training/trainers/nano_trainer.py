"""Trains `nano` whole: human scores, the word of `edge`, depth, order of degraded copies, faults and where they are.

Batch norm keeps the statistics it starts with, so that the network that is trained is the one that is built, where they
are folded into the convolutions. What is kept is a moving average of the weights.
"""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.calibration.degradations.kinds import FAULTS, KINDS
from dgiqa_edge.export.networks.nano import VIEW_WIDTH, Nano, map_statistics
from dgiqa_edge.export.networks.views import overlap_matrix
from dgiqa_edge.runtime.errors import ConfigurationError

from ..data.edge_batches import Pairs
from ..data.view_store import CROPS, FRAME
from .ladder_trainer import LadderConfig, LadderData, LadderTrainer, ladder_targets
from .losses import depth_loss, ladder_loss, views_loss
from .run_folder import RunFolder
from .trainer import decay_groups, device_of

UNKNOWN = np.float32(np.nan)
"""Neither asserted nor denied."""
PARTS = ("trunk", "depth_decoder", "head", "faults")
VIEWS = ("whole", "crop")
_BATCH = 50
Parts = list[tuple[Any, np.ndarray]]
"""Stores and rows of them, which are read side by side."""


@dataclass(frozen=True)
class NanoConfig(LadderConfig):
    """How to train; ``without`` may name ``whole`` or ``crop``.

    Attributes:
        trunk_rate: learning rate of the trunk, as a share of ``learning_rate``.
        teacher_share: weight of `edge`'s scores in the target, beside the human ones, where they are known.
        guide_weight: of the distance to what the encoder of `edge` sees in a photo (``guide`` of the data).
        good: human score above which a photo shows none of the faults.
        averaged: share of the moving average of the weights that a step leaves as it is.
        learning: parts of the network that learn, as ``faults``; all if none is named.
    """

    epochs: int = 6
    batch: int = 24
    learning_rate: float = 8e-4
    weight_decay: float = 0.02
    pairs_per_batch: int = 10
    series_per_batch: int = 6
    patience: int = 6
    trunk_rate: float = 0.4
    teacher_share: float = 0.5
    depth_weight: float = 0.3
    guide_weight: float = 0.3
    fault_weight: float = 0.4
    good: float = 0.6
    averaged: float = 0.997
    learning: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        unknown = sorted(set(self.without) - set(VIEWS))
        if unknown:
            raise ConfigurationError(f"[nano] without: {unknown[0]!r} is not one of {', '.join(VIEWS)}")
        unknown = sorted(set(self.learning) - set(PARTS))
        if unknown:
            raise ConfigurationError(f"[nano] learning: {unknown[0]!r} is not one of {', '.join(PARTS)}")


@dataclass(frozen=True)
class NanoData(LadderData[Any]):
    """Rows to train and to validate on; rows are those of the photo set. Stores hold views.

    Attributes:
        teacher: `edge`'s score of every photo, float32; NaN where the teacher is silent.
        degraded_teacher: the same of every degraded copy.
        guide: what the encoder of `edge` sees in every photo, float32 [photos, figures]; NaN where it was not run.
        depth: teacher's depth [photos, 126, 126], float16, valid where ``depth_known``.
    """

    teacher: np.ndarray
    degraded_teacher: np.ndarray
    guide: np.ndarray
    depth: np.ndarray
    depth_known: np.ndarray


@dataclass(frozen=True)
class Outputs:
    """What the network says of B frames: view scores [B, 2], depth, fault and coverage logits, context [B, 512]."""

    views: Tensor
    depth: Tensor
    faults: Tensor
    coverage: Tensor
    context: Tensor

    @property
    def scores(self) -> Tensor:
        """Scores of the frames [B]."""
        return self.views.mean(dim=1)


class NanoTrainer(LadderTrainer[Any]):
    """One run.

    Attributes:
        crops: of a store's crops, how many a training step chooses one from; validation reads the first.
        mirrors: whether half the steps see everything mirrored.
    """

    crops = CROPS
    mirrors = True

    part = "network"
    warm_up = 0.3
    longest_gradient = 2.0
    goal = "goal"
    mixes_on_cpu = True
    config: NanoConfig
    data: NanoData

    def __init__(self, config: NanoConfig, data: NanoData, run: RunFolder, network: Nano, started: bool = True) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data = config, data
        self.device = device_of()
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not config.learning or name.partition(".")[0] in config.learning)
        views = network.arrange(FRAME)
        self.network: Nano = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(config.averaged))
        side = data.depth.shape[1]
        self.guided = nn.Linear(2 * VIEW_WIDTH, data.guide.shape[1]).to(self.device)
        height, width = (length // 4 for length in views.whole)
        self.rows = torch.from_numpy(overlap_matrix(side, height, 0.0, float(side))).to(self.device)
        self.columns = torch.from_numpy(overlap_matrix(side, width, 0.0, float(side)).T.copy()).to(self.device)
        self.labels = np.stack([copy.labels(bool(data.mos[copy.row] > config.good)) for copy in data.copies])
        self._begin(self.network, self._groups(), run, started)

    # training

    def _ranked_loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        config, data = self.config, self.data
        blanks = generator.choice(data.fit_blanks, min(config.blanks_per_batch, len(data.fit_blanks)), replace=False)
        copies = np.concatenate((pairs.degraded, series.clean, series.degraded, blanks))
        crop, mirrored = int(generator.integers(self.crops)), self.mirrors and bool(generator.integers(2))
        said = self._read(self.network, [(data.photos, rows), (data.degraded, copies)], crop, mirrored)

        loss = views_loss(said.views[: len(rows)], self._told(rows))
        known = np.flatnonzero(data.depth_known[rows])
        if config.depth_weight and len(known):
            target = self._target(rows[known])
            target = target.flip(2) if mirrored else target
            loss = loss + config.depth_weight * depth_loss(said.depth[torch.from_numpy(known)].float(), target)
        if config.guide_weight:
            seen = torch.from_numpy(data.guide[rows]).to(self.device)
            loss = loss + config.guide_weight * _known_distance(self.guided(said.context[: len(rows)]), seen)
        lengths = [len(rows), len(pairs), len(series), len(series), len(blanks)]
        _, of_photo, clearer, worse, dead = said.scores.split(lengths)
        most, margins = (values.to(self.device) for values in ladder_targets(pairs, series, data))
        loss = loss + config.pair_weight * ladder_loss(of_photo, most, clearer, worse, margins)
        known = np.flatnonzero(~np.isnan(data.degraded_teacher[pairs.degraded]))
        if len(known):
            target = torch.from_numpy(data.degraded_teacher[pairs.degraded[known]]).to(self.device)
            loss = loss + 2.0 * (of_photo[torch.from_numpy(known)] - target).square().mean()
        if len(blanks):
            loss = loss + F.smooth_l1_loss(dead, torch.full_like(dead, config.blank_score), beta=0.1)
        return loss + config.fault_weight * self._fault_loss(said, rows, copies, mirrored)

    def _fault_loss(self, said: Outputs, rows: np.ndarray, copies: np.ndarray, mirrored: bool) -> Tensor:
        """Cross entropy of what is asserted or denied, of the frames and of their cells."""
        asserted = torch.from_numpy(np.concatenate((self._photo_labels(rows), self.labels[copies]))).to(self.device)
        cells = torch.from_numpy(self.data.degraded.coverage[copies].astype(np.float32)).to(self.device)
        cells = cells.flip(2) if mirrored else cells
        where = asserted[:, None, None, :].expand(-1, *cells.shape[1:], -1).clone()
        where[len(rows) :] *= cells[..., None]
        return _cross_entropy(said.faults, asserted) + _cross_entropy(said.coverage, where)

    def _told(self, rows: np.ndarray) -> Tensor:
        share, mos, teacher = self.config.teacher_share, self.data.mos[rows], self.data.teacher[rows]
        told = (1.0 - share) * mos + share * np.where(np.isnan(teacher), mos, teacher)
        return torch.from_numpy(told).float().to(self.device)

    def _photo_labels(self, rows: np.ndarray) -> np.ndarray:
        good = self.data.mos[rows, None] > self.config.good
        return np.where(good, np.float32(0), UNKNOWN).repeat(len(FAULTS), axis=1)

    def _read(self, network: Nano, parts: Parts, crop: int, mirrored: bool) -> Outputs:
        levels = zip(*((store.whole[rows], store.crops[rows, crop]) for store, rows in parts), strict=True)
        views = [torch.from_numpy(np.concatenate(of)).to(self.device).permute(0, 3, 1, 2).float() for of in levels]
        if mirrored:
            views = [of.flip(3) for of in views]
        views = [of.contiguous(memory_format=torch.channels_last) for of in views]
        with self._autocast():
            maps, crop_maps = (network.maps(of) for of in views)
            depth = network.depth_decoder(maps)
        figures = (map_statistics(of.float()) for of in (maps, crop_maps))
        return self._said(network, [*figures, maps.stride16.float(), maps.stride32.float()], depth)

    def _said(self, network: Nano, seen: list[Tensor], depth: Tensor) -> Outputs:
        """What the network says of statistics of both views and of coarse maps."""
        for at, view in enumerate(VIEWS):
            if view in self.config.without:
                seen[at] = torch.zeros_like(seen[at])
        logits, faults, coverage, context = network.read(*seen)
        return Outputs(torch.sigmoid(logits), depth, faults, coverage, context)

    def _target(self, rows: np.ndarray) -> Tensor:
        depth = torch.from_numpy(self.data.depth[rows].astype(np.float32)).to(self.device)
        return self.rows @ depth @ self.columns

    def _depth_of(self, rows: np.ndarray) -> np.ndarray:
        return self._target(rows).cpu().numpy()

    def _train_mode(self) -> None:
        self.network.train()
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    @property
    def _averaged(self) -> Nano:
        return cast(Nano, self.average.module)

    def _stepped(self) -> None:
        self.average.update_parameters(self.network)

    def _state(self) -> dict[str, Any]:
        return {
            **super()._state(),
            self.part: self.average.module.state_dict(),
            "average": self.average.state_dict(),
            "learning": self.network.state_dict(),
            "guided": self.guided.state_dict(),
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["learning"])
        self.average.load_state_dict(state["average"])
        self.guided.load_state_dict(state["guided"])

    def _standardise(self) -> None:
        rows = self.data.fit[:: max(1, len(self.data.fit) // 300)]
        seen: dict[str, list[Tensor]] = {view: [] for view in VIEWS}
        self.network.eval()
        with torch.no_grad():
            for at in range(0, len(rows), _BATCH):
                chosen = rows[at : at + _BATCH]
                for view, levels in zip(VIEWS, (self.data.photos.whole, self.data.photos.crops[:, 0]), strict=True):
                    planes = torch.from_numpy(levels[chosen]).to(self.device).permute(0, 3, 1, 2).float()
                    seen[view].append(map_statistics(self.network.maps(planes)))
        self._set_moments({view: torch.cat(figures) for view, figures in seen.items()})

    def _set_moments(self, figures: dict[str, Tensor]) -> None:
        """Mean and deviation of what each reader of a view reads, from statistics of photos [N, 736] by view."""
        for view, values in figures.items():
            for readers in (self.network.head, self.network.faults):
                reader = readers.get_submodule(view)
                reader.mean, reader.deviation = values.mean(dim=0), values.std(dim=0) + 1e-3

    def _groups(self) -> list[dict[str, Any]]:
        config, trunk = self.config, set(self.network.trunk.parameters())
        of_trunk = [p for p in self.network.parameters() if p in trunk]
        others = [p for p in self.network.parameters() if p not in trunk]
        return [
            *decay_groups(of_trunk, config.learning_rate * config.trunk_rate, config.weight_decay),
            *decay_groups([*others, *self.guided.parameters()], config.learning_rate, config.weight_decay),
        ]

    # validation

    def said(self, store: Any, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Scores [rows], depth, fault and coverage probabilities of those rows, by the averaged weights."""
        network = self._averaged.eval()
        parts: list[tuple[np.ndarray, ...]] = []
        with torch.no_grad():
            for at in range(0, len(rows), _BATCH):
                said = self._read(network, [(store, rows[at : at + _BATCH])], crop=0, mirrored=False)
                found = said.scores, said.depth, torch.sigmoid(said.faults), torch.sigmoid(said.coverage)
                parts.append(tuple(value.float().cpu().numpy() for value in found))
        return tuple(np.concatenate(values) for values in zip(*parts, strict=True))

    def _quality(self, store: Any, rows: np.ndarray) -> np.ndarray:
        return self.said(store, rows)[0]

    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        data = self.data
        scores, depth, faults, _ = self.said(data.photos, data.validation)
        known = np.flatnonzero(data.depth_known[data.validation] if self.config.depth_weight else np.zeros(0))
        close = [metrics.plcc(depth[at].ravel(), self._depth_of(data.validation[[at]]).ravel()) for at in known]
        figures = {"validation_depth_correlation": float(np.mean(close))} if close else {}
        numbers = data.validation_pairs.degraded
        if len(numbers):
            _, _, copy_faults, coverage = self.said(data.degraded, numbers)
            good = faults[data.mos[data.validation] > self.config.good]
            labels = np.concatenate((np.zeros_like(good), self.labels[numbers]))
            figures["validation_ap"] = macro_average_precision(np.concatenate((good, copy_faults)), labels)
            figures["validation_iou"] = _dirt_iou(coverage, data, numbers)
        return scores, figures

    def validate(self) -> dict[str, float]:
        """As for every model; the goal is agreement, order and faults together."""
        figures = super().validate()
        order = 0.5 * (figures.get("validation_order", 0.0) + figures.get("validation_steps", 0.0))
        goal = figures["validation_srcc"] + 0.5 * order + 0.1 * figures.get("validation_ap", 0.0)
        return {**figures, self.goal: goal}


def macro_average_precision(said: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the faults of the average precision of probabilities [N, faults]; labels 1, 0 or NaN, alike."""
    found = []
    for fault in range(labels.shape[1]):
        known = ~np.isnan(labels[:, fault])
        right = labels[known, fault][np.argsort(-said[known, fault], kind="stable")] > 0.5
        if right.any():
            found.append(float((np.cumsum(right) / np.arange(1, len(right) + 1))[right].mean()))
    return float(np.mean(found))


def _dirt_iou(coverage: np.ndarray, data: NanoData, numbers: np.ndarray) -> float:
    """Mean overlap of the cells said and those that are more than half dirty, of rendered dirt that covers any so."""
    dirty, found = FAULTS.index("dirty"), []
    for at, number in enumerate(numbers):
        truth = data.degraded.coverage[number] > 0.5
        if "dirty" in KINDS[data.copies[number].kind].faults and truth.any():
            said = coverage[at, ..., dirty] > 0.5
            found.append(float((said & truth).sum() / (said | truth).sum()))
    return float(np.mean(found)) if found else float("nan")


def _cross_entropy(logits: Tensor, asserted: Tensor) -> Tensor:
    known = ~torch.isnan(asserted)
    if not bool(known.any()):
        return logits.sum() * 0.0
    return F.binary_cross_entropy_with_logits(logits[known], asserted[known])


def _known_distance(said: Tensor, seen: Tensor) -> Tensor:
    """Mean squared distance [F, figures] where what was seen is not NaN."""
    known = ~torch.isnan(seen)
    return (said[known] - seen[known]).square().mean() if bool(known.any()) else said.sum() * 0.0


def _rows(pairs: Pairs) -> list[tuple[int, int]]:
    return list(zip(pairs.clean.tolist(), pairs.degraded.tolist(), strict=True))
