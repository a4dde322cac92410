"""TensorRT's part of a build: open the machine early, build the engines from the finished graph, check them on it."""

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.engines.tensorrt.backend import BACKEND
from dgiqa_edge.runtime.engines.tensorrt.versions import families_of
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.atomic import PARTIAL_PREFIX
from dgiqa_edge.runtime.hashing import sha256_file, sha256_json
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..frame_graph.graph_session import Latency, open_graph, time_alternately
from ..frame_graph.split import graphs_of_layout
from ..ladder.devices import portable
from ..ladder.devices.check import BundleEngines, check_engine
from ..ladder.devices.tensorrt import TensorRtDevice
from ..options.build_options import BuildOptions
from ..stages.reporter import Reporter, Tick
from ..stages.stages import Stages
from ..tensorrt.engines import EngineStage, Graph, ready
from ..tensorrt.machine import TensorRtMachine, obstacle, open_machine
from . import bundle_writer, parser_graphs
from .backends import BuildBackend
from .recipes import Recipe

STAGES = 2


class TensorRtBuild:
    """Adds engines to a bundle's contents."""

    def __init__(
        self, options: BuildOptions, machine: TensorRtMachine, families: tuple[str, ...], reporter: Reporter
    ) -> None:
        self.options, self.machine, self.families, self.reporter = options, machine, families, reporter
        self.label = machine.label

    @classmethod
    def open(cls, options: BuildOptions, recipe: Recipe, reporter: Reporter) -> "TensorRtBuild":
        """Start TensorRT and decide how to build, before anything else is done.

        Raises:
            MachineError, EngineCompatibilityError, ConfigurationError: no engine can be built this way here.
        """
        opened = cls(options, open_machine(), families_of(source.name for source in recipe.sources), reporter)
        for warning in opened.stage(options.precision, half=options.precision != "fp32").configuration.warnings:
            reporter.note(f"note: {warning}")
        reporter.stages += STAGES
        return opened

    def stage(self, precision: str, *, half: bool) -> EngineStage:
        """The engine stage for a graph of ``precision`` that holds FP16 parts or not.

        Raises:
            ConfigurationError, EngineCompatibilityError: no engine can be built this way here.
        """
        options = self.options
        return EngineStage(
            self.machine,
            options.tensorrt,
            precision=precision,
            half=half,
            families=self.families,
            work=options.work,
            threads=options.threads,
            say=self.reporter.note,
            beat=self.reporter.progress.beat,
        )

    def device(self, stages: Stages, images: CalibrationSet) -> TensorRtDevice:
        """The GPU as the ladder's device.

        Raises:
            ConfigurationError: a calibrator leaves nothing to climb.
        """
        settings = self.options.tensorrt.settings
        if settings.calibrator is not None:
            raise ConfigurationError(
                "--calibrator lets TensorRT choose the precision, so there are no rungs to climb: leave it out, or "
                "--accuracy-budget and --latency-target"
            )
        self.reporter.stages += 1  # the portable graph of the rung that is taken, see Build._portable
        return TensorRtDevice(self.machine, settings, self.stage, stages, images)

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
        stage = self.stage(contents.precision, half=contents.written.has_half)
        source = fp32 if stage.wants_fp32_graph else graph
        with self.reporter.stage(f"{self.machine.support.title} engine") as line:
            identity = sha256_json([sha256_file(source), str(self.options.batch)])
            files = stage.run(stages, self._graphs(source), identity, images)
            line.result = files.summary + ("; reused" if files.reused else "")
        return self.accept(replace(contents, engines=files), fp32, check_set, stage.configuration.warnings)

    def accept(
        self,
        contents: bundle_writer.BundleContents,
        fp32: Path,
        check_set: CalibrationSet,
        remarks: Iterable[str],
    ) -> bundle_writer.BundleContents:
        """The contents with the fidelity and the latency of their engines, which ran here.

        Raises:
            FidelityError: an engine is wrong.
        """
        with self.reporter.stage("check on the device") as line:
            fidelity, latency = self._check(contents, fp32, check_set, remarks, line.tick)
            line.result = (
                f"score MAE {fidelity.score_mae:.5f} over {fidelity.images} photos, "
                f"p50 {latency.p50_ms:.2f} ms with copies ({latency.runs} runs)"
            )
        return replace(contents, fidelity=fidelity, latency=latency)

    def _graphs(self, source: Path) -> Mapping[str, Graph]:
        graphs = graphs_of_layout(source, self.options.layout, self.options.batch)
        return {role: ready(model, self.machine) for role, model in graphs.items()}

    def _check(
        self,
        contents: bundle_writer.BundleContents,
        fp32_graph: Path,
        check_set: CalibrationSet,
        remarks: Iterable[str],
        tick: Tick,
    ) -> tuple[Fidelity, Latency]:
        """Write the bundle aside, run its engines as the runtime would, compare, and time them."""
        fp32 = open_graph(fp32_graph, self.options.threads)
        aside = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=self.options.work))
        try:
            bundle_writer.write(contents, aside / "bundle")
            with BundleEngines(aside / "bundle", contents.backend.name) as engine:
                fidelity = check_engine(
                    fp32,
                    engine,
                    check_set,
                    portable=contents.portable_fidelity,
                    precision=contents.precision,
                    what=f"the engine of {self.label}",
                    remarks=remarks,
                    progress=tick,
                )
                latency = time_alternately(fp32, engine, contents.golden[0], self.options.threads)
            if self.options.batch != BatchRange():
                Scorer(aside / "bundle", backend=contents.backend.name, verify="always").close()  # each row
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        return fidelity, latency


def _open(options: BuildOptions, recipe: Recipe, reporter: Reporter) -> TensorRtBuild | None:
    if options.builds_engines:
        return TensorRtBuild.open(options, recipe, reporter)
    if options.climbs:
        raise ConfigurationError(
            "--accuracy-budget and --latency-target decide by engines on the device, which --no-engine does not "
            "build: leave one of them out, or carry precisions to the device with --rungs, which decides then"
        )
    return None


BUILD = BuildBackend(
    BACKEND,
    target_named(BACKEND.name),
    lambda threads: portable.open_device(BACKEND.name, threads),
    obstacle=obstacle,
    open_build=_open,
    note_without_engine="this bundle holds the portable graph for TensorRT and no engine: build one on the device with "
    "dgiqa-edge build --from",
    parser_graphs=lambda directory, graphs: parser_graphs.write(directory, graphs, BACKEND.name),
)
