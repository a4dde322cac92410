"""Trains the quality head of `edge` on cached features: human scores, and order of clean and degraded photos.

The encoder is not here at all; `data/features.py` ran it once. One model is chosen by its validation score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.export.networks.edge import EdgeHead

from ..data.drift import Drift
from ..data.edge_batches import Pairs, feature_moments, head_inputs
from ..data.feature_store import CROPS, FeatureStore
from .ladder_trainer import LadderConfig, LadderData, LadderTrainer, ladder_targets
from .losses import ladder_loss, views_loss
from .run_folder import RunFolder
from .trainer import decay_groups, device_of

INPUTS = ("whole", "crop")
MOST_DRIFT = 1.5


@dataclass(frozen=True)
class EdgeData(LadderData[FeatureStore]):
    """Rows to train and to validate on.

    Attributes:
        drift: what INT8 does to some photos' statistics; without it the head learns FP32 alone.
    """

    drift: Drift | None = None

    def told(self) -> str:
        """How much there is, for people."""
        known = "no INT8 drift" if self.drift is None else f"INT8 drift of {len(self.drift.whole)} photos"
        return f"{super().told()}, {known}"


@dataclass(frozen=True)
class EdgeConfig(LadderConfig):
    """How to train; ``without`` may name ``whole`` or ``crop``.

    Attributes:
        dropout: share of the view vectors that a training step does not see.
        feature_dropout: share of the statistics that it does not see.
        drift_share: of the frames whose statistics a step moves as an INT8 encoder would, up to ``MOST_DRIFT`` times.
        shrunk_share: of the frames that a step sees as if they had been shrunk: their crops show what the whole view
            does, or something between. A larger camera's frame fitted to a bundle is such a frame.
        frame: height and width of the photos.
        crops: of the store's crops, how many validation reads; a training step reads any of them.
    """

    epochs: int = 40
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    patience: int = 40
    pairs_per_batch: int = 24
    series_per_batch: int = 12
    pair_weight: float = 2.5
    dropout: float = 0.3
    feature_dropout: float = 0.5
    drift_share: float = 0.8
    hardest_of: int = 3
    shrunk_share: float = 0.4
    frame: tuple[int, int] = (512, 512)
    crops: int = 1


class EdgeTrainer(LadderTrainer[FeatureStore]):
    """One run."""

    part = "head"
    warm_up = 0.5
    longest_gradient = 1.0
    config: EdgeConfig
    data: EdgeData

    def __init__(
        self, config: EdgeConfig, data: EdgeData, run: RunFolder, start: dict[str, Tensor] | None = None
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.data = config, data
        self.device = device_of()
        self.drift = (
            None if data.drift is None else [torch.from_numpy(of) for of in (data.drift.whole, data.drift.crop)]
        )
        self.head = EdgeHead(members=1).to(self.device)
        for reader in (self.head.whole, self.head.crop):
            reader.feature_dropout.p, reader.dropout.p = config.feature_dropout, config.dropout
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
        data, found = self.data, self.scores(self.data.photos, self.data.validation)
        whole, _ = self._inputs(data.photos, data.validation, [0])
        with torch.no_grad():
            shrunk = self.head(whole, whole).float().mean(dim=1).cpu().numpy()
        return found, {
            "shrunk_srcc": metrics.srcc(shrunk, data.mos[data.validation]),
            "shrunk_shift": float((shrunk - found).mean()),
        }

    def _ranked_loss(self, rows: np.ndarray, pairs: Pairs, series: Pairs, generator: np.random.Generator) -> Tensor:
        config, data = self.config, self.data
        crops = generator.permutation(CROPS)[: int(generator.integers(1, CROPS + 1))].tolist()
        blanks = generator.choice(data.fit_blanks, min(config.blanks_per_batch, len(data.fit_blanks)), replace=False)
        copies = np.concatenate((pairs.degraded, series.clean, series.degraded, blanks))
        inputs = self._inputs(data.photos, rows, crops)
        if len(copies):
            beside = self._inputs(data.degraded, copies, crops)
            inputs = tuple(torch.cat(both) for both in zip(inputs, beside, strict=True))
        with self._autocast():
            views = self.head(*self._moved(*self._shrunk(*inputs))).float()
        loss = views_loss(views[: len(rows)], torch.from_numpy(data.mos[rows]).to(self.device))
        lengths = [len(rows), len(pairs), len(series), len(series), len(blanks)]
        _, of_photo, clearer, worse, dead = views.mean(dim=1).split(lengths)
        most, margins = (values.to(self.device) for values in ladder_targets(pairs, series, data))
        loss = loss + config.pair_weight * ladder_loss(of_photo, most, clearer, worse, margins)
        if len(blanks):
            loss = loss + F.smooth_l1_loss(dead, torch.full_like(dead, config.blank_score), beta=0.1)
        return loss

    def _inputs(self, store: FeatureStore, rows: np.ndarray, crops: Sequence[int]) -> tuple[Tensor, ...]:
        named = zip(INPUTS, head_inputs(store, rows, self.device, crops), strict=True)
        return tuple(torch.zeros_like(value) if name in self.config.without else value for name, value in named)

    def _shrunk(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Some of the frames, as small as their whole view or on the way there."""
        frames = len(whole)
        far = (2.0 * torch.rand(frames)).clamp(max=1.0) * (torch.rand(frames) < self.config.shrunk_share)
        each = len(crops) // frames
        share = far.to(self.device).repeat_interleave(each)[:, None, None, None]
        return whole, crops + share * (whole.repeat_interleave(each, dim=0) - crops)

    def _moved(self, whole: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Some of the frames, all views of one by what INT8 did to the same photo."""
        if self.drift is None:
            return whole, crops
        frames = len(whole)
        photo = torch.randint(len(self.drift[0]), (frames,))
        strength = (torch.rand(frames) < self.config.drift_share) * torch.rand(frames) * MOST_DRIFT
        of_whole, of_crop = (strength[:, None, None, None] * part[photo] for part in self.drift)
        of_crops = of_crop.repeat_interleave(len(crops) // frames, dim=0)
        return whole + of_whole.to(self.device), crops + of_crops.to(self.device)

    def _standardise(self) -> None:
        for name, reader in (("whole", self.head.whole), ("crop", self.head.crop)):
            reader.mean, reader.deviation = feature_moments(self.data.photos.maps[f"{name}_statistics"], self.data.fit)
        self.head.to(self.device)
