"""Lowering: the FP32 frame graph rewritten for INT8, FP16 or FP32, each result a resumable stage.

It carries out what it is told; which lowering is tried and which is taken is the ladder's business.
"""

import difflib
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.calibration.int8.equalize import Equalized, balanced, equalizable, equalize, observe_peaks
from dgiqa_edge.calibration.int8.graph_tensors import label
from dgiqa_edge.calibration.int8.observers import create_observer
from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES, Placement, place
from dgiqa_edge.calibration.int8.quantize import count_nodes, quantize
from dgiqa_edge.calibration.int8.ranges import observe_ranges
from dgiqa_edge.calibration.int8.result import CalibrationResult, cache_key, load_or_observe
from dgiqa_edge.calibration.int8.scopes import node_blocks
from dgiqa_edge.calibration.int8.targets import Target
from dgiqa_edge.runtime.errors import CalibrationError, ConfigurationError, FidelityError
from dgiqa_edge.runtime.hashing import Json, sha256_file, sha256_json

from ..frame_graph import precision
from ..frame_graph.graph_session import open_graph
from ..frame_graph.islands import ISLANDS
from ..frame_graph.to_onnx import save_checked
from ..options.build_options import BuildOptions
from ..stages.provenance import SHAPED_BY, code_sha256
from ..stages.reporter import Reporter, StageLine
from ..stages.stages import StageResult, Stages

if TYPE_CHECKING:
    import onnx

FP32_GRAPH = "fp32.onnx"
EQUALIZED_GRAPH = "equalized.onnx"
GRAPH = "frame_graph.onnx"


@dataclass(frozen=True)
class LoweringInputs:
    """What every lowering starts from; ``exported`` holds the FP32 graph, ``target`` is how INT8 is written."""

    options: BuildOptions
    stages: Stages
    reporter: Reporter
    exported: StageResult
    photos: CalibrationSet
    target: Target


class Lowering:
    """All lowerings of one FP32 graph; calibration and ranges are observed once, when first needed."""

    def __init__(self, inputs: LoweringInputs) -> None:
        self.inputs = inputs
        self.graph = inputs.exported.file(FP32_GRAPH)

    @cached_property
    def model(self) -> "onnx.ModelProto":
        """The FP32 graph."""
        import onnx

        return onnx.load(str(self.graph))

    @cached_property
    def _equalized(self) -> tuple[Path, tuple[Equalized, ...]]:
        """The FP32 graph with channels of like size where that can be had, and what was done for it."""
        groups = equalizable(self.model, self.placement)
        if not groups:
            return self.graph, ()

        def make(directory: Path) -> dict[str, Json]:
            peaks = observe_peaks(self.graph, groups, self.inputs.photos, threads=self.inputs.options.threads)
            known = balanced(self.model, groups, peaks)
            save_checked(equalize(self.model, known), directory / EQUALIZED_GRAPH)
            return {"groups": [group.to_json() for group in known]}

        inputs: dict[str, Json] = {**self._photo_inputs(), "kept": sorted(self.kept)}
        done = self.inputs.stages.run("equalized", inputs, make)
        return done.file(EQUALIZED_GRAPH), tuple(map(Equalized.from_json, done.values["groups"]))  # type: ignore[arg-type, union-attr]

    @property
    def integer_graph(self) -> Path:
        """What INT8 starts from: it gives what the FP32 graph does."""
        return self._equalized[0]

    @cached_property
    def integer_model(self) -> "onnx.ModelProto":
        """:attr:`integer_graph`, loaded."""
        import onnx

        return onnx.load(str(self.integer_graph))

    def release(self) -> None:
        """Give the graphs' memory back; they are read again when needed."""
        for name in ("model", "integer_model"):
            self.__dict__.pop(name, None)

    @cached_property
    def placement(self) -> Placement:
        """What INT8 is given to by default: all that can take it and is not ``kept``."""
        narrowest = self.inputs.target.narrowest_product
        placed = place(self.model, scopes=DEFAULT_SCOPES, narrowest_product=narrowest)
        return replace(placed, nodes=tuple(node for node in placed.nodes if node.name not in self.kept))

    @cached_property
    def kept(self) -> dict[str, str]:
        """Nodes in blocks that the user keeps in FP32, by name, with that as the reason.

        Raises:
            ConfigurationError: there is no such block.
        """
        wanted = self.inputs.options.keep
        if not wanted:
            return {}
        blocks = node_blocks(self.model.graph, DEFAULT_SCOPES)
        for name in wanted:
            if name not in blocks:
                close = difflib.get_close_matches(name, set(blocks), n=3) or sorted(set(blocks) - {""})[:3]
                raise ConfigurationError(f"--keep: there is no block {name}: did you mean {' or '.join(close)}?")
        inside = zip(self.model.graph.node, blocks, strict=True)
        return {label(node): f"--keep {block}" for node, block in inside if block in wanted}

    @cached_property
    def calibration(self) -> CalibrationResult:
        """Ranges of the placement's tensors on the calibration photos."""
        options, photos = self.inputs.options, self.inputs.photos
        observer = create_observer(options.method)
        tensors = self.placement.tensors_to_observe()
        kept: Json = sorted(self.kept)  # what is kept in FP32 is not equalized
        shaped: Json = {"code": code_sha256(*SHAPED_BY["calibration"]), "fit": photos.fit, "kept": kept}
        keys = (sha256_file(self.graph), photos.image_set_sha256, sha256_json(shaped))
        key = cache_key(*keys, observer.method, observer.options())

        def observe() -> CalibrationResult:
            graph, threads = self.integer_graph, options.threads
            ranges = observe_ranges(graph, tensors, photos, observer, threads=threads, progress=line.tick)
            return CalibrationResult(
                ranges=ranges,
                method=observer.method,
                options=observer.options(),
                graph_sha256=keys[0],
                image_set_sha256=keys[1],
                preprocessing_sha256=keys[2],
                images=len(photos),
                skipped=photos.skipped,
                equalized=self._equalized[1],
            )

        with self.inputs.reporter.stage(f"calibration ({observer.method})") as line:
            calibration, note = load_or_observe(
                options.work / f"calibration-{key[:20]}.json", key, observe, tensors=tensors
            )
            line.result = f"{len(calibration.ranges)} ranges over {calibration.images} photos; {note}"
        return calibration

    def int8(self, line: StageLine, float_outputs: Collection[str] = ()) -> StageResult:
        """Explicit Q/DQ everywhere the placement says, except at the nodes that make ``float_outputs``.

        What is not INT8 is written in the target's ``float_part``.

        Raises:
            CalibrationError: no node would be left in INT8, or the photos cannot be calibrated on.
        """
        nodes = tuple(node for node in self.placement.nodes if node.output not in set(float_outputs))
        if not nodes:
            raise CalibrationError("no layer would be left in INT8")
        placement = replace(self.placement, nodes=nodes)
        calibration = self.calibration
        target = self.inputs.target
        magnitudes = self._magnitudes(line, self.integer_graph) if target.float_part == "fp16" else {}

        def make(directory: Path) -> dict[str, Json]:
            lowered = quantize(self.integer_model, placement, calibration.ranges, target)
            model, in_half, rest = lowered.model, frozenset[str](), ""
            if target.float_part == "fp16":
                half, report = precision.to_fp16(model, DEFAULT_SCOPES, magnitudes, kept=self.kept)
                rest = f", the networks' rest in FP16 ({len(report.islands)} FP32 islands)"
                model, in_half = half, frozenset(report.lowered)
            save_checked(model, directory / GRAPH)
            calibration.save(directory / "calibration.json")
            left = len(self.placement.nodes) - len(nodes)
            kept = f", {left} more kept in {target.float_part.upper()}" if left else ""
            kept += f", {len(self.inputs.options.keep)} blocks in FP32" if self.kept else ""
            counts = count_nodes(model, lowered.products, in_half)
            return {"nodes": counts, "summary": f"{len(nodes)} layers in INT8 for {target.name}{kept}{rest}"}

        inputs: dict[str, Json] = {
            "calibration": calibration.key,
            "target": asdict(target),
            "float_outputs": sorted(float_outputs),
            "kept": sorted(self.kept),
        }
        return self.inputs.stages.run("int8", inputs, make)

    def fp16(self, line: StageLine, *, islands: str = "") -> StageResult:
        """Explicit FP16; ``islands`` names what stays FP32 besides what would leave FP16's range.

        Raises:
            FidelityError: an output is not finite on a calibration photo.
        """
        magnitudes = self._magnitudes(line, self.graph)
        kept = {**(ISLANDS[islands](self.model.graph) if islands else {}), **self.kept}

        def make(directory: Path) -> dict[str, Json]:
            lowered, report = precision.to_fp16(self.model, DEFAULT_SCOPES, magnitudes, kept=kept)
            save_checked(lowered, directory / GRAPH)
            _check_finite(directory / GRAPH, self.inputs.photos, self.inputs.options.threads)
            return {
                "nodes": report.nodes,
                "summary": f"{report.fp16_nodes} nodes in FP16, {len(report.islands)} FP32 islands, largest magnitude "
                f"{report.largest_magnitude:.4g}, all outputs finite on {len(self.inputs.photos)} photos",
                "fp16": report.to_json(),
            }

        inputs: dict[str, Json] = {**self._photo_inputs(), "kept": sorted(kept)}
        return self.inputs.stages.run("fp16", inputs, make)

    def fp32(self) -> StageResult:
        """The graph as exported."""
        exported = self.inputs.exported

        def make(directory: Path) -> dict[str, Json]:
            shutil.copyfile(self.graph, directory / GRAPH)
            operators = exported.values["operators"]
            nodes = {name: {"fp32": count} for name, count in operators.items()}  # type: ignore[union-attr]
            return {"nodes": nodes, "summary": "as exported"}

        return self.inputs.stages.run("fp32", {"export": exported.key}, make)

    def _magnitudes(self, line: StageLine, graph: Path) -> dict[str, float]:
        """Largest magnitude of every tensor inside the networks of ``graph`` on the calibration photos."""

        def make(directory: Path) -> dict[str, Json]:
            ranges = observe_ranges(
                graph,
                precision.tensors_to_observe(self.model, DEFAULT_SCOPES),
                self.inputs.photos,
                create_observer("minmax"),
                threads=self.inputs.options.threads,
                progress=line.tick,
            )
            return {name: max(abs(seen.observed_low), abs(seen.observed_high)) for name, seen in ranges.items()}

        inputs = {**self._photo_inputs(), "graph": graph.name}
        values = self.inputs.stages.run("magnitudes", inputs, make).values
        return {name: float(value) for name, value in values.items()}  # type: ignore[arg-type]

    def _photo_inputs(self) -> dict[str, Json]:
        return {
            "export": self.inputs.exported.key,
            "photos": self.inputs.photos.image_set_sha256,
        }


def _check_finite(graph: Path, frames: CalibrationSet, threads: int) -> None:
    run = open_graph(graph, threads)
    for frame in frames:
        for name, array in run(frame).items():
            if not np.isfinite(array).all():
                raise FidelityError(
                    f"{graph.name} gives a {name} that is not finite: build with --fp32, or report this"
                )
