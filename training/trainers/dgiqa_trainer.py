"""Trains DGIQA, the quality network of the reference preset, whole: human scores of photos, a crop of each at a time.

The published code (github.com/uf-robopi/DGIQA at 3ef7aca) has inference alone; what it states is followed. Short side
384, crops of 224 at the same place of photo and depth, ImageNet's mean and deviation on both, depth from a frozen Depth
Anything (``depth_utils.py``, ``single_image_inference.py``); dropout of 0.1 behind bridges and in attention, both
Swin-T started from ImageNet with timm's stochastic depth of 0.1, scores in 0..1 (``model/DGIQA.py``). Of the paper
(arXiv 2505.24002) only abstract and first lines were at hand, which say nothing of training: loss, optimizer, rates,
batch, epochs, mirroring, what is frozen (here depth alone) and the grid of crops to validate on are our choice.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from dgiqa_edge.export.networks.dgiqa import DGIQA
from dgiqa_edge.export.networks.published_sizes import CROP, crop_grid

from ..data.depth_pictures import PictureStore, crops_of, network_inputs
from .losses import score_loss
from .run_folder import RunFolder
from .trainer import Trainer, TrainingConfig, TrainingData, decay_groups

RANDOM = "random"
"""What a run starts from that was given no weights."""
_BATCH = 40
Progress = Callable[[int, int], None]
DgiqaData = TrainingData[PictureStore]


@dataclass(frozen=True)
class DgiqaConfig(TrainingConfig):
    """How to train.

    Attributes:
        trunk_rate: learning rate of both Swin-T, as a share of ``learning_rate``, where they start from weights.
        passes: how often an epoch shows each photo.
        crops: of the grid, how many validation averages.
        augment: whether a step sees crops anywhere, mirrored or not; else the centre as it is.
        dropout, drop_path: shares that training leaves out (see ``export/networks/dgiqa.py``).
        depth_side, short_side: lower bounds of the short sides of depth input and picture, pixels.
    """

    epochs: int = 30
    batch: int = 32
    learning_rate: float = 2e-5
    weight_decay: float = 0.05
    patience: int = 6
    trunk_rate: float = 0.5
    passes: int = 4
    crops: int = 20
    augment: bool = True
    dropout: float = 0.1
    drop_path: float = 0.1
    depth_side: int = 518
    short_side: int = 384


class DgiqaTrainer(Trainer[PictureStore]):
    """One run.

    Attributes:
        start: what it starts from, for people; ``RANDOM`` for nothing.
    """

    part = "network"
    warm_up = 0.5
    longest_gradient = 1.0
    config: DgiqaConfig

    def __init__(
        self, config: DgiqaConfig, data: DgiqaData, run: RunFolder, network: DGIQA, start: str, device: torch.device
    ) -> None:
        self.config, self.data, self.start, self.device = config, data, start, device
        self.network = network.to(device)
        trunks = {id(p) for swin in (network.backbone, network.depth_backbone) for p in swin.parameters()}
        parameters = list(network.parameters())
        trunk_rate = config.learning_rate * (1.0 if start == RANDOM else config.trunk_rate)
        groups = [
            *decay_groups((p for p in parameters if id(p) in trunks), trunk_rate, config.weight_decay),
            *decay_groups((p for p in parameters if id(p) not in trunks), config.learning_rate, config.weight_decay),
        ]
        self._begin(self.network, groups, run, started=True)

    def _fit_rows(self) -> np.ndarray:
        return np.tile(self.data.fit, self.config.passes)

    def _loss(self, rows: np.ndarray, generator: np.random.Generator) -> Tensor:
        inputs = network_inputs(self._crops(rows, generator), self.device)
        with self._autocast():
            pooled = self.network.pooled(*inputs)
        scores = self.network.scored(pooled.float())
        return score_loss(scores, torch.from_numpy(self.data.mos[rows]).to(self.device))

    def _crops(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """One crop of each photo: uint8 [rows, 224, 224, 4]."""
        levels = self.data.photos.levels
        size = (levels.shape[1], levels.shape[2])
        if not self.config.augment:
            return np.concatenate([crops_of(levels[row], crop_grid(size, 1)) for row in rows])
        crops = []
        for row in rows:
            y, x = (int(generator.integers(side - CROP + 1)) for side in size)
            crop = crops_of(levels[row], [(x, y)])
            crops.append(crop[:, :, ::-1] if generator.integers(2) else crop)
        return np.concatenate(crops)

    def _validated(self) -> tuple[np.ndarray, dict[str, float]]:
        return grid_scores(self.network, self.data.photos, self.data.validation, self.config.crops, self.device), {}


def grid_scores(
    network: DGIQA,
    store: PictureStore,
    rows: np.ndarray,
    crops: int,
    device: torch.device,
    progress: Progress = lambda done, of: None,
) -> np.ndarray:
    """Scores of those rows in FP32, the mean over a grid of crops as a build has it: float32 [rows]."""
    boxes = crop_grid((store.levels.shape[1], store.levels.shape[2]), crops)
    network.eval()
    scores: list[np.ndarray] = []
    at_once = max(1, _BATCH // crops)
    with torch.no_grad():
        for at in range(0, len(rows), at_once):
            pictures = [crops_of(store.levels[row], boxes) for row in rows[at : at + at_once]]
            said = network(*network_inputs(np.concatenate(pictures), device))
            scores.append(said.reshape(len(pictures), crops).mean(dim=1).cpu().numpy())
            progress(at + len(pictures), len(rows))
    return np.concatenate(scores)
