"""Cached maps of the frozen first blocks of `nano`'s trunk: what makes training its rest practical on a CPU.

One row per photo or degraded copy: maps at strides 4 and 8 of the whole view and of the centre crop, as float16. Rows
are filled in any order and the job may be stopped at will.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from dgiqa_edge.export.networks.lite_trunk import LiteTrunk
from dgiqa_edge.export.networks.nano import VIEW_RULE
from dgiqa_edge.export.networks.views import crop_view, plan_views, whole_view

Progress = Callable[[int, int], None]
FRAME = (512, 512)


class NanoStore:
    """Rows of early maps: ``whole4``, ``whole8``, ``crop4``, ``crop8``, float16 [rows, C, h, w]."""

    def __init__(self, folder: Path, rows: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        whole = plan_views(FRAME, VIEW_RULE).whole
        sizes = {"whole": whole, "crop": (VIEW_RULE.crop_side_px, VIEW_RULE.crop_side_px)}
        self.maps = {
            f"{view}{stride}": _open(
                folder / f"{view}{stride}.npy", (rows, width, h // stride, w // stride), np.float16
            )
            for view, (h, w) in sizes.items()
            for stride, width in ((4, 24), (8, 40))
        }
        self.done = _open(folder / "done.npy", (rows,), np.uint8)

    def batch(self, rows: np.ndarray) -> dict[str, Tensor]:
        """Those rows as float32, channels last."""
        return {
            kind: torch.from_numpy(array[rows]).float().contiguous(memory_format=torch.channels_last)
            for kind, array in self.maps.items()
        }

    def fill(
        self,
        trunk: LiteTrunk,
        rows: Iterable[int],
        read: Callable[[int], np.ndarray],
        batch: int,
        progress: Progress,
    ) -> None:
        """Compute the rows that are missing.

        Args:
            read: gives the frame of a row, uint8 [512, 512, 3], BGR.
        """
        pending = [row for row in rows if not self.done[row]]
        views = plan_views(FRAME, VIEW_RULE)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        trunk = trunk.eval().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        for start in range(0, len(pending), batch):
            chosen = pending[start : start + batch]
            frames = [read(row) for row in chosen]
            whole = np.stack([whole_view(frame, views.whole) for frame in frames])
            crop = np.stack([crop_view(frame, views.crops[0]) for frame in frames])
            for name, pixels in (("whole", whole), ("crop", crop)):
                with torch.no_grad():
                    stride4, stride8 = trunk.early(torch.from_numpy(pixels).to(device))
                for row, four, eight in zip(chosen, stride4.cpu().numpy(), stride8.cpu().numpy(), strict=True):
                    self.maps[f"{name}4"][row] = four
                    self.maps[f"{name}8"][row] = eight
            self.done[chosen] = 1
            progress(start + len(chosen), len(pending))
        for array in (*self.maps.values(), self.done):
            array.flush()


def _open(file: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    if file.is_file():
        return np.lib.format.open_memmap(file, mode="r+")
    return np.lib.format.open_memmap(file, mode="w+", dtype=dtype, shape=shape)
