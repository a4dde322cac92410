"""Views of photos and of their degraded copies as `nano` reads them, 8-bit pictures on disk.

A row holds the shrunk whole frame and five native crops (centre and corners), so that every epoch may look elsewhere;
of a degraded copy also how much of each cell of a 4x4 grid its fault took. Rows are filled in any order and the job
may be stopped at will.
"""

from pathlib import Path

import cv2
import numpy as np

from dgiqa_edge.calibration.degradations.scene import Degraded
from dgiqa_edge.export.networks.fault_reader import COVERAGE_SIDE
from dgiqa_edge.export.networks.nano import VIEW_RULE
from dgiqa_edge.export.networks.views import Box, Size, plan_views

from .row_store import Kinds, RowStore

FRAME: Size = (512, 512)
CROPS = 5


class ViewStore(RowStore):
    """Rows of ``whole`` uint8 [rows, h, w, 3], ``crops`` uint8 [rows, 5, 160, 160, 3], BGR, and ``coverage``."""

    def __init__(self, folder: Path, names: list[str]) -> None:
        """As :class:`RowStore`."""
        side, whole = VIEW_RULE.crop_side_px, plan_views(FRAME, VIEW_RULE).whole
        kinds: Kinds = {
            "whole": ((*whole, 3), np.uint8),
            "crops": ((CROPS, side, side, 3), np.uint8),
            "coverage": ((COVERAGE_SIDE, COVERAGE_SIDE), np.float16),
        }
        super().__init__(folder, names, kinds)
        self.whole, self.crops, self.coverage = (self.maps[kind] for kind in kinds)


def views_of(found: Degraded) -> dict[str, np.ndarray]:
    """The row of a picture of 512x512."""
    return {
        "whole": whole_levels(found.picture, plan_views(FRAME, VIEW_RULE).whole),
        "crops": np.stack([crop_levels(found.picture, box) for box in crop_boxes(FRAME)]),
        "coverage": cv2.resize(found.coverage, (COVERAGE_SIDE, COVERAGE_SIDE), interpolation=cv2.INTER_AREA),
    }


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
