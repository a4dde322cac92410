"""Agreement of relative depth with a depth camera: frames of a Kinect, colour and depth in millimetres.

The folder holds ``*.color.jpg`` and ``*.depth.png`` (16 bit, 0 and 65535 mean no reading), as 7-Scenes is published.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from dgiqa_edge.export.networks.views import shrink_matrix
from dgiqa_edge.runtime.errors import SourceError

from .datasets import read_photo

NO_READING_MM = (0, 65535)
FARTHEST_M = 6.0
NEAREST_M = 0.3


def read_frames(folder: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Colour uint8 [H, W, 3] and depth float32 [H, W] in metres, NaN where there is no reading.

    Raises:
        SourceError: the folder holds no frames, or a depth picture is missing.
    """
    colours = sorted(folder.glob("*.color.jpg"))
    if not colours:
        raise SourceError(f"{folder}: no *.color.jpg; give the folder of a Kinect sequence")
    for colour in colours:
        file = colour.with_name(colour.name.replace(".color.jpg", ".depth.png"))
        millimetres = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED) if file.is_file() else None
        if millimetres is None:
            raise SourceError(f"{file}: not a readable depth picture")
        metres = millimetres.astype(np.float32) / 1000.0
        metres[np.isin(millimetres, NO_READING_MM)] = np.nan
        yield read_photo(colour), metres


def kinect_report(folder: Path, depth_of: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """AbsRel and delta1 of metric depth after scale and shift of inverse depth are fitted, frame by frame.

    Args:
        depth_of: colour frame to relative inverse depth [h, w], covering the frame.
    """
    absolute, close = [], []
    for colour, metres in read_frames(folder):
        relative = _to_size(depth_of(colour), (metres.shape[0], metres.shape[1]))
        known = np.isfinite(metres) & (metres > NEAREST_M) & (metres < FARTHEST_M)
        x, truth = relative[known].astype(np.float64), metres[known].astype(np.float64)
        scale, shift = np.polyfit(x, 1.0 / truth, 1)
        aligned = 1.0 / np.clip(scale * x + shift, 1.0 / FARTHEST_M, 1.0 / NEAREST_M)
        absolute.append(float(np.mean(np.abs(aligned - truth) / truth)))
        close.append(float(np.mean(np.maximum(aligned / truth, truth / aligned) < 1.25)))
    return {"frames": len(absolute), "abs_rel": float(np.mean(absolute)), "delta1": float(np.mean(close))}


def _to_size(depth: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if depth.shape[0] > size[0]:
        return shrink_matrix(depth.shape[0], size[0]) @ depth @ shrink_matrix(depth.shape[1], size[1]).T
    return cv2.resize(depth.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
