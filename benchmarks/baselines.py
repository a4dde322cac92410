"""Quality measures that need no learning on our side, to stand beside a bundle in the same run.

They are only run here, never shipped. What this machine cannot run is reported as not measured, with the reason.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Measure = Callable[[np.ndarray], float]


def baselines(brisque_model: Path | None, brisque_range: Path | None) -> dict[str, Measure | str]:
    """Name -> a function of a frame uint8 [H, W, 3] BGR (higher is better), or why it cannot be measured.

    Args:
        brisque_model, brisque_range: the two files that OpenCV's BRISQUE is trained by; they come with the sources of
            its contrib modules, not with its packages.
    """
    return {"Laplacian variance": laplacian_variance, "BRISQUE (OpenCV)": _brisque(brisque_model, brisque_range)}


def laplacian_variance(frame: np.ndarray) -> float:
    """Variance of the Laplacian of the grey frame: the usual quick measure of sharpness."""
    import cv2

    return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def _brisque(model: Path | None, span: Path | None) -> Measure | str:
    import cv2

    if not hasattr(cv2, "quality"):
        return "this OpenCV has no quality module: install opencv-contrib-python-headless in its place"
    if model is None or span is None:
        return "no --brisque-model and --brisque-range given"
    measure = cv2.quality.QualityBRISQUE.create(str(model), str(span))
    return lambda frame: -float(measure.compute(frame)[0])
