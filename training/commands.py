"""The commands of ``python -m dgiqa_edge.training``: they read options, show progress and write files."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from dgiqa_edge.calibration.agreement import srcc
from dgiqa_edge.export.networks.edge import joined
from dgiqa_edge.export.networks.nano import Nano
from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.commands.progress import Progress
from dgiqa_edge.runtime.errors import CheckpointError, ConfigurationError
from dgiqa_edge.runtime.ground.atomic import atomic_file, write_text
from dgiqa_edge.runtime.ground.error_text import telling_line
from dgiqa_edge.runtime.ground.names import json_text

from .data.encoder_session import load_encoder
from .data.rgbd import kinect_report
from .runs import ablation, jobs, nano_jobs, teaching
from .runs import evaluate as evaluation
from .runs.shipping import ship
from .trainers.config import read_config
from .trainers.dgiqa_trainer import RANDOM
from .trainers.int8_finisher import GOAL as CLOSENESS
from .trainers.trainer import Trainer, device_of


def features(options: argparse.Namespace) -> int:
    """Cache encoder features."""
    jobs.compute_features(_shop(options), options.part, options.limit, Progress("features"))
    return 0


def drift(options: argparse.Namespace) -> int:
    """Cache what INT8 does to features."""
    shop = _shop(options)
    bundle = load_bundle(options.bundle)
    graph = bundle.file(bundle.manifest.graphs[0].file)
    jobs.compute_drift(shop, graph, options.limit, Progress("drift"))
    print(f"wrote {shop.drift}")
    return 0


def views(options: argparse.Namespace) -> int:
    """Make nano's views."""
    jobs.compute_views(_shop(options), options.part, options.limit, Progress("views"))
    return 0


def depth(options: argparse.Namespace) -> int:
    """Make DGIQA's pictures: photos with their depth."""
    jobs.compute_depth(_shop(options), options.part, options.limit, device_of(options.device), Progress("depth"))
    return 0


def edge(options: argparse.Namespace) -> int:
    """Train edge's head."""
    start = _weights(options.start) if options.start else None
    return _trained(jobs.edge_trainer(_shop(options), options.out, start), options)


def join(options: argparse.Namespace) -> int:
    """Make one head of several."""
    try:
        ship(joined([_weights(file) for file in options.heads]), options.weights)
    except (ValueError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"these are not heads of one training set: {telling_line(error)}") from None
    print(f"wrote {options.weights}")
    return 0


def teach(options: argparse.Namespace) -> int:
    """Let edge's heads score what they never saw."""
    shop = _shop(options)
    taught = teaching.teach(shop, options.out, _epochs())
    rows = shop.features.complete(shop.photos.indices("fit"))
    print(f"SRCC on the {len(rows)} photos to fit: {srcc(taught.photos[rows], shop.photos.mos[rows]):.4f}")
    with atomic_file(options.scores) as partial, partial.open("wb") as stream:
        np.savez(stream, photos=taught.photos, copies=taught.copies)
    print(f"wrote {options.scores}")
    return 0


def nano(options: argparse.Namespace) -> int:
    """Train nano."""
    shop = _shop(options)
    start = _weights(options.start) if options.start else None
    return _trained(nano_jobs.nano_trainer(shop, options.out, _taught(shop, options.teacher), start), options)


def nano_head(options: argparse.Namespace) -> int:
    """Train nano's head on the maps of its trunk."""
    shop = _shop(options)
    taught = _taught(shop, options.teacher)
    trainer = nano_jobs.head_trainer(shop, options.out, taught, _weights(options.start), Progress("maps"))
    return _trained(trainer, options)


def dgiqa(options: argparse.Namespace) -> int:
    """Train DGIQA."""
    device = device_of(options.device)
    trainer = jobs.dgiqa_trainer(_shop(options), options.out, device, options.start, options.overfit)
    without = ": the published code starts both Swin-T from ImageNet; the configuration names no `swin`"
    print(f"start: {trainer.start}{without if trainer.start == RANDOM else ''}")
    return _trained(trainer, options)


def finish(options: argparse.Namespace) -> int:
    """Finish nano for INT8."""
    finisher = nano_jobs.int8_finisher(
        _shop(options), options.out, _weights(options.start), _weights(options.teacher or options.start)
    )
    finisher.train(_epochs())
    best = max(finisher.run.rows, key=lambda row: row[CLOSENESS])
    print("best: " + ", ".join(f"{name} {value:.4g}" for name, value in best.items()))
    finisher.run.draw()
    state = torch.load(finisher.run.best_file, map_location="cpu", weights_only=True)
    ship(state[finisher.part], options.weights)
    print(f"wrote {options.weights}")
    return 0


def ablate(options: argparse.Namespace) -> int:
    """Train the variants of a model and tell what each part is worth."""
    shop = _shop(options)
    if options.model == "edge":
        outcomes, human = ablation.edge_outcomes(shop, options.out, _epochs())
        fit = len(shop.features.complete(shop.photos.indices("fit")))
    else:
        if not options.teacher:
            raise ConfigurationError("the ablation of nano needs --teacher: what `teach` writes")
        outcomes, human = ablation.nano_outcomes(shop, options.out, _taught(shop, options.teacher), _epochs())
        fit = int(shop.view_store("photos").done[shop.photos.indices("fit")].sum())
    report = ablation.report(options.model, outcomes, human, fit)
    print(ablation.table(report))
    return _written(report, options)


def evaluate(options: argparse.Namespace) -> int:
    """Report the figures of a model."""
    shop = _shop(options)
    report = {"edge": _edge_report, "nano": _nano_report, "dgiqa": _dgiqa_report}[options.model](shop, options)
    print(json_text(report, indent=2))
    return _written(report, options)


def _edge_report(shop: jobs.Workshop, options: argparse.Namespace) -> dict[str, Any]:
    scorer = jobs.edge_scorer(shop, _weights(options.weights))
    rows = shop.features.complete(shop.photos.indices(options.part))
    report: dict[str, Any] = {
        "model": "edge",
        "part": options.part,
        "agreement": evaluation.score_report(scorer(shop.features, rows), shop.photos.mos[rows]),
    }
    if options.part == "validation":
        pairs = shop.degraded.pairs("validation", shop.degraded_features.done).among(shop.features.done)
        clean, worse = scorer(shop.features, pairs.clean), scorer(shop.degraded_features, pairs.degraded)
        report["order"] = evaluation.order_report(shop.degraded, pairs.degraded, clean, worse)
    if options.rgbd:
        encoder = load_encoder(shop.config.encoder)
        report["kinect"] = kinect_report(options.rgbd, lambda frame: evaluation.encoder_depth(encoder, frame))
    return report


def _nano_report(shop: jobs.Workshop, options: argparse.Namespace) -> dict[str, Any]:
    network = Nano()
    network.load_state_dict(_weights(options.weights))
    network.arrange(shop.size)
    rows = shop.photos.indices(options.part)
    scores, depths = evaluation.nano_outputs(network, shop.photo, rows, Progress("photos"))
    report: dict[str, Any] = {
        "model": "nano",
        "part": options.part,
        "agreement": evaluation.score_report(scores, shop.photos.mos[rows]),
    }
    known = shop.features.done[rows] == 1
    if known.any():
        report["depth"] = evaluation.depth_report(depths[known], shop.features.maps["depth"][rows[known]])
    if options.part == "validation":
        numbers = np.arange(shop.degraded.validation)
        worse, _ = evaluation.nano_outputs(network, shop.degraded_photo, numbers, Progress("degraded"))
        by_row = dict(zip(rows.tolist(), scores.tolist(), strict=True))
        clean = np.array([by_row[shop.degraded.copies[number].row] for number in numbers])
        report["order"] = evaluation.order_report(shop.degraded, numbers, clean, worse)
    if options.rgbd:
        report["kinect"] = kinect_report(options.rgbd, lambda frame: evaluation.nano_depth(network, frame))
    return report


def _dgiqa_report(shop: jobs.Workshop, options: argparse.Namespace) -> dict[str, Any]:
    scores = jobs.dgiqa_scores(shop, options.weights, options.part, device_of(options.device), Progress("photos"))
    agreement = evaluation.score_report(scores, shop.photos.mos[shop.photos.indices(options.part)])
    return {"model": "dgiqa", "part": options.part, "agreement": agreement}


def _taught(shop: jobs.Workshop, file: Path | None) -> jobs.Taught:
    if file is None:
        return shop.silent
    if not file.is_file():
        raise CheckpointError(f"{file} is missing: `teach` writes it")
    with np.load(file) as stored:
        taught = jobs.Taught(stored["photos"], stored["copies"])
    wanted = len(shop.silent.photos), len(shop.silent.copies)
    if (len(taught.photos), len(taught.copies)) != wanted:
        raise CheckpointError(f"{file} is about other photos or copies: `teach` with this configuration writes it anew")
    return taught


def _weights(file: Path) -> dict[str, torch.Tensor]:
    if not file.is_file():
        raise CheckpointError(f"{file} is missing: train a model first")
    return {key: value.float() if value.is_floating_point() else value for key, value in load_file(file).items()}


def _trained(trainer: Trainer[Any], options: argparse.Namespace) -> int:
    print(f"{options.command}: {trainer.data.told()}, {trainer.device}, {'bfloat16' if trainer.mixed else 'float32'}")
    trainer.train(_epochs())
    best = max(trainer.run.rows, key=lambda row: row[trainer.goal])
    print("best: " + ", ".join(f"{name} {value:.4g}" for name, value in best.items()))
    trainer.run.draw()
    if options.weights is not None:
        state = torch.load(trainer.run.best_file, map_location="cpu", weights_only=True)
        ship(state[trainer.part], options.weights)
        print(f"wrote {options.weights}")
    return 0


def _written(report: dict[str, Any], options: argparse.Namespace) -> int:
    if options.json:
        write_text(options.json, json_text(report, indent=2) + "\n")
    return 0


def _shop(options: argparse.Namespace) -> jobs.Workshop:
    return jobs.Workshop(read_config(options.config))


def _epochs() -> Callable[[int, int, int, float], None]:
    """Progress within the epochs."""
    progress, shown = Progress(), -1

    def show(epoch: int, done: int, of: int, loss: float) -> None:
        nonlocal shown
        if epoch != shown:
            progress.begin(f"epoch {epoch + 1}")
            shown = epoch
        progress(done, of, f"loss {loss:.4f}")

    return show
