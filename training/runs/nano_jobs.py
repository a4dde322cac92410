"""Makes the trainers of `nano` from what a workshop's caches hold: of the whole network, of its head, of its finish."""

import hashlib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from dgiqa_edge.calibration.images.image_sources import find_files, is_image
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.export.networks.fault_reader import FaultReader
from dgiqa_edge.export.networks.nano import FIGURES, HIDDEN_WIDTH, VIEW_WIDTH, Nano
from dgiqa_edge.export.networks.statistics_reader import ScoreReader
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError
from dgiqa_edge.runtime.ground.error_text import telling_line

from ..data.datasets import VALIDATION_SEED, read_photo
from ..data.guide import encoder_figures
from ..data.map_store import MapStore, fill_maps
from ..data.row_store import Progress, RowStore
from ..trainers.head_trainer import HeadTrainer
from ..trainers.imagenet_start import start_from_imagenet
from ..trainers.int8_finisher import FinishData, Int8Finisher
from ..trainers.nano_trainer import NanoData, NanoTrainer
from ..trainers.run_folder import RunFolder
from .jobs import Taught, Workshop, cached, limit_threads


def nano_trainer(
    shop: Workshop,
    out: Path,
    teacher: Taught,
    start: dict[str, torch.Tensor] | None = None,
) -> NanoTrainer:
    """The trainer of `nano` on whatever views are made, from ImageNet's trunk or from the weights ``start``.

    Raises:
        ConfigurationError: there are none.
        CheckpointError: ``start`` is not the network's.
    """
    config = shop.config.nano
    limit_threads(shop.config.threads)
    data = _nano_data(shop, teacher, shop.view_store("photos"), shop.view_store("degraded"), config.batch)
    run = RunFolder(out, config, config.patience)
    if start is None:
        return NanoTrainer(config, data, run, _fresh(shop), started=False)
    torch.manual_seed(config.seed)
    return NanoTrainer(config, data, run, _filled(Nano(), start))


def head_trainer(
    shop: Workshop, out: Path, teacher: Taught, start: dict[str, torch.Tensor], progress: Progress
) -> HeadTrainer:
    """The trainer of what `nano` reads from the maps of the trunk in ``start``, which are kept in ``out``.

    Raises:
        ConfigurationError: there are no views, or ``out`` is of other weights.
        CheckpointError: ``start`` is not the network's.
    """
    config = shop.config.nano_head
    limit_threads(shop.config.threads)
    trunk = hashlib.sha256(b"".join(start[key].numpy().tobytes() for key in sorted(start) if key.startswith("trunk.")))
    run = RunFolder(out, {**asdict(config), "trunk": trunk.hexdigest()}, config.patience)
    torch.manual_seed(config.seed)
    network = _filled(Nano(), start)
    network.head, network.faults = ScoreReader(FIGURES, VIEW_WIDTH, HIDDEN_WIDTH), FaultReader(FIGURES)
    maps = []
    for part in ("photos", "degraded"):
        views = shop.view_store(part)
        maps.append(MapStore(out / "maps" / part, [str(row) for row in range(len(views.done))]))
        autocast = torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported())
        fill_maps(network, views, maps[-1], autocast, progress)
    return HeadTrainer(config, _nano_data(shop, teacher, *maps, config.batch), run, network, started=False)


def _nano_data(shop: Workshop, teacher: Taught, photos: RowStore, degraded: RowStore, batch: int) -> NanoData:
    train = len(photos.done)
    data = NanoData(
        **cached(shop, photos, degraded),
        mos=shop.photos.mos[:train],
        teacher=teacher.photos[:train],
        guide=encoder_figures(shop.features, shop.photos.indices("fit"))[:train],
        depth=shop.features.maps["depth"],
        depth_known=shop.features.done[:train] == 1,
        degraded_teacher=teacher.copies,
    )
    if len(data.fit) < batch or not len(data.validation):
        raise ConfigurationError(f"only {len(data.fit)} photos have views: run `views --part train` first")
    return data


def int8_finisher(
    shop: Workshop, out: Path, start: dict[str, torch.Tensor], teacher: dict[str, torch.Tensor]
) -> Int8Finisher:
    """The finisher of `nano` from the weights ``start``; its grids come from the photos that ship, as a build's do.

    Raises:
        CheckpointError: ``start`` or ``teacher`` is not the network's.
    """
    limit_threads(shop.config.threads)
    networks = [_filled(Nano(), weights) for weights in (start, teacher)]
    rows = shop.photos.indices("validation")
    data = FinishData(
        read=shop.photo,
        mos=shop.photos.mos,
        fit=shop.photos.indices("fit"),
        validation=np.random.default_rng(VALIDATION_SEED).permutation(rows),
        calibration=[read_photo(file) for file in find_files(str(SHIPPED_PHOTOS)) if is_image(file)],
    )
    config = shop.config.finish
    return Int8Finisher(config, data, RunFolder(out, config, config.epochs), *networks)


def _filled(network: Nano, weights: dict[str, torch.Tensor]) -> Nano:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise CheckpointError(f"not the weights of nano: {telling_line(error)}") from None
    return network


def _fresh(shop: Workshop) -> Nano:
    """`nano` with its trunk as ImageNet left it."""
    torch.manual_seed(shop.config.nano.seed)
    network = Nano()
    start_from_imagenet(network.trunk, shop.config.imagenet)
    return network
