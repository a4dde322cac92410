"""Parity: the exported graph against the PyTorch module it came from, on real photos.

A large difference means the exporter or the simplifier changed the arithmetic, and the build stops.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.runtime.bundle.golden import FAULT_OUTPUTS
from dgiqa_edge.runtime.errors import ExportError

from .graph_session import Run

if TYPE_CHECKING:
    from torch import nn

SCORE_TOLERANCE = 1e-4
DEPTH_TOLERANCE_LEVELS = 1
DEPTH_TOLERANCE_SHARE = 0.999


@dataclass(frozen=True)
class Parity:
    """Largest differences between PyTorch and ONNX Runtime over the photos.

    Attributes:
        score_max: largest difference of any crop score.
        faults_max: largest difference of any probability of a fault, in the frame or a cell; None where none are read.
        depth_equal_share: smallest share, over the photos, of depth pixels within one grey level.
    """

    images: int
    score_max: float
    depth_max_levels: int
    depth_equal_share: float
    faults_max: float | None = None


def measure(module: "nn.Module", run: Run, frames: Iterable[np.ndarray], tick: Callable[[], None]) -> Parity:
    """Run both on every frame.

    Raises:
        ExportError: a difference exceeds its tolerance, or there was no frame.
    """
    import torch

    score_max, depth_max, equal_share, images = 0.0, 0, 1.0, 0
    faults_max: float | None = None
    for frame in frames:
        with torch.no_grad():
            _, crop_scores, depth, *others = (output.numpy() for output in module(torch.from_numpy(frame)))
        onnx_outputs = run(frame)
        difference = np.abs(depth.astype(np.int16) - onnx_outputs["depth"].astype(np.int16))
        # np.maximum, unlike max(), lets a NaN through to the verdict below.
        score_max = float(np.maximum(score_max, np.abs(crop_scores - onnx_outputs["crop_scores"]).max()))
        for name, array in zip(FAULT_OUTPUTS, others, strict=False):
            faults_max = float(np.maximum(faults_max or 0.0, np.abs(array - onnx_outputs[name]).max()))
        depth_max = max(depth_max, int(difference.max()))
        equal_share = min(equal_share, float((difference <= DEPTH_TOLERANCE_LEVELS).mean()))
        images += 1
        tick()
    parity = Parity(images, score_max, depth_max, equal_share, faults_max)
    if not images:
        raise ExportError("no photo to compare PyTorch and ONNX Runtime on")
    near = all(value <= SCORE_TOLERANCE for value in (score_max, faults_max) if value is not None)
    if not near or equal_share < DEPTH_TOLERANCE_SHARE:
        faults = "" if faults_max is None else f", probabilities of faults by {faults_max:.2g}"
        raise ExportError(
            f"the exported graph differs from PyTorch: crop scores by up to {score_max:.2g}{faults} (allowed "
            f"{SCORE_TOLERANCE:g}), {equal_share:.2%} of depth pixels within one level (needed "
            f"{DEPTH_TOLERANCE_SHARE:.1%}); please report the versions of torch, onnx and onnxsim"
        )
    return parity
