"""The training jobs, each resumable: features, views, depth, the models, their evaluation.

It joins data, caches and trainers by the configuration; how to train is the trainers' business.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from dgiqa_edge.calibration.degradations.kinds import KINDS
from dgiqa_edge.calibration.degradations.scene import everywhere
from dgiqa_edge.export.networks.dgiqa import DGIQA
from dgiqa_edge.export.networks.edge import VIEW_WIDTH, EdgeHead
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError
from dgiqa_edge.runtime.ground.error_text import telling_line

from ..data.datasets import PhotoSet, read_biq2021, read_photo_of_size
from ..data.degraded_set import SERIES, DegradedSet, extraction_order, plan_degraded
from ..data.depth_pictures import DepthPictures, DepthRule, PictureStore
from ..data.drift import Drift, encoder_drift
from ..data.edge_batches import head_inputs
from ..data.encoder_session import load_encoder
from ..data.feature_store import FeatureStore
from ..data.features import extract
from ..data.view_store import ViewStore, views_of
from ..trainers.config import JobConfig
from ..trainers.dgiqa_trainer import RANDOM, DgiqaData, DgiqaTrainer, grid_scores
from ..trainers.edge_trainer import EdgeData, EdgeTrainer
from ..trainers.run_folder import RunFolder
from ..trainers.swin_start import draw, start_from_swin

Progress = Callable[[int, int], None]
EpochProgress = Callable[[int, int, int, float], None]
Read = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class Taught:
    """A teacher's scores of all photos and of all degraded copies, float32; NaN where it is silent."""

    photos: np.ndarray
    copies: np.ndarray


@dataclass(frozen=True)
class Workshop:
    """Data and caches of one configuration."""

    config: JobConfig

    @cached_property
    def photos(self) -> PhotoSet:
        """All photos, train first."""
        return read_biq2021(self.config.data)

    @cached_property
    def features(self) -> FeatureStore:
        """Encoder features of the photos."""
        names = [photo.path.name for photo in self.photos.photos]
        return FeatureStore(self.config.cache / "features" / "photos", names)

    @cached_property
    def degraded(self) -> DegradedSet:
        """The list of degraded copies."""
        config = self.config
        series = {name: getattr(config, f"{name}_series") for name in SERIES}
        return plan_degraded(self.photos, tuple(KINDS), config.degraded_validation, config.degraded_fit, series)

    @cached_property
    def degraded_features(self) -> FeatureStore:
        """Encoder features of the degraded copies."""
        names = [copy.name for copy in self.degraded.copies]
        return FeatureStore(self.config.cache / "features" / "degraded", names)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width that every photo is brought to."""
        return self.config.edge.frame

    @property
    def depth_rule(self) -> DepthRule:
        """How DGIQA's pictures are made."""
        return DepthRule(self.size, self.config.dgiqa.depth_side, self.config.dgiqa.short_side)

    @cached_property
    def pictures(self) -> PictureStore:
        """Photos with depth, for DGIQA."""
        names = [photo.path.name for photo in self.photos.photos]
        return PictureStore(self.config.cache / "pictures", names, self.depth_rule)

    def photo(self, row: int) -> np.ndarray:
        """A photo, uint8 [H, W, 3]."""
        return read_photo_of_size(self.photos.photos[row].path, self.size)

    def degraded_photo(self, number: int) -> np.ndarray:
        """A degraded copy, uint8 [H, W, 3]."""
        return self.degraded.picture(number, self.photos, self.features, self.size)

    def view_store(self, part: str) -> ViewStore:
        """Views for `nano` of ``photos`` (train split only) or of ``degraded`` copies."""
        if part == "photos":
            names = [self.photos.photos[row].path.name for row in range(len(self.photos.indices("train")))]
        else:
            names = [copy.name for copy in self.degraded.copies]
        return ViewStore(self.config.cache / "views" / part, names)

    @property
    def drift(self) -> Path:
        """What INT8 does to features."""
        return self.config.cache / "features" / "drift.npz"

    @property
    def silent(self) -> Taught:
        """A teacher that says nothing."""
        counts = (len(self.photos.photos), len(self.degraded.copies))
        return Taught(*(np.full(count, np.nan, np.float32) for count in counts))


def compute_features(shop: Workshop, part: str, limit: int | None, progress: Progress) -> None:
    """Encoder features of ``train``, ``test`` or ``degraded`` pictures, the first ``limit`` of them."""
    limit_threads(shop.config.threads)
    config, (read, rows) = shop.config, _pictures(shop, part)
    store = shop.degraded_features if part == "degraded" else shop.features
    encoder, graphs = load_encoder(config.encoder), config.cache / "graphs"
    extract(encoder, store, rows[:limit], read, config.extraction_batch, config.threads, progress, graphs)


def compute_drift(shop: Workshop, graph: Path, limit: int, progress: Progress) -> None:
    """What the INT8 graph of an `edge` bundle does to the features of the first ``limit`` photos to fit.

    Raises:
        ConfigurationError: the graph is not `edge`'s for the photos' size, or no photo has features.
    """
    order = extraction_order(shop.photos)
    rows = shop.features.complete(order[np.isin(order, shop.photos.indices("fit"))])[:limit]
    if not len(rows):
        raise ConfigurationError("no photo has features: run `features --part train` first")
    read, threads = shop.photo, shop.config.threads
    encoder_drift(graph, shop.features, rows.tolist(), read, threads, progress).save(shop.drift)


def compute_views(shop: Workshop, part: str, limit: int | None, progress: Progress) -> None:
    """Views for `nano` of ``train`` or ``degraded`` pictures, the first ``limit`` of them."""
    limit_threads(1)
    if part == "degraded":

        def copy(row: int) -> dict[str, np.ndarray]:
            return views_of(shop.degraded.made(row, shop.photos, shop.features, shop.size))

        shop.view_store("degraded").fill(shop.degraded.order[:limit], copy, progress)
    else:
        rows = extraction_order(shop.photos)[:limit]
        shop.view_store("photos").fill(rows, lambda row: views_of(everywhere(shop.photo(row))), progress)


def compute_depth(shop: Workshop, part: str, limit: int | None, device: torch.device, progress: Progress) -> None:
    """Pictures with depth, for DGIQA, of ``train`` or ``test`` photos, the first ``limit`` of them."""
    limit_threads(shop.config.threads)
    config, (read, rows) = shop.config, _pictures(shop, part)
    make = DepthPictures(config.encoder, shop.depth_rule, config.cache / "graphs", config.threads, device)
    shop.pictures.fill(rows[:limit], lambda row: make(read(row)), progress)


def _pictures(shop: Workshop, part: str) -> tuple[Read, np.ndarray]:
    """How the pictures of ``train``, ``test`` or ``degraded`` are read, and their rows."""
    if part == "degraded":
        return shop.degraded_photo, shop.degraded.order
    return shop.photo, extraction_order(shop.photos) if part == "train" else shop.photos.indices("test")


def edge_trainer(
    shop: Workshop, out: Path, start: dict[str, torch.Tensor] | None = None, seen: np.ndarray | None = None
) -> EdgeTrainer:
    """The trainer of `edge`'s head on whatever features are cached, fresh or from the weights ``start``.

    Args:
        seen: which photos, and copies of them, it may fit: bool [photos]; all if not given.

    Raises:
        ConfigurationError: there are none.
        CheckpointError: ``start`` is not the head's.
    """
    limit_threads(shop.config.threads)
    drift = Drift.load(shop.drift) if shop.drift.is_file() else None
    data = EdgeData(mos=shop.photos.mos, drift=drift, **cached(shop, shop.features, shop.degraded_features))
    data = data if seen is None else data.seeing(seen)
    if len(data.fit) < shop.config.edge.batch or not len(data.validation):
        raise ConfigurationError(f"only {len(data.fit)} photos have features: run `features --part train` first")
    run = RunFolder(out, shop.config.edge, shop.config.edge.patience)
    try:
        return EdgeTrainer(shop.config.edge, data, run, start)
    except RuntimeError as error:
        if start is None:
            raise
        raise CheckpointError(f"not the weights of edge's head: {telling_line(error)}") from None


def edge_scorer(
    shop: Workshop, head_weights: dict[str, torch.Tensor]
) -> Callable[[FeatureStore, np.ndarray], np.ndarray]:
    """A function from a store and its rows to scores by that head.

    Raises:
        CheckpointError: the weights are not the head's.
    """
    limit_threads(shop.config.threads)
    head = EdgeHead(max(1, len(head_weights.get("whole.read.bias", ())) // VIEW_WIDTH)).eval()
    try:
        head.load_state_dict(head_weights)
    except RuntimeError as error:
        raise CheckpointError(f"not the weights of edge's head: {telling_line(error)}") from None

    def scores(store: FeatureStore, rows: np.ndarray) -> np.ndarray:
        parts = []
        with torch.no_grad():
            for at in range(0, len(rows), 100):
                inputs = head_inputs(store, rows[at : at + 100], torch.device("cpu"))
                parts.append(torch.sigmoid(head(*inputs)[0]).mean(dim=1).numpy())
        return np.concatenate(parts)

    return scores


def dgiqa_trainer(
    shop: Workshop, out: Path, device: torch.device, start: Path | None = None, overfit: int | None = None
) -> DgiqaTrainer:
    """The trainer of DGIQA on whatever photos have depth, from the weights ``start``, ImageNet's, or random ones.

    Args:
        overfit: train and validate on so many photos, the same ones, to see that the network learns at all.

    Raises:
        ConfigurationError: too few have depth.
        CheckpointError: ``start`` or the configuration's ``swin`` are not the network's.
    """
    config, store = shop.config.dgiqa, shop.pictures
    limit_threads(shop.config.threads)
    fit, validation = (store.complete(shop.photos.indices(part)) for part in ("fit", "validation"))
    if overfit is not None:
        order = store.complete(extraction_order(shop.photos))
        fit = validation = np.sort(order[np.isin(order, fit)][:overfit])
    if len(fit) < max(config.batch, overfit or 0) or not len(validation):
        raise ConfigurationError(f"only {len(fit)} photos to fit have depth: run `depth --part train` first")
    torch.manual_seed(config.seed)
    network = DGIQA(dropout=config.dropout, drop_path=config.drop_path)
    draw(network)
    begun = RANDOM
    if start is not None:
        _fill_dgiqa(network, start)
        begun = f"the weights of {start.name}"
    elif shop.config.swin is not None:
        start_from_swin(network, shop.config.swin)
        begun = f"both Swin-T from {shop.config.swin.name}, the rest random"
    data = DgiqaData(photos=store, mos=shop.photos.mos, fit=fit, validation=validation)
    run = RunFolder(out, {**asdict(config), "start": begun, "overfit": overfit}, config.patience)
    return DgiqaTrainer(config, data, run, network, begun, device)


def dgiqa_scores(shop: Workshop, weights: Path, part: str, device: torch.device, progress: Progress) -> np.ndarray:
    """DGIQA's scores of the photos of a part, ``validation`` or ``test``, float32 [photos].

    Raises:
        ConfigurationError: some have none.
        CheckpointError: the weights are not the network's.
    """
    limit_threads(shop.config.threads)
    rows = shop.photos.indices(part)
    known = len(shop.pictures.complete(rows))
    if known < len(rows):
        wanted = "test" if part == "test" else "train"
        raise ConfigurationError(f"only {known} of {len(rows)} photos have depth: run `depth --part {wanted}` first")
    network = DGIQA()
    _fill_dgiqa(network, weights)
    return grid_scores(network.to(device), shop.pictures, rows, shop.config.dgiqa.crops, device, progress)


def _fill_dgiqa(network: DGIQA, weights: Path) -> None:
    try:
        network.load_state_dict(load_file(weights))
    except (RuntimeError, SafetensorError) as error:
        raise CheckpointError(f"{weights} does not hold the weights of dgiqa: {telling_line(error)}") from None


def cached(shop: Workshop, photos: Any, degraded: Any) -> dict[str, Any]:
    """What is in two caches, of photos and of degraded copies, as rows to train and to validate on."""
    of_part = {part: shop.photos.indices(part) for part in ("fit", "validation")}
    return {
        "photos": photos,
        "degraded": degraded,
        **{part: rows[photos.done[rows] == 1] for part, rows in of_part.items()},
        **{f"{part}_pairs": shop.degraded.pairs(part, degraded.done).among(photos.done) for part in of_part},
        "series_pairs": shop.degraded.series_pairs(degraded.done, "fit"),
        "validation_series": shop.degraded.series_pairs(degraded.done, "validation"),
        **{f"{part}_blanks": shop.degraded.dead(part, degraded.done) for part in of_part},
        "copies": shop.degraded.copies,
    }


def limit_threads(threads: int) -> None:
    import cv2

    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
