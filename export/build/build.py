"""One build from checkpoints to bundle: the order of the stages and what passes between them.

Cheap checks come first, so a bad folder or a wrong checkpoint fails before minutes of work. Each stage's result is
kept under the hash of its inputs (``export/stages/stages.py``), so the same command resumes where an interrupted one
stopped.
"""

import time
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.calibration.images.calibration_set import MINIMUM_COUNT, open_calibration_set
from dgiqa_edge.calibration.images.selection import Selection
from dgiqa_edge.runtime.bundle.golden import CHECK_NAME, FAULT_OUTPUTS, OUTPUTS, Golden, save_golden
from dgiqa_edge.runtime.bundle.records import plain
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.hashing import Json
from dgiqa_edge.runtime.version import VERSION

from ..frame_graph import parity
from ..frame_graph.graph_session import open_graph
from ..frame_graph.to_onnx import export_graph
from ..ladder.climb import RUNG_ERRORS
from ..ladder.devices.protocol import Device
from ..ladder.ladder import Ladder, Taken
from ..ladder.lowering import FP32_GRAPH, GRAPH, Lowering, LoweringInputs
from ..ladder.rungs import rungs_from
from ..ladder.trial import Trials
from ..options.build_options import AUTO, BuildOptions
from ..stages.lock import exclusive
from ..stages.outcome import BuildResult, Row, check_target, of_rung
from ..stages.provenance import host_facts, package_versions, peak_memory_mib
from ..stages.reporter import Reporter, reused
from ..stages.stages import StageResult, Stages
from . import bundle_writer
from .backends import beside, choose
from .recipes import recipe_of

if TYPE_CHECKING:
    from torch import nn

LOCK = "lock"
PARITY_IMAGES = 3


class Build:
    """One run of ``build_engine``."""

    def __init__(self, options: BuildOptions, reporter: Reporter) -> None:
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
        self.outputs = (*OUTPUTS, *(FAULT_OUTPUTS if self.recipe.faults else ()))
        self.backend, why = choose(options.backend, engine=options.builds_engines)
        check_target(options.out, options.work)
        self.reporter.note(f"backend: {why}")
        self.rivals, missing = beside(self.backend) if options.backend == AUTO else ([], "")
        self.reporter.stages += len(self.rivals) * (len(rungs_from(options.precision)) if options.climbs else 1)
        if missing:
            self.reporter.note(f"note: not compared with other backends of the same graph: {missing}")
        self.engines = self.backend.open_build(options, self.recipe, self.reporter)
        self.stages.sweep()
        self._open_photos()
        with exclusive(options.work / LOCK, self.reporter.note, "the finished stages"):
            return self._run()

    def _run(self) -> BuildResult:
        exported = self._export()
        self._check_parity(exported)
        taken = self._take(exported)
        contents = self._contents(exported, taken)
        if self.engines is not None:
            fp32, graph = exported.file(FP32_GRAPH), taken.lowered.file(GRAPH)
            contents = self.engines.add(contents, self.stages, fp32, graph, self.calibration_set, self.check_set)
        return self._pack(exported, contents, taken)

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
                fit=options.fit,
                count=options.calib_images + options.check_images,
                progress=line.tick,
            )
            spare = len(photos) - max(MINIMUM_COUNT, min(options.calib_images, len(photos) - options.check_images))
            self.calibration_set, self.check_set = photos.held_out(max(0, spare))
            self.selection = Selection.of(photos, options.calib_images + options.check_images, len(self.check_set))
            self.held_out = len(self.check_set) > 0
            if not self.held_out:
                self.check_set = self.calibration_set
            line.result = f"{len(self.calibration_set)} to calibrate on, {len(self.check_set)} " + (
                "held out for the check" if self.held_out else "of the same for the check (too few to hold any out)"
            )
            line.result += self.selection.why_not_all()
        if photos.skipped:
            shown = ", ".join(photos.skipped[:5]) + (" ..." if len(photos.skipped) > 5 else "")
            self.reporter.note(f"  skipped {len(photos.skipped)}: {shown}")

    def _export(self) -> StageResult:
        inputs: dict[str, Json] = {
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
            report = export_graph(self.module, {"frame": frame}, self.outputs, directory / FP32_GRAPH, metadata)
            weights = {source.role: source.said for source in self.recipe.sources if source.said}
            return {**report.to_json(), "weights": weights}

        with self.reporter.stage("export to ONNX, simplify, check") as line:
            result = self.stages.run("export", inputs, make)
            values = result.values
            top = ", ".join(f"{count} {name}" for name, count in list(values["operators"].items())[:4])  # type: ignore[union-attr]
            line.result = reused(
                result.reused, f"{values['nodes_before_simplification']} -> {values['nodes']} nodes ({top}, ...)"
            )
        return result

    def _check_parity(self, exported: StageResult) -> None:
        frames = self.check_set.first(PARITY_IMAGES)
        inputs: dict[str, Json] = {"export": exported.key, "frames": frames.image_set_sha256}

        def make(directory: Path) -> dict[str, Json]:
            run = open_graph(exported.file(FP32_GRAPH), self.options.threads)
            result = plain(parity.measure(self.module, run, frames, line.counter(len(frames))))
            (directory / "parity.json").write_text(json_text(result), encoding="utf-8")
            return result

        with self.reporter.stage("parity of PyTorch and ONNX Runtime") as line:
            result = self.stages.run("parity", inputs, make)
            line.result = reused(
                result.reused,
                f"crop scores within {result.values['score_max']:.1e}, "
                f"{result.values['depth_equal_share']:.2%} of depth pixels within one level",
            )
        self.parity = dict(result.values)
        self.__dict__.pop("module", None)  # its weights are no longer needed; calibration wants the memory

    def _take(self, exported: StageResult) -> Taken:
        """The graph this build ends with: the precision asked for, or what the ladder takes."""
        options = self.options
        inputs = LoweringInputs(
            options, self.stages, self.reporter, exported, self.calibration_set, self.backend.target
        )
        self.lowering = Lowering(inputs)
        ladder = Ladder(
            self.lowering,
            self._devices(),
            self.check_set,
            held_out=self.held_out,
            budget=options.limits,
            target_ms=options.latency_target_ms,
        )
        rungs = rungs_from(options.precision)
        self.others: list[bundle_writer.Carried] = []
        if options.rungs:
            taken = self._carry(ladder)
        else:
            taken = ladder.climb(rungs) if options.climbs else ladder.single(rungs[0])
        self.golden = ladder.golden()
        self.check_frames = self._check_frames(exported, ladder) if self._for_a_device else None
        self.portable_fidelity = self._portable(taken, ladder)
        return taken

    @property
    def _for_a_device(self) -> bool:
        """Whether engines are still to be built of the result."""
        return self.engines is None and self.backend.parser_graphs is not None

    def _carry(self, ladder: Ladder) -> Taken:
        """The first of the precisions asked for that can be written and is near enough to FP32; ``others``: the rest.

        Raises:
            One of ``RUNG_ERRORS``: none is.
        """
        near: list[Taken] = []
        for precision in self.options.rungs:
            try:
                near.append(ladder.single(rungs_from(precision)[0]))
            except RUNG_ERRORS as error:
                if not near and precision == self.options.rungs[-1]:
                    raise
                self.reporter.note(f"  {precision} is left out: {error}")
        self.others = [
            bundle_writer.Carried(
                one.rung.precision,
                one.lowered.file(GRAPH),
                one.lowered.values["nodes"],  # type: ignore[arg-type]
                one.fidelity,
            )
            for one in near[1:]
        ]
        return near[0]

    def _check_frames(self, exported: StageResult, ladder: Ladder) -> Path:
        """The photos of the check and FP32's outputs, as a file: by them a device accepts what it builds."""

        def make(directory: Path) -> dict[str, Json]:
            outputs = ladder.reference.outputs()
            arrays = {name: np.concatenate([one[name] for one in outputs]) for name in self.outputs}
            save_golden(directory / CHECK_NAME, Golden(np.concatenate(list(self.check_set)), **arrays))
            return {}

        inputs: dict[str, Json] = {"export": exported.key, "photos": self.check_set.image_set_sha256}
        return self.stages.run("reference", inputs, make).file(CHECK_NAME)

    def _portable(self, taken: Taken, ladder: Ladder) -> Fidelity:
        """Fidelity of the graph that stays in the bundle beside an engine: after a climb, that was the engine's."""
        if self.engines is None or taken.ladder is None:
            return taken.fidelity
        portable = self.backend.open_device(self.options.threads)
        trials = Trials(self.stages, portable, ladder.reference, self.lowering.inputs.exported.key)
        with self.reporter.stage("portable graph against FP32") as line:
            result = trials.run(taken.lowered, line.tick)
            line.result = reused(result.reused, f"score MAE {result.fidelity.score_mae:.5f}")
        return result.fidelity

    def _devices(self) -> list[Device]:
        """Where graphs are judged; of a precision that is named, the portable graph, before its engine is built."""
        if self.options.climbs and self.engines is not None:
            return [self.engines.device(self.stages, self.calibration_set)]
        return [backend.open_device(self.options.threads) for backend in (self.backend, *self.rivals)]

    def _contents(self, exported: StageResult, taken: Taken) -> bundle_writer.BundleContents:
        precision = taken.rung.precision
        return bundle_writer.BundleContents(
            options=self.options,
            recipe=self.recipe,
            backend=self.backend.runtime,
            target=self.backend.written_for,
            preferred=taken.backend if self.backend.runtime.runs_portable_graphs else None,
            remarks=self.backend.remarks(precision, self.engines is not None),
            precision=precision,
            graph=taken.lowered.file(GRAPH),
            nodes=taken.lowered.values["nodes"],  # type: ignore[arg-type]
            calibration=self.lowering.calibration if precision == "int8" else None,
            fidelity=taken.fidelity,
            observed=() if precision == "fp32" else self.calibration_set.images,
            checked=self.check_set.images,
            held_out=self.held_out,
            selection=self.selection,
            latency=taken.latency,
            ladder=taken.ladder,
            parity=self.parity,
            export_report=dict(exported.values),
            weights=exported.values["weights"],  # type: ignore[arg-type]
            golden=self.golden,
            seconds=time.monotonic() - self.start,
            host=host_facts(),
            portable_fidelity=self.portable_fidelity,
            portable_fidelities=taken.fidelities if self.backend.runtime.runs_portable_graphs else {},
            parser_graphs=self.backend.parser_graphs if self._for_a_device else None,
            check=self.check_frames,
            others=tuple(self.others),
        )

    def _pack(self, exported: StageResult, contents: bundle_writer.BundleContents, taken: Taken) -> BuildResult:
        options = self.options
        with self.reporter.stage("bundle, and its replay on this device") as line:
            contents = replace(contents, seconds=time.monotonic() - self.start)
            bundle_writer.write(contents, options.out)
            line.result = str(options.out)
        fp32_bytes = exported.file(FP32_GRAPH).stat().st_size
        fp32_ms, own_ms = (taken.latency.fp32_p50_ms, taken.latency.p50_ms) if taken.latency else (None, None)
        graph_bytes = contents.graph.stat().st_size
        rows = [Row("fp32", fp32_bytes, p50_ms=fp32_ms)]
        if taken.ladder is not None and not options.climbs:
            fp32 = [Row("fp32", fp32_bytes, p50_ms=p50, backend=name) for name, p50 in taken.fp32_p50_ms.items()]
            rows = [*(fp32 if contents.precision != "fp32" else ()), *map(of_rung, taken.ladder.rungs)]
        elif contents.engines is None or taken.ladder is None:
            rows.append(Row.of(contents.written.title, graph_bytes, contents.portable_fidelity.figures, own_ms))
        rows += [
            Row.of(contents.precision_of(one).title, one.graph.stat().st_size, one.fidelity.figures, None)
            for one in contents.others
            if one.precision != "fp32"
        ]
        if contents.engines is not None:
            name = f"{contents.engines.title} {contents.backend.title}"
            p50_ms = contents.latency.p50_ms if contents.latency else None
            ran = contents.latency is not None  # else its figures are the portable graph's
            figures = contents.fidelity.figures if ran else {}
            rows.append(Row.of(name, contents.engines.size_bytes, figures, p50_ms))
        notes = (*self._once(contents), *bundle_writer.notes(contents))
        ladder = taken.ladder if options.climbs else None  # of one rung the rows say it all
        differs = contents.latency is None or contents.latency.differs
        return BuildResult(options.out, tuple(rows), self._caption(taken), notes, ladder, differs)

    @staticmethod
    def _once(contents: bundle_writer.BundleContents) -> list[str]:
        """What is said at the build alone; the bundle's reports hold it, and later commands do not repeat it."""
        said = [note for role in contents.weights.values() for note in role["notes"]]
        if contents.latency is not None and contents.precision != "fp32":
            remark = contents.latency.remark(contents.precision)
            said += [remark] if remark else []
        small = contents.selection.warning()
        return [*said, small] if small else said

    def _caption(self, taken: Taken) -> str:
        width, height = self.options.frame[1], self.options.frame[0]
        photos = "held-out" if self.held_out else "calibration"
        titles = " and ".join(one.runtime.title for one in (self.backend, *self.rivals))
        own = self.backend.runtime.runs_portable_graphs
        where = f"{titles if own else 'ONNX Runtime'} on the CPU, {self.options.threads} threads"
        where += f", and {self.engines.label}" if self.engines is not None else ""
        timed = f"p50 of {taken.latency.runs} alternating runs; " if taken.latency else ""
        return (
            f"{self.options.preset}, frame {width}x{height}, {where}; fidelity "
            f"against FP32 on {taken.fidelity.images} {photos} photos, {timed}peak memory "
            f"{peak_memory_mib():.0f} MiB, {time.monotonic() - self.start:.0f} s"
        )


def stage_count(options: BuildOptions) -> int:
    """How many stages a build announces, those that it may skip included."""
    rungs = rungs_from(options.precision) if options.climbs else rungs_from(options.precision)[:1]
    carried = 2 * max(0, len(options.rungs) - 1)  # each with its latency, which is not measured
    calibrates = any(rung.precision == "int8" for rung in rungs)
    ranks = any(rung.float_share for rung in rungs)
    return 5 + calibrates + ranks + len(rungs) + carried
