"""Computes and caches the encoder's features of a photo set: the slow step that makes head training cheap.

A photo gives the shrunk whole frame (see ``export/networks/views.py``) and three native crops: the centre, as a build
with one crop has it, and two corners, so that the head learns what a crop looks like wherever it lies. Done rows are
skipped, so the job may be stopped and started at will.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from dgiqa_edge.export.networks.edge import VIEW_RULE, EdgeEncoder
from dgiqa_edge.export.networks.views import Size, Views, crop_view, plan_views, whole_view

from .encoder_session import EncoderJob, open_encoder
from .feature_store import FeatureStore
from .row_store import Progress


def training_views(frame: Size) -> Views:
    """The whole frame, the centre crop, and those of the upper left and the lower right corner."""
    views, side = plan_views(frame, VIEW_RULE), VIEW_RULE.crop_side_px
    corners = ((0, 0, side, side), (frame[0] - side, frame[1] - side, side, side))
    return replace(views, crops=(*views.crops, *corners))


def extract(
    encoder: EdgeEncoder,
    store: FeatureStore,
    rows: Iterable[int],
    read: Callable[[int], np.ndarray],
    batch: int,
    threads: int,
    progress: Progress,
    graphs: Path,
) -> None:
    """Fill ``rows`` of the store, in that order.

    Args:
        read: gives the photo of a row, uint8 [H, W, 3], BGR; all must have one size.
        graphs: folder for the encoder's ONNX graphs.
    """
    pending = [row for row in rows if not store.done[row]]
    if not pending:
        return
    height, width = read(pending[0]).shape[:2]
    views = training_views((height, width))
    on_whole = open_encoder(encoder, EncoderJob(views.whole, batch, with_depth=True, threads=threads), graphs)
    crop_size = (VIEW_RULE.crop_side_px, VIEW_RULE.crop_side_px)
    on_crop = open_encoder(encoder, EncoderJob(crop_size, batch, with_depth=False, threads=threads), graphs)

    def made(chosen: list[int]) -> Iterator[dict[str, np.ndarray]]:
        photos = [read(row) for row in chosen]
        photos += [photos[-1]] * (batch - len(photos))
        whole = on_whole(np.stack([whole_view(photo, views.whole) for photo in photos]))
        crops = [on_crop(np.stack([crop_view(photo, box) for photo in photos])) for box in views.crops]
        for position in range(len(chosen)):
            yield {
                "whole_statistics": whole[0][position],
                "depth": whole[1][position],
                "crop_statistics": np.stack([crop[0][position] for crop in crops]),
            }

    store.fill_batches(pending, batch, made, progress)
