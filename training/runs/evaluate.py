"""Evaluates a trained model on photos: agreement with people, order of degraded copies, agreement of depth.

The official test split is for the very end, once.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from dgiqa_edge.calibration import agreement as metrics
from dgiqa_edge.calibration.degradations.kinds import KINDS
from dgiqa_edge.export.networks.edge import VIEW_RULE as EDGE_VIEWS
from dgiqa_edge.export.networks.edge import EdgeEncoder
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.export.networks.views import overlap_matrix, plan_views, whole_view

from ..data.degraded_set import DegradedSet
from ..data.frame_views import frame_views

Read = Callable[[int], np.ndarray]
Progress = Callable[[int, int], None]


def nano_outputs(network: Nano, read: Read, rows: np.ndarray, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Scores float32 [rows] and depth float32 [rows, h / 4, w / 4] of frames of the size the network expects."""
    network.eval()
    scores, depths = [], []
    with torch.no_grad():
        for done, row in enumerate(rows, start=1):
            frame = read(int(row))
            score, _, depth, *_ = network(*frame_views([frame], network.views.frame))
            scores.append(float(score))
            depths.append(depth[0].numpy())
            progress(done, len(rows))
    return np.array(scores, np.float32), np.stack(depths)


def nano_depth(network: Nano, frame: np.ndarray) -> np.ndarray:
    """`nano`'s depth float32 [h, w] of a frame of any size; the network stays arranged for it."""
    views = network.arrange((frame.shape[0], frame.shape[1]))
    with torch.no_grad():
        return network.depth_decoder(network.maps(frame_views([frame], views.frame)[0]))[0].numpy()


def encoder_depth(encoder: EdgeEncoder, frame: np.ndarray) -> np.ndarray:
    """`edge`'s depth float32 [h, w] of a frame of any size."""
    whole = plan_views((frame.shape[0], frame.shape[1]), EDGE_VIEWS).whole
    with torch.no_grad():
        return encoder(torch.from_numpy(whole_view(frame, whole))[None])[0].numpy()


def score_report(predicted: np.ndarray, human: np.ndarray) -> dict[str, Any]:
    """SRCC, PLCC, KRCC, RMSE with their intervals, as plain numbers."""
    return asdict(metrics.agreement(predicted, human))


def order_report(plan: DegradedSet, numbers: np.ndarray, clean: np.ndarray, worse: np.ndarray) -> dict[str, Any]:
    """Share of pairs in order, by kind and in all; ``numbers`` are the copies that the scores belong to."""
    kinds = np.array([plan.copies[number].kind for number in numbers])
    report: dict[str, Any] = {"all": metrics.ordered_share(clean, worse), "pairs": len(numbers)}
    for kind in KINDS:
        chosen = kinds == kind
        if chosen.any():
            report[kind] = metrics.ordered_share(clean[chosen], worse[chosen])
    return report


def depth_report(depths: np.ndarray, teacher: np.ndarray) -> dict[str, float]:
    """Agreement of depth maps [rows, h, w] with the teacher's [rows, H, W].

    Correlation of inverse depth; after the least-squares scale and shift also AbsRel and delta1, on inverse depth
    raised so that the teacher's farthest point is a tenth of its nearest (relative depth has no zero of its own).
    """
    height, width = depths.shape[1:]
    side = teacher.shape[1:]
    rows = overlap_matrix(side[0], height, 0.0, float(side[0]))
    columns = overlap_matrix(side[1], width, 0.0, float(side[1])).T
    correlations, absolute, close = [], [], []
    for depth, reference in zip(depths, teacher, strict=True):
        target = rows @ reference.astype(np.float32) @ columns
        target = 0.1 + 0.9 * (target - target.min()) / max(float(target.max() - target.min()), 1e-6)
        correlations.append(metrics.plcc(depth.ravel(), target.ravel()))
        scale, shift = np.polyfit(depth.ravel(), target.ravel(), 1)
        aligned = np.clip(scale * depth + shift, 0.02, None)
        absolute.append(float(np.mean(np.abs(aligned - target) / target)))
        close.append(float(np.mean(np.maximum(aligned / target, target / aligned) < 1.25)))
    return {
        "photos": len(depths),
        "correlation": float(np.mean(correlations)),
        "abs_rel": float(np.mean(absolute)),
        "delta1": float(np.mean(close)),
    }
