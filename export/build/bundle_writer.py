"""Packing a finished graph into a bundle: manifest, graphs, golden frame, calibration, and the evidence.

The bundle appears whole or not at all, and replaces an older one at the same place only when complete.
"""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from dgiqa_edge.calibration.fidelity import Fidelity, ImageFidelity, compare_outputs
from dgiqa_edge.calibration.images.calibration_set import CalibrationImage
from dgiqa_edge.calibration.images.selection import Selection
from dgiqa_edge.calibration.int8.result import CalibrationResult
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.bundle.checks import SCHEMA_VERSION
from dgiqa_edge.runtime.bundle.golden import CHECK_NAME, GOLDEN_NAME, Golden, save_golden
from dgiqa_edge.runtime.bundle.manifest import LadderRecord, Precision
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.engines.backend import Backend
from dgiqa_edge.runtime.engines.onnxruntime import BACKEND as ONNX_RUNTIME
from dgiqa_edge.runtime.errors import FidelityError
from dgiqa_edge.runtime.ground.atomic import atomic_directory
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.hashing import Json
from dgiqa_edge.runtime.scoring.scorer import Scorer, Verify
from dgiqa_edge.runtime.version import VERSION

from ..frame_graph.graph_session import Latency
from ..frame_graph.split import graphs_of_layout
from ..frame_graph.to_onnx import OPSET, save_checked
from ..ladder.devices.check import DEPTH_FLOOR_LEVELS, FAULTS_FLOOR, SCORE_FLOOR, tolerance
from ..options.build_options import BuildOptions
from ..stages.outcome import check_target
from ..stages.provenance import peak_memory_mib
from ..tensorrt.engines import BUILD_LOG, EngineFiles
from ..weights.weight_sets import ROOT
from .recipes import Recipe

FILES = {"fused": "frame_graph.onnx", "depth": "depth.onnx", "quality": "quality.onnx"}
ORT_VERSION = ">=1.17"
ParserGraphs = Callable[[Path, Sequence[tuple[str, str]]], list[dict[str, Any]]]
"""From a bundle's folder and its graphs (role, file) to the manifest's ``parser_graphs``, whose files it writes."""


@dataclass(frozen=True)
class Carried:
    """One precision of the frame graph as lowered, and how far ONNX Runtime found it from FP32."""

    precision: str
    graph: Path
    nodes: dict[str, dict[str, int]]
    fidelity: Fidelity


@dataclass(frozen=True)
class BundleContents:
    """Everything a bundle records; ``golden`` is the first checked photo with its FP32 outputs.

    ``precision`` is that of the graph, ``target`` what that is written for, ``ladder`` what it was taken from, if there
    was one. ``observed`` are the photos that ranges were observed on (none for FP32), ``checked`` those of the fidelity
    check. ``fidelity`` and ``latency`` are of the first engine: ``engines``' where there are some, else the portable
    graph's, whose fidelity is ``portable_fidelity``. Where backends run that graph themselves, ``preferred`` is the one
    that was taken, and ``portable_fidelities`` has a fidelity for each that keeps the budget. ``remarks`` are those of
    the backend. Where engines are still to be built, its ``parser_graphs`` is asked, ``check`` is the file of check
    frames, and ``others`` are the higher precisions that are carried besides ``precision``. ``weights`` is where each
    role's weights stood in their file, with notes on them.
    """

    options: BuildOptions
    recipe: Recipe
    backend: Backend
    target: str
    precision: str
    graph: Path
    nodes: dict[str, dict[str, int]]
    calibration: CalibrationResult | None
    fidelity: Fidelity
    observed: tuple[CalibrationImage, ...]
    checked: tuple[CalibrationImage, ...]
    held_out: bool
    selection: Selection
    latency: Latency | None
    ladder: LadderRecord | None
    parity: dict[str, Json]
    export_report: dict[str, Json]
    weights: dict[str, dict[str, Any]]
    golden: tuple[np.ndarray, Any]
    seconds: float
    host: dict[str, Json]
    portable_fidelity: Fidelity
    portable_fidelities: Mapping[str, Fidelity] = field(default_factory=dict)
    preferred: str | None = None
    remarks: tuple[str, ...] = ()
    engines: EngineFiles | None = None
    parser_graphs: ParserGraphs | None = None
    check: Path | None = None
    others: tuple[Carried, ...] = ()

    @property
    def own(self) -> Carried:
        """The precision of the bundle's portable graph."""
        return Carried(self.precision, self.graph, self.nodes, self.portable_fidelity)

    @property
    def written(self) -> Precision:
        """What the portable graph is written in, as the manifest says it."""
        return self.precision_of(self.own)

    def precision_of(self, carried: Carried) -> Precision:
        return Precision(carried.precision, self.target, carried.nodes)


def write(contents: BundleContents, out: Path) -> None:
    """Write the bundle to ``out``, once its engines, loaded as any user will load them, gave what was checked.

    Raises:
        ConfigurationError: ``out`` holds something that is not a bundle.
        FidelityError: the packed engines' outputs for the golden frame are not those that were checked.
        MachineError: the disk is full, or the folder cannot be written.
    """
    check_target(out)
    with atomic_directory(out) as directory:
        roles = _write_graphs(contents.graph, contents.options, directory)
        plans = _write_engines(contents, directory, dict(roles))
        device = _write_for_the_device(contents, directory, roles)
        frame, fp32 = contents.golden
        save_golden(directory / GOLDEN_NAME, Golden(frame=frame, **fp32))
        if contents.calibration is not None:
            replace(contents.calibration, selection=contents.selection.to_json()).save(directory / "calibration.json")
        (directory / "report.json").write_text(json_text(_report(contents), indent=1) + "\n", encoding="utf-8")
        write_manifest(directory, _manifest(contents, roles, plans, device, build_manifest_files(directory)))
        _replay(contents, directory)


def _replay(contents: BundleContents, directory: Path) -> None:
    """The portable graph once more, as packed: a file damaged or mixed up after the trial must not become a bundle.

    Engines are checked in a bundle of their own.
    """
    for backend, checked in (contents.portable_fidelities or {ONNX_RUNTIME.name: contents.portable_fidelity}).items():
        _replay_on(backend, checked.per_image[0], contents, directory)


def _replay_on(backend: str, checked: ImageFidelity, contents: BundleContents, directory: Path) -> None:
    frame, fp32 = contents.golden
    rows: Verify = "always" if contents.options.batch != BatchRange() else False  # in each of them the golden frame
    with Scorer(directory, threads=contents.options.threads, backend=backend, verify=rows) as scorer:
        quality = scorer.score(frame[0])
    outputs: dict[str, np.ndarray] = {
        "score": np.array([quality.score], np.float32),
        "depth": quality.depth[np.newaxis],
    }
    if quality.coverage is not None:
        outputs["faults"] = np.array([list(quality.faults.values())], np.float32)
        outputs["coverage"] = quality.coverage[np.newaxis]
    found = compare_outputs(fp32, outputs)
    score_off = abs(found.candidate_score - checked.candidate_score)
    depth_off = abs(found.depth_mae_levels - checked.depth_mae_levels)
    faults_off = abs((found.faults_max or 0.0) - (checked.faults_max or 0.0))
    if not (
        score_off <= SCORE_FLOOR[contents.precision]
        and depth_off <= DEPTH_FLOOR_LEVELS[contents.precision]
        and faults_off <= FAULTS_FLOOR[contents.precision]
    ):
        faults = (
            "" if found.faults_max is None else f", of its faults {found.faults_max:.5f}, not {checked.faults_max:.5f}"
        )
        raise FidelityError(
            f"the packed {contents.precision} graph is not the one that was checked: on the golden frame its score "
            f"with {backend} is {found.candidate_score:.5f}, not {checked.candidate_score:.5f}, its depth error "
            f"{found.depth_mae_levels:.2f} grey levels, not {checked.depth_mae_levels:.2f}{faults}; remove "
            f"{contents.options.work} and build again"
        )


def _write_graphs(graph: Path, options: BuildOptions, directory: Path, mark: str = "") -> list[tuple[str, str]]:
    """Write the graphs of the layout, ``mark`` in the names of their files; returns (role, file) pairs."""
    if (options.layout, options.batch) == ("fused", BatchRange()):
        shutil.copyfile(graph, directory / f"{mark}{FILES['fused']}")
        return [("fused", f"{mark}{FILES['fused']}")]
    graphs = graphs_of_layout(graph, options.layout, options.batch)
    for role, model in graphs.items():
        save_checked(model, directory / f"{mark}{FILES[role]}")
    return [(role, f"{mark}{FILES[role]}") for role in graphs]


def _write_for_the_device(contents: BundleContents, directory: Path, own: list[tuple[str, str]]) -> dict[str, Any]:
    """Write what a build on the device starts from; returns the manifest's fields that name it.

    Args:
        own: (role, file) of the graphs that are there already.
    """
    if contents.parser_graphs is None or contents.check is None:
        return {}
    shutil.copyfile(contents.check, directory / CHECK_NAME)
    parsed: list[dict[str, Any]] = []
    carried = []
    for one in (contents.own, *contents.others):
        first = one.graph == contents.graph
        roles = own if first else _write_graphs(one.graph, contents.options, directory, f"{one.precision}.")
        parsed += contents.parser_graphs(directory, roles)
        carried.append(
            {
                "precision": asdict(contents.precision_of(one)),
                "calibration": _calibration(contents) if one.precision == contents.precision else None,
                "graphs": _graphs(roles),
                "fidelity": {**one.fidelity.to_json(), "held_out": contents.held_out},
                "tolerance": tolerance([one.fidelity], one.precision),
            }
        )
    device_build = {
        "check": CHECK_NAME,
        "budget": asdict(contents.options.limits),
        "latency_target_ms": contents.options.latency_target_ms,
        "argv": contents.options.command(),
        "notes": _standing_notes(contents),
        "carried": carried,
    }
    return {"parser_graphs": parsed, "device_build": device_build}


def _write_engines(contents: BundleContents, directory: Path, graphs: dict[str, str]) -> list[dict[str, Any]]:
    """Write the engine files and their log; returns their entries in the manifest."""
    if contents.engines is None:
        return []
    shutil.copyfile(contents.engines.log, directory / BUILD_LOG)
    entries = []
    for role, plan in contents.engines.plans.items():
        file = Path(graphs[role]).stem + "".join(plan.suffixes)
        shutil.copyfile(plan, directory / file)
        entries.append(
            {"role": role, "file": file, "backend": contents.backend.name, "requires": dict(contents.engines.requires)}
        )
    return entries


def _manifest(
    contents: BundleContents,
    roles: list[tuple[str, str]],
    plans: list[dict[str, Any]],
    device: dict[str, Any],
    files: dict[str, Any],
) -> dict[str, Any]:
    options = contents.options
    requires = {"backend_version": ORT_VERSION, "opset": OPSET, "sm": None, "platform": None}
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "dgiqa-edge", "version": VERSION},
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "preset": options.preset,
        "networks": [
            source.manifest_entry(said.get("entry", ROOT), said.get("licence"))
            for source in contents.recipe.sources
            for said in (contents.weights.get(source.role, {}),)
        ],
        "frame": {"height": options.frame[0], "width": options.frame[1]},
        "geometry": contents.recipe.manifest_geometry(),
        "layout": options.layout,
        "precision": asdict(contents.written),
        "calibration": _calibration(contents),
        "fidelity": {**contents.fidelity.to_json(), "held_out": contents.held_out},
        "latency": None if contents.latency is None else contents.latency.record(),
        "graphs": _graphs(roles),
        "engines": [
            *plans,
            *({"role": role, "file": file, "backend": ONNX_RUNTIME.name, "requires": requires} for role, file in roles),
        ],
        "golden": {
            "file": GOLDEN_NAME,
            "tolerance": tolerance(
                [contents.fidelity, contents.portable_fidelity, *contents.portable_fidelities.values()],
                contents.precision,
            ),
        },
        "files": files,
        "build": {
            "argv": options.command(),
            "seconds": round(contents.seconds, 1),
            "peak_memory_mib": round(peak_memory_mib(), 1),
            "host": contents.host,
        },
        "notes": notes(contents),
        "ladder": None if contents.ladder is None else plain(contents.ladder),
        "fit": options.fit,
        **({} if options.batch == BatchRange() else {"batch": asdict(options.batch)}),
        **({} if contents.preferred is None else {"preferred_backend": contents.preferred}),
        **({} if contents.recipe.faults is None else {"faults": asdict(contents.recipe.faults)}),
        **device,
    }


def _graphs(roles: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"role": role, "file": file} for role, file in roles]


def _calibration(contents: BundleContents) -> dict[str, Any] | None:
    calibration = contents.calibration
    if calibration is None:
        return None
    return {
        "image_set_sha256": calibration.image_set_sha256,
        "images": calibration.images,
        "skipped": len(calibration.skipped),
        "method": calibration.method,
        "preprocessing_sha256": calibration.preprocessing_sha256,
        "graph_sha256": calibration.graph_sha256,
        "file": "calibration.json",
    }


def _timing(latency: Latency | None) -> dict[str, Any] | None:
    if latency is None or latency.change is None:
        return None if latency is None else latency.record()
    change = latency.change
    return {**latency.record(), "change": {"value": change.value, "low": change.low, "high": change.high}}


def notes(contents: BundleContents) -> list[str]:
    """What a user must know before believing this bundle's numbers."""
    of_engines = () if contents.engines is None else contents.engines.notes
    return [*_standing_notes(contents), *contents.remarks, *of_engines]


def _standing_notes(contents: BundleContents) -> list[str]:
    """What holds for every engine of these graphs."""
    seeded = {source.role for source in contents.recipe.sources if source.seeded}
    if "both" in seeded:
        seeded = {"depth", "quality"}
    notes = []
    if "quality" in seeded:
        notes.append("the quality network has seeded weights, not trained ones: its scores mean nothing yet")
    if "depth" in seeded:
        notes.append("the depth network has seeded weights, not trained ones: its depth maps mean nothing yet")
    notes += [said["remark"] for said in contents.weights.values() if said.get("remark")]
    if not contents.held_out:
        notes.append("fidelity was measured on the calibration photos themselves: too few to hold any out")
    if not contents.options.accuracy_check:
        notes.append("its accuracy was held to no limit (--no-accuracy-check)")
    return notes


def _report(contents: BundleContents) -> dict[str, Any]:
    return {
        "export": contents.export_report,
        "parity": contents.parity,
        "fidelity": contents.fidelity.to_json(with_images=True),
        "latency": _timing(contents.latency),
        "portable_fidelity": contents.portable_fidelity.to_json(),
        **({} if contents.engines is None else {contents.backend.name: dict(contents.engines.report)}),
        "photos": {"observed": _photos(contents.observed), "checked": _photos(contents.checked)},
        "selection": contents.selection.to_json(),
    }


def _photos(images: tuple[CalibrationImage, ...]) -> list[dict[str, str]]:
    return [{"name": image.name, "pixels_sha256": image.pixels_sha256} for image in images]
