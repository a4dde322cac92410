"""NIQE (Mittal, Soundararajan, Bovik 2013): how far a frame's statistics lie from those of natural photos.

No opinions enter. Written from the paper; the model of natural photos is read from a file in the authors' form.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .natural_scenes import NEIGHBOURS, fit_asymmetric, halved, luminance, normalised

BLOCK = 96
FEWEST_BLOCKS = 2
"""Per direction: below that the covariance of a frame's blocks says nothing."""


@dataclass(frozen=True, eq=False)
class NaturalPhotos:
    """Mean float64 [36] and covariance float64 [36, 36] of the block features of natural photos."""

    mean: np.ndarray
    covariance: np.ndarray


def load_natural_photos(file: Path) -> NaturalPhotos:
    """The model from a MATLAB file of the authors' form: ``mu_prisparam`` and ``cov_prisparam``.

    Raises:
        ValueError: the file holds no such model.
    """
    from scipy.io import loadmat

    content = loadmat(file)
    model = NaturalPhotos(np.ravel(content.get("mu_prisparam", ())), np.asarray(content.get("cov_prisparam", ())))
    if model.mean.shape != (36,) or model.covariance.shape != (36, 36):
        raise ValueError(f"{file} holds no NIQE model of 36 features")
    return model


def niqe(frame: np.ndarray, model: NaturalPhotos) -> float:
    """Distance of a frame uint8 [H, W, 3] BGR from natural photos: 0 is natural, larger is worse.

    Raises:
        ValueError: the frame is smaller than two blocks in a direction, or flat.
    """
    features = block_features(frame)
    features = features[np.isfinite(features).all(axis=1)]
    if len(features) < FEWEST_BLOCKS:
        raise ValueError("the frame is flat: NIQE is not defined")
    gap = features.mean(axis=0) - model.mean
    pooled = (np.cov(features, rowvar=False) + model.covariance) / 2.0
    return float(np.sqrt(gap @ np.linalg.pinv(pooled, hermitian=True) @ gap))


def block_features(frame: np.ndarray) -> np.ndarray:
    """36 features of every whole block of 96x96 pixels at two scales, float64 [blocks, 36]."""
    import cv2

    rows, columns = frame.shape[0] // BLOCK, frame.shape[1] // BLOCK
    if min(rows, columns) < FEWEST_BLOCKS:
        size = f"{frame.shape[1]}x{frame.shape[0]}"
        raise ValueError(f"a frame of {size} is too small for NIQE: it needs {FEWEST_BLOCKS * BLOCK} pixels per side")
    image = luminance(frame)[: rows * BLOCK, : columns * BLOCK]
    scales = []
    for scaled, block in ((image, BLOCK), (halved(image), BLOCK // 2)):
        values = normalised(scaled, cv2.BORDER_REPLICATE).reshape(rows, block, columns, block)
        scales.append(_features(values.swapaxes(1, 2).reshape(rows * columns, block, block)))
    return np.concatenate(scales, axis=1)


def _features(blocks: np.ndarray) -> np.ndarray:
    """18 features of each block, float64 [blocks, 18]."""
    count = len(blocks)
    own = fit_asymmetric(blocks.reshape(count, -1))
    columns = [own.shape, (own.left_scale + own.right_scale) / 2.0]
    for step in NEIGHBOURS:
        fit = fit_asymmetric((blocks * np.roll(blocks, step, (1, 2))).reshape(count, -1))
        columns += [fit.shape, fit.mean, fit.left_scale, fit.right_scale]
    return np.stack(columns, axis=1)
