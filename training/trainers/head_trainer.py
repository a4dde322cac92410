"""Trains what `nano` reads from the maps of its trunk, score and faults, while the trunk stays as it is.

The trunk learns slowly and from few pictures a step; what reads its statistics learns best from many, and many times.
"""

from dataclasses import dataclass

import numpy as np
import torch

from dgiqa_edge.export.networks.nano import Nano

from ..data.map_store import MapStore
from .nano_trainer import VIEWS, NanoConfig, NanoTrainer, Outputs, Parts

SEEN = (*VIEWS, "stride16", "stride32")


@dataclass(frozen=True)
class HeadConfig(NanoConfig):
    """How to train."""

    epochs: int = 12
    batch: int = 96
    learning_rate: float = 2e-3
    weight_decay: float = 0.1
    pairs_per_batch: int = 32
    series_per_batch: int = 16
    blanks_per_batch: int = 4
    patience: int = 12
    drawn: int = 3
    shrunk_share: float = 0.3
    pair_weight: float = 0.5
    teacher_share: float = 0.8
    depth_weight: float = 0.0
    guide_weight: float = 0.0
    fault_weight: float = 0.6
    averaged: float = 0.99
    learning: tuple[str, ...] = ("head", "faults")


class HeadTrainer(NanoTrainer):
    """One run; the stores of its data are of maps."""

    crops = 1
    mirrors = False
    mixes_on_cpu = False
    config: HeadConfig

    def _read(self, network: Nano, parts: Parts, crop: int, mirrored: bool) -> Outputs:
        seen = [
            torch.from_numpy(np.concatenate([store.maps[kind][rows] for store, rows in parts])).to(self.device).float()
            for kind in SEEN
        ]
        if network.training:
            seen[:2] = self._shrunk(*seen[:2])
        return self._said(network, seen, depth=torch.zeros(len(seen[0]), 1, 1))

    def _standardise(self) -> None:
        photos: MapStore = self.data.photos
        self._set_moments({view: torch.from_numpy(photos.maps[view][self.data.fit]) for view in VIEWS})
