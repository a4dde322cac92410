"""Computes and caches the encoder's features of a photo set: the slow step that makes head training cheap.

A photo gives two views (the shrunk whole frame and one native crop, see ``export/networks/views.py``). Done rows are
skipped, so the job may be stopped and started at will.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from dgiqa_edge.export.networks.edge import VIEW_RULE, EdgeEncoder
from dgiqa_edge.export.networks.views import crop_view, plan_views, whole_view

from .encoder_session import EncoderJob, open_encoder
from .feature_store import FeatureStore

Progress = Callable[[int, int], None]
FLUSH_SECONDS = 60.0


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
    views = plan_views(read(pending[0]).shape[:2], VIEW_RULE)
    on_whole = open_encoder(encoder, EncoderJob(views.whole, batch, with_depth=True, threads=threads), graphs)
    crop_size = (VIEW_RULE.crop_side_px, VIEW_RULE.crop_side_px)
    on_crop = open_encoder(encoder, EncoderJob(crop_size, batch, with_depth=False, threads=threads), graphs)
    flushed = time.monotonic()
    for start in range(0, len(pending), batch):
        chosen = pending[start : start + batch]
        photos = [read(row) for row in chosen]
        photos += [photos[-1]] * (batch - len(photos))
        whole = on_whole(np.stack([whole_view(photo, views.whole) for photo in photos]))
        crop = on_crop(np.stack([crop_view(photo, views.crops[0]) for photo in photos]))
        for position, row in enumerate(chosen):
            store.write(
                row,
                {
                    "whole_grid": whole[0][position],
                    "whole_statistics": whole[1][position],
                    "depth": whole[2][position],
                    "crop_grid": crop[0][position],
                    "crop_statistics": crop[1][position],
                },
            )
        progress(start + len(chosen), len(pending))
        if time.monotonic() - flushed > FLUSH_SECONDS:
            store.flush()
            flushed = time.monotonic()
    store.flush()
