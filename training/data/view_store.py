"""Views of photos and of their degraded copies as `nano` 2 reads them, 8-bit pictures on disk.

A row holds the shrunk whole frame and five native crops (centre and corners), so that every epoch may look elsewhere;
of a degraded copy also how much of each cell of a 4x4 grid its fault took. Rows are filled in any order and the job
may be stopped at will.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from dgiqa_edge.calibration.degradations.scene import Degraded
from dgiqa_edge.export.networks.nano import VIEW_RULE
from dgiqa_edge.export.networks.nano2 import COVERAGE_SIDE
from dgiqa_edge.export.networks.views import Box, Size, plan_views

from .row_files import claim, open_rows

Progress = Callable[[int, int], None]
FRAME: Size = (512, 512)
CROPS = 5
FLUSH_SECONDS = 60.0


class ViewStore:
    """Rows of ``whole`` uint8 [rows, h, w, 3], ``crops`` uint8 [rows, 5, 160, 160, 3], BGR, and ``coverage``."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        """Open the store in ``folder``, or begin one.

        Raises:
            ConfigurationError: see :func:`row_files.claim`.
        """
        claim(folder, names)
        rows = len(names)
        side, whole = VIEW_RULE.crop_side_px, plan_views(FRAME, VIEW_RULE).whole
        self.whole = open_rows(folder / "whole.npy", (rows, *whole, 3), np.uint8)
        self.crops = open_rows(folder / "crops.npy", (rows, CROPS, side, side, 3), np.uint8)
        self.coverage = open_rows(folder / "coverage.npy", (rows, COVERAGE_SIDE, COVERAGE_SIDE), np.float16)
        self.done = open_rows(folder / "done.npy", (rows,), np.uint8)

    def fill(self, rows: Iterable[int], read: Callable[[int], Degraded], progress: Progress) -> None:
        """Make the rows that are missing; ``read`` gives the picture of a row, of 512x512."""
        pending = [row for row in rows if not self.done[row]]
        flushed = time.monotonic()
        for number, row in enumerate(pending, start=1):
            found = read(row)
            self.whole[row] = whole_levels(found.picture, (self.whole.shape[1], self.whole.shape[2]))
            self.crops[row] = np.stack([crop_levels(found.picture, box) for box in crop_boxes(FRAME)])
            self.coverage[row] = cv2.resize(
                found.coverage, (COVERAGE_SIDE, COVERAGE_SIDE), interpolation=cv2.INTER_AREA
            )
            self.done[row] = 1
            progress(number, len(pending))
            if time.monotonic() - flushed > FLUSH_SECONDS:
                self.flush()
                flushed = time.monotonic()
        self.flush()

    def flush(self) -> None:
        """Everything written so far survives a power cut; rows before the mark that they are done."""
        for array in (self.whole, self.crops, self.coverage, self.done):
            array.flush()


def whole_levels(frame_bgr: np.ndarray, size: Size) -> np.ndarray:
    """The frame uint8 [H, W, 3] shrunk to ``size`` by area and rounded: uint8 [h, w, 3], BGR."""
    return np.asarray(cv2.resize(frame_bgr, (size[1], size[0]), interpolation=cv2.INTER_AREA))


def crop_levels(frame_bgr: np.ndarray, box: Box) -> np.ndarray:
    """A native crop, uint8 [h, w, 3], BGR."""
    top, left, height, width = box
    return frame_bgr[top : top + height, left : left + width]


def crop_boxes(frame: Size) -> tuple[Box, ...]:
    """The centre, as a build with one crop has it, and the four corners."""
    side = VIEW_RULE.crop_side_px
    down, across = frame[0] - side, frame[1] - side
    corners = tuple((top, left, side, side) for top in (0, down) for left in (0, across))
    return (*plan_views(frame, VIEW_RULE).crops, *corners)
