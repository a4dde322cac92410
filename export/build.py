"""One build from checkpoints to bundle: the order of the stages and what passes between them.

Cheap checks come first, so a bad folder or a wrong checkpoint fails before minutes of work. Each stage's result is
kept under the hash of its inputs (stages.py), so the same command resumes where an interrupted one stopped.
"""

import json
import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from dgiqa_edge.calibration import held_out
from dgiqa_edge.calibration.fidelity import Fidelity, compare_engines
from dgiqa_edge.calibration.images import MINIMUM_COUNT, CalibrationSet, open_calibration_set
from dgiqa_edge.calibration.observers import create_observer
from dgiqa_edge.calibration.placement import DEFAULT_SCOPES, place
from dgiqa_edge.calibration.quantize import quantize
from dgiqa_edge.calibration.ranges import observe_ranges
from dgiqa_edge.calibration.result import CalibrationResult, cache_key, load_or_observe
from dgiqa_edge.calibration.targets import target_named
from dgiqa_edge.runtime.errors import FidelityError
from dgiqa_edge.runtime.hashing import Json, sha256_file
from dgiqa_edge.runtime.version import VERSION

from . import build_report, bundle_writer, parity, precision
from .backend_choice import choose
from .build_options import BuildOptions
from .file_lock import exclusive
from .graph_session import Latency, open_graph, time_alternately
from .provenance import code_sha256, host_facts, package_versions
from .recipes import recipe_of
from .stages import StageResult, Stages
from .tensorrt_build import TensorRtBuild
from .to_onnx import export_graph, save_checked

if TYPE_CHECKING:
    from torch import nn

FP32_GRAPH = "fp32.onnx"
GRAPH = "frame_graph.onnx"
LOCK = "lock"
PARITY_IMAGES = 3
OUTPUTS = ("score", "crop_scores", "depth")


@dataclass(frozen=True)
class BuildResult:
    """A finished build: the bundle's directory and the closing table."""

    bundle: Path
    rows: tuple[build_report.Row, ...]
    caption: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Json]:
        return {
            "bundle": str(self.bundle),
            "rows": [asdict(row) for row in self.rows],
            "caption": self.caption,
            "notes": list(self.notes),
        }


class Build:
    """One run of ``build_engine``."""

    STAGES: ClassVar[dict[str, int]] = {"int8": 7, "fp16": 6, "fp32": 6}

    def __init__(self, options: BuildOptions, reporter: build_report.Reporter) -> None:
        self.options = options
        self.reporter = reporter
        self.stages = Stages(options.work)
        self.start = time.monotonic()

    def run(self) -> BuildResult:
        """Build the bundle.

        Raises:
            DgiqaEdgeError: of the class that fits what has to be mended; nothing half-written is left behind.
        """
        options = self.options
        self.recipe = recipe_of(options)
        self.backend, why = choose(options.backend, engine=options.tensorrt.engine)
        bundle_writer.check_target(options.out)
        self.reporter.note(f"backend: {why}")
        self.tensorrt = TensorRtBuild.open(options, self.recipe, self.reporter) if self._builds_an_engine else None
        self.stages.sweep()
        self._open_photos()
        with exclusive(options.work / LOCK, self.reporter.note, "the finished stages"):
            return self._run()

    @property
    def _builds_an_engine(self) -> bool:
        return self.backend == "tensorrt" and self.options.tensorrt.engine

    def _run(self) -> BuildResult:
        exported = self._export()
        self._check_parity(exported)
        lowered, calibration = self._lower(exported)
        fidelity, latency = self._compare(exported, lowered)
        contents = self._contents(exported, lowered, calibration, fidelity, latency)
        if self.tensorrt is not None:
            fp32, graph = exported.file(FP32_GRAPH), lowered.file(GRAPH)
            contents = self.tensorrt.add(contents, self.stages, fp32, graph, self.calibration_set, self.check_set)
        return self._pack(exported, contents, fidelity, latency)

    @cached_property
    def module(self) -> "nn.Module":
        """The PyTorch frame graph, made only if a stage needs it."""
        return self.recipe.module()

    def _open_photos(self) -> None:
        options = self.options
        with self.reporter.stage("photos") as line:
            photos = open_calibration_set(
                options.calib,
                height=options.frame[0],
                width=options.frame[1],
                count=options.calib_images + options.check_images,
                progress=line.tick,
            )
            spare = len(photos) - max(MINIMUM_COUNT, min(options.calib_images, len(photos) - options.check_images))
            self.calibration_set, self.check_set = held_out.split(photos, max(0, spare))
            self.held_out = len(self.check_set) > 0
            if not self.held_out:
                self.check_set = self.calibration_set
            line.result = f"{len(self.calibration_set)} to calibrate on, {len(self.check_set)} " + (
                "held out for the check" if self.held_out else "of the same for the check (too few to hold any out)"
            )
        if photos.skipped:
            shown = ", ".join(photos.skipped[:5]) + (" ..." if len(photos.skipped) > 5 else "")
            self.reporter.note(f"  skipped {len(photos.skipped)}: {shown}")

    def _export(self) -> StageResult:
        inputs: dict[str, Json] = {
            "code": code_sha256(),
            "packages": package_versions("torch", "onnx", "onnxsim"),
            "recipe": self.recipe.identity(),
        }

        def make(directory: Path) -> dict[str, Json]:
            import torch

            height, width = self.options.frame
            frame = torch.from_numpy(np.ascontiguousarray(next(iter(self.calibration_set))))
            assert frame.shape == (1, height, width, 3)
            metadata = {
                "tool": f"dgiqa-edge {VERSION}",
                "frame": f"{width}x{height}",
                "preset": self.options.preset,
            }
            report = export_graph(self.module, {"frame": frame}, OUTPUTS, directory / FP32_GRAPH, metadata)
            return report.to_json()

        with self.reporter.stage("export to ONNX, simplify, check") as line:
            result = self.stages.run("export", inputs, make)
            values = result.values
            top = ", ".join(f"{count} {name}" for name, count in list(values["operators"].items())[:4])  # type: ignore[union-attr]
            line.result = _reused(
                result, f"{values['nodes_before_simplification']} -> {values['nodes']} nodes ({top}, ...)"
            )
        return result

    def _check_parity(self, exported: StageResult) -> None:
        frames = held_out.first(self.check_set, PARITY_IMAGES)
        inputs: dict[str, Json] = {"export": exported.key, "frames": frames.image_set_sha256}

        def make(directory: Path) -> dict[str, Json]:
            run = open_graph(exported.file(FP32_GRAPH), self.options.threads)
            result = asdict(parity.measure(self.module, run, frames, line.counter(len(frames))))
            (directory / "parity.json").write_text(json.dumps(result), encoding="utf-8")
            return result

        with self.reporter.stage("parity of PyTorch and ONNX Runtime") as line:
            result = self.stages.run("parity", inputs, make)
            line.result = _reused(
                result,
                f"crop scores within {result.values['score_max']:.1e}, "
                f"{result.values['depth_equal_share']:.2%} of depth pixels within one level",
            )
        self.parity = dict(result.values)
        self.__dict__.pop("module", None)  # its weights are no longer needed; calibration wants the memory

    def _lower(self, exported: StageResult) -> tuple[StageResult, CalibrationResult | None]:
        if self.options.precision == "int8":
            return self._lower_to_int8(exported)
        with self.reporter.stage(f"{self.options.precision} graph") as line:
            if self.options.precision == "fp16":
                result = self._lower_to_fp16(exported, line)
            else:
                result = self.stages.run("fp32", {"export": exported.key}, lambda d: _copy_fp32(exported, d))
            line.result = _reused(result, str(result.values["summary"]))
        return result, None

    def _lower_to_int8(self, exported: StageResult) -> tuple[StageResult, CalibrationResult]:
        import onnx

        options, graph = self.options, exported.file(FP32_GRAPH)
        observer = create_observer(options.method)
        model = onnx.load(str(graph))
        placement = place(model, scopes=DEFAULT_SCOPES)
        keys = (sha256_file(graph), self.calibration_set.image_set_sha256, _preprocessing_sha256())
        key = cache_key(*keys, observer.method, observer.options())

        def observe() -> CalibrationResult:
            ranges = observe_ranges(
                graph,
                placement.tensors_to_observe(),
                self.calibration_set,
                observer,
                threads=options.threads,
                progress=line.tick,
            )
            return CalibrationResult(
                ranges=ranges,
                method=observer.method,
                options=observer.options(),
                graph_sha256=keys[0],
                image_set_sha256=keys[1],
                preprocessing_sha256=keys[2],
                images=len(self.calibration_set),
                skipped=self.calibration_set.skipped,
            )

        with self.reporter.stage(f"calibration ({observer.method})") as line:
            calibration, note = load_or_observe(
                options.work / f"calibration-{key[:20]}.json", key, observe, tensors=placement.tensors_to_observe()
            )
            line.result = f"{len(calibration.ranges)} ranges over {calibration.images} photos; {note}"

        def make(directory: Path) -> dict[str, Json]:
            lowered = quantize(model, placement, calibration.ranges, target_named(self.backend))
            save_checked(lowered.model, directory / GRAPH)
            calibration.save(directory / "calibration.json")
            nodes = lowered.node_counts
            int8 = sum(counts.get("int8", 0) for counts in nodes.values())
            return {"nodes": nodes, "summary": f"{int8} layers in INT8 for {self.backend}"}

        inputs: dict[str, Json] = {
            "calibration": key,
            "target": self.backend,
            "code": code_sha256("calibration"),
        }
        with self.reporter.stage("int8 graph (explicit Q/DQ)") as line:
            result = self.stages.run("int8", inputs, make)
            line.result = _reused(result, str(result.values["summary"]))
        return result, calibration

    def _lower_to_fp16(self, exported: StageResult, line: build_report.StageLine) -> StageResult:
        import onnx

        graph = exported.file(FP32_GRAPH)
        inputs: dict[str, Json] = {
            "export": exported.key,
            "photos": self.calibration_set.image_set_sha256,
            "code": code_sha256("calibration"),
            "headroom": precision.HEADROOM,
        }

        def make(directory: Path) -> dict[str, Json]:
            model = onnx.load(str(graph))
            tensors = precision.tensors_to_observe(model, DEFAULT_SCOPES)
            ranges = observe_ranges(
                graph,
                tensors,
                self.calibration_set,
                create_observer("minmax"),
                threads=self.options.threads,
                progress=line.tick,
            )
            absmax = {name: max(abs(seen.observed_low), abs(seen.observed_high)) for name, seen in ranges.items()}
            lowered, report = precision.to_fp16(model, DEFAULT_SCOPES, absmax)
            save_checked(lowered, directory / GRAPH)
            _check_finite(directory / GRAPH, self.calibration_set, self.options.threads)
            return {
                "nodes": report.nodes,
                "summary": f"{report.fp16_nodes} nodes in FP16, {len(report.islands)} FP32 islands, largest magnitude "
                f"{report.largest_magnitude:.4g}, all outputs finite on {len(self.calibration_set)} photos",
                "fp16": report.to_json(),
            }

        return self.stages.run("fp16", inputs, make)

    def _compare(self, exported: StageResult, lowered: StageResult) -> tuple[Fidelity, Latency]:
        """Fidelity and latency of the finished graph against FP32, both in this process, in alternation."""
        threads = self.options.threads
        with self.reporter.stage("check against FP32") as line:
            fp32 = open_graph(exported.file(FP32_GRAPH), threads)
            candidate = open_graph(lowered.file(GRAPH), threads, as_written=self.backend != "onnxruntime")
            fidelity = compare_engines(fp32, candidate, self.check_set, progress=line.tick)
            golden = next(iter(self.check_set))
            self.golden = (golden, fp32(golden), (candidate(golden),))
            latency = time_alternately(fp32, candidate, golden, threads)
            line.result = (
                f"score MAE {fidelity.score_mae:.5f} over {fidelity.images} photos, "
                f"p50 {latency.fp32_p50_ms:.1f} -> {latency.p50_ms:.1f} ms ({latency.runs} runs each)"
            )
        return fidelity, latency

    def _contents(
        self,
        exported: StageResult,
        lowered: StageResult,
        calibration: CalibrationResult | None,
        fidelity: Fidelity,
        latency: Latency,
    ) -> bundle_writer.BundleContents:
        options = self.options
        return bundle_writer.BundleContents(
            options=options,
            recipe=self.recipe,
            backend=self.backend,
            graph=lowered.file(GRAPH),
            nodes=lowered.values["nodes"],  # type: ignore[arg-type]
            calibration=calibration,
            fidelity=fidelity,
            observed=() if options.precision == "fp32" else self.calibration_set.images,
            checked=self.check_set.images,
            held_out=self.held_out,
            latency=latency,
            parity=self.parity,
            export_report=dict(exported.values),
            golden=self.golden,
            seconds=time.monotonic() - self.start,
            host=host_facts(),
            portable_fidelity=fidelity,
        )

    def _pack(
        self, exported: StageResult, contents: bundle_writer.BundleContents, fidelity: Fidelity, latency: Latency
    ) -> BuildResult:
        options = self.options
        with self.reporter.stage("bundle") as line:
            contents = replace(contents, seconds=time.monotonic() - self.start)
            bundle_writer.write(contents, options.out)
            line.result = str(options.out)
        fp32_bytes = exported.file(FP32_GRAPH).stat().st_size
        rows = [
            build_report.Row("fp32", fp32_bytes, None, None, None, None, None, latency.fp32_p50_ms),
            build_report.row(options.precision, contents.graph.stat().st_size, fidelity, latency.p50_ms),
        ]
        if contents.engines is not None:
            name = f"{options.precision} TensorRT"
            rows.append(build_report.row(name, contents.engines.size_bytes, contents.fidelity, contents.latency.p50_ms))
        return BuildResult(
            options.out, tuple(rows), self._caption(fidelity, latency), tuple(bundle_writer.notes(contents))
        )

    def _caption(self, fidelity: Fidelity, latency: Latency) -> str:
        width, height = self.options.frame[1], self.options.frame[0]
        photos = "held-out" if self.held_out else "calibration"
        where = f"ONNX Runtime CPU, {latency.threads} threads"
        where += f", and {self.tensorrt.label}" if self.tensorrt is not None else ""
        return (
            f"{self.options.preset}, frame {width}x{height}, {where}; fidelity "
            f"against FP32 on {fidelity.images} {photos} photos, p50 of {latency.runs} alternating runs; peak memory "
            f"{bundle_writer.peak_memory_mib():.0f} MiB, {time.monotonic() - self.start:.0f} s"
        )


def _reused(result: StageResult, text: str) -> str:
    return f"{text}; reused" if result.reused else text


def _copy_fp32(exported: StageResult, directory: Path) -> dict[str, Json]:
    import shutil

    shutil.copyfile(exported.file(FP32_GRAPH), directory / GRAPH)
    operators = exported.values["operators"]
    nodes = {name: {"fp32": count} for name, count in operators.items()}  # type: ignore[union-attr]
    return {"nodes": nodes, "summary": "as exported"}


def _check_finite(graph: Path, frames: CalibrationSet, threads: int) -> None:
    run = open_graph(graph, threads)
    for frame in frames:
        outputs = run(frame)
        if not all(np.isfinite(outputs[name]).all() for name in ("score", "crop_scores")):
            raise FidelityError(f"{graph.name} gives a score that is not finite: build with --fp32, or report this")


def _preprocessing_sha256() -> str:
    """Key of what turns a photo file into a frame outside the graph: the runtime's reading and resizing code."""
    return code_sha256("runtime", files=("frame_size.py", "images.py"))
