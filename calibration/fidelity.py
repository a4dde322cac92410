"""Fidelity: how far an engine's outputs lie from the FP32 outputs on the same frames.

It says nothing about accuracy, which is agreement with people. Pure functions of arrays; running the
engines is the caller's business.
"""

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass
from typing import Any

import numpy as np

from dgiqa_edge.runtime.bundle.golden import FAULT_OUTPUTS
from dgiqa_edge.runtime.bundle.manifest import FidelityFigures
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.errors import CalibrationError, FidelityError

from .statistics import pearson, spearman

Outputs = Mapping[str, np.ndarray]
Run = Callable[[np.ndarray], Outputs]
Progress = Callable[[int, int], None]

FEWEST_FOR_RANKS = 3
FIGURES = ("score_mae", "score_max", "score_srcc", "depth_mae_levels", "depth_correlation", "faults_mae")
"""What tables show."""


@dataclass(frozen=True)
class ImageFidelity:
    """Both scores of one image, and its depth errors in grey levels (0 to 255).

    Where faults are read, also the mean and the largest absolute difference of their probabilities, and the mean one of
    their cells'; else None.
    """

    reference_score: float
    candidate_score: float
    depth_mae_levels: float
    depth_max_levels: float
    depth_correlation: float | None
    faults_mae: float | None = None
    faults_max: float | None = None
    coverage_mean: float | None = None


@dataclass(frozen=True)
class Fidelity(FidelityFigures):
    """Agreement over a set of images, and each of them."""

    per_image: tuple[ImageFidelity, ...]

    @property
    def figures(self) -> dict[str, float | None]:
        """Those of ``FIGURES``."""
        return {name: getattr(self, name) for name in FIGURES}

    def to_json(self, *, with_images: bool = False) -> dict[str, Any]:
        """The figures as a JSON object; the per-image pairs on demand."""
        content = plain(self)
        images = list(content.pop("per_image"))
        return {**content, "per_image": images} if with_images else content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Fidelity":
        """Read what ``to_json(with_images=True)`` gave."""
        return cls(**{**content, "per_image": tuple(ImageFidelity(**image) for image in content["per_image"])})


def compare_engines(
    reference_run: Run, candidate_run: Run, frames: Iterable[np.ndarray], *, progress: Progress | None = None
) -> Fidelity:
    """Run both engines on every frame and compare ``score``, ``depth``, and faults where the reference reads some.

    Args:
        reference_run, candidate_run: uint8 [1, H, W, 3] -> outputs ``score`` float32 [1], ``depth`` uint8
            [1, h, w]; ``faults`` float32 [1, K], ``coverage`` float32 [1, rows, columns, K].

    Raises:
        CalibrationError: there is no frame.
        FidelityError: the depth maps have different sizes, or a score or a probability is not finite.
    """
    total = len(frames) if isinstance(frames, Sized) else 0
    images = []
    for frame in frames:
        images.append(compare_outputs(reference_run(frame), candidate_run(frame)))
        if progress is not None:
            progress(len(images), total)
    return summarize(images)


def compare_outputs(reference: Outputs, candidate: Outputs) -> ImageFidelity:
    """Compare the outputs of two engines for one frame.

    Raises:
        FidelityError: the depth maps have different sizes, or a score or a probability is not finite.
    """
    scores = [float(np.asarray(outputs["score"]).reshape(-1)[0]) for outputs in (reference, candidate)]
    if not all(np.isfinite(scores)):
        raise FidelityError(f"score is not finite: reference {scores[0]}, candidate {scores[1]}")
    first, second = np.asarray(reference["depth"]), np.asarray(candidate["depth"])
    if first.shape != second.shape:
        raise FidelityError(f"depth maps differ in size: reference {first.shape}, candidate {second.shape}")
    difference = np.abs(first.astype(np.int16) - second.astype(np.int16))
    faults = _compare_faults(reference, candidate)
    if not all(map(np.isfinite, faults.values())):
        raise FidelityError("a probability of a fault is not finite")
    return ImageFidelity(
        reference_score=scores[0],
        candidate_score=scores[1],
        depth_mae_levels=float(difference.mean()),
        depth_max_levels=float(difference.max()),
        depth_correlation=pearson(first, second),
        **faults,
    )


def _compare_faults(reference: Outputs, candidate: Outputs) -> dict[str, float]:
    """Those of ``ImageFidelity``; none where no faults are read."""
    if "faults" not in reference:
        return {}
    faults, coverage = (np.abs(reference[name] - candidate[name]) for name in FAULT_OUTPUTS)
    return {
        "faults_mae": float(faults.mean()),
        "faults_max": float(faults.max()),
        "coverage_mean": float(coverage.mean()),
    }


def summarize(images: Iterable[ImageFidelity]) -> Fidelity:
    """Figures over all images.

    Raises:
        CalibrationError: there is no image.
    """
    pairs = tuple(images)
    if not pairs:
        raise CalibrationError("no image to compare engines on")
    reference = np.array([pair.reference_score for pair in pairs])
    candidate = np.array([pair.candidate_score for pair in pairs])
    differences = np.abs(reference - candidate)
    correlations = [pair.depth_correlation for pair in pairs if pair.depth_correlation is not None]
    faults = [pair.faults_mae for pair in pairs if pair.faults_mae is not None]
    return Fidelity(
        images=len(pairs),
        score_mae=float(differences.mean()),
        score_max=float(differences.max()),
        score_srcc=spearman(reference, candidate) if len(pairs) >= FEWEST_FOR_RANKS else None,
        depth_mae_levels=float(np.mean([pair.depth_mae_levels for pair in pairs])),
        depth_max_levels=max(pair.depth_max_levels for pair in pairs),
        depth_correlation=float(np.mean(correlations)) if correlations else None,
        faults_mae=float(np.mean(faults)) if faults else None,
        per_image=pairs,
    )
