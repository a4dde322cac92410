"""TensorRT's part of a build: open the machine early, build the engines from the finished graph, check them on it."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.calibration.images import CalibrationSet
from dgiqa_edge.runtime.atomic import PARTIAL_PREFIX
from dgiqa_edge.runtime.engines.tensorrt_versions import families_of
from dgiqa_edge.runtime.hashing import sha256_file

from . import bundle_writer
from .build_options import BuildOptions
from .build_report import Reporter, Tick
from .device_check import BundleEngines, check_engine
from .graph_session import open_graph, time_alternately
from .layout import split
from .recipes import Recipe
from .stages import Stages
from .tensorrt_engines import EngineFiles, EngineStage
from .tensorrt_machine import TensorRtMachine, open_machine

if TYPE_CHECKING:
    from onnx import ModelProto

STAGES = 2


class TensorRtBuild:
    """Adds engines to a bundle's contents."""

    def __init__(self, options: BuildOptions, machine: TensorRtMachine, stage: EngineStage, reporter: Reporter) -> None:
        self.options, self.machine, self.stage, self.reporter = options, machine, stage, reporter
        self.label = machine.label

    @classmethod
    def open(cls, options: BuildOptions, recipe: Recipe, reporter: Reporter) -> "TensorRtBuild":
        """Start TensorRT and decide how to build, before anything else is done.

        Raises:
            MachineError, EngineCompatibilityError, ConfigurationError: no engine can be built this way here.
        """
        machine = open_machine()
        stage = EngineStage(
            machine,
            options.tensorrt,
            precision=options.precision,
            families=families_of(source.name for source in recipe.sources),
            work=options.work,
            threads=options.threads,
            say=reporter.note,
        )
        for warning in stage.configuration.warnings:
            reporter.note(f"note: {warning}")
        reporter.stages += STAGES
        return cls(options, machine, stage, reporter)

    def add(
        self,
        contents: bundle_writer.BundleContents,
        stages: Stages,
        fp32: Path,
        graph: Path,
        images: CalibrationSet,
        check_set: CalibrationSet,
    ) -> bundle_writer.BundleContents:
        """Build engines from ``graph`` and accept them by their outputs.

        Args:
            contents: of the bundle with the portable graph, its fidelity measured.
            fp32, graph: the fused frame graph as exported, and in the precision to build.

        Returns:
            The contents with the engines; fidelity and latency are theirs, measured on this device.

        Raises:
            ExportError, CalibrationError, MachineError: they could not be built.
            FidelityError: an engine is wrong.
        """
        source = fp32 if self.stage.wants_fp32_graph else graph
        with self.reporter.stage("TensorRT engine") as line:
            files = self.stage.run(stages, self._graphs(source), sha256_file(source), images)
            line.result = files.summary + ("; reused" if files.reused else "")
        with self.reporter.stage("check on the device") as line:
            checked = self._check(replace(contents, engines=files), fp32, check_set, line.tick)
            line.result = (
                f"score MAE {checked.fidelity.score_mae:.5f} over {checked.fidelity.images} photos, "
                f"p50 {checked.latency.p50_ms:.2f} ms with copies ({checked.latency.runs} runs)"
            )
        return checked

    def _graphs(self, source: Path) -> "Mapping[str, ModelProto]":
        import onnx

        model = onnx.load(str(source))
        if self.options.layout == "fused":
            return {"fused": model}
        return dict(zip(bundle_writer.SPLIT_FILES, split(model), strict=True))

    def _check(
        self,
        contents: bundle_writer.BundleContents,
        fp32_graph: Path,
        check_set: CalibrationSet,
        tick: Tick,
    ) -> bundle_writer.BundleContents:
        """Write the bundle aside, run its engines as the runtime would, compare, and time them."""
        fp32 = open_graph(fp32_graph, self.options.threads)
        engines = contents.engines
        assert isinstance(engines, EngineFiles)
        aside = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=self.options.work))
        try:
            bundle_writer.write(contents, aside / "bundle")
            with BundleEngines(aside / "bundle", "tensorrt") as engine:
                fidelity = check_engine(
                    fp32,
                    engine,
                    check_set,
                    portable=contents.portable_fidelity,
                    precision=self.options.precision,
                    what=f"the engine of {self.label}",
                    remarks=self.stage.configuration.warnings,
                    progress=tick,
                )
                frame, reference, candidates = contents.golden
                golden = (frame, reference, (*candidates, engine(frame)))
                latency = time_alternately(fp32, engine, frame, self.options.threads)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return replace(contents, fidelity=fidelity, latency=latency, golden=golden)
