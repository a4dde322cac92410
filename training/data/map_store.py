"""What a trained trunk of `nano` makes of views, on disk: its head is trained on that alone, in minutes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from dgiqa_edge.export.networks.fault_reader import COVERAGE_SIDE
from dgiqa_edge.export.networks.lite_trunk import TAPS, ViewMaps
from dgiqa_edge.export.networks.nano import FIGURES, VIEW_RULE, Nano, map_statistics
from dgiqa_edge.export.networks.views import plan_views

from .row_store import Kinds, Progress, RowStore
from .view_store import FRAME, ViewStore

_BATCH = 16


class MapStore(RowStore):
    """Rows of statistics of the whole view and of the centre crop, coarse maps of the whole view, and ``coverage``."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        """As :class:`RowStore`."""
        height, width = plan_views(FRAME, VIEW_RULE).whole
        _, _, stride16, stride32 = TAPS.values()
        kinds: Kinds = {
            "whole": ((FIGURES,), np.float32),
            "crop": ((FIGURES,), np.float32),
            "stride16": ((stride16, height // 16, width // 16), np.float16),
            "stride32": ((stride32, height // 32, width // 32), np.float16),
            "coverage": ((COVERAGE_SIDE, COVERAGE_SIDE), np.float16),
        }
        super().__init__(folder, names, kinds)
        self.coverage = self.maps["coverage"]


def fill_maps(network: Nano, views: ViewStore, store: MapStore, autocast: torch.autocast, progress: Progress) -> None:
    """Run the trunk of ``network`` on all views that are made."""
    network.eval()

    def made(rows: list[int]) -> Iterator[dict[str, np.ndarray]]:
        with torch.no_grad(), autocast:
            whole, crop = (_maps(network, levels[rows]) for levels in (views.whole, views.crops[:, 0]))
            found = {
                "whole": map_statistics(whole),
                "crop": map_statistics(crop),
                "stride16": whole.stride16,
                "stride32": whole.stride32,
            }
        for place, row in enumerate(rows):
            yield {"coverage": views.coverage[row], **{kind: of[place].numpy() for kind, of in found.items()}}

    store.fill_batches(np.flatnonzero(views.done).tolist(), _BATCH, made, progress)


def _maps(network: Nano, levels: np.ndarray) -> ViewMaps:
    planes = torch.from_numpy(levels).permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
    return network.maps(planes).float()
