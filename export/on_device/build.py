"""One build on the device: the graphs that a bundle carries become engines, are checked by their outputs, and packed.

It needs numpy, OpenCV, TensorRT and a CUDA binding. Engines and checks are stages, so the same command
resumes where an interrupted one stopped; the bundle appears whole or not at all.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.runtime.bundle.bundle import layer_hint
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.bundle.manifest import LadderRecord, LatencyRecord
from dgiqa_edge.runtime.engines.tensorrt.backend import BACKEND
from dgiqa_edge.runtime.errors import FidelityError
from dgiqa_edge.runtime.ground.atomic import PARTIAL_PREFIX, atomic_directory
from dgiqa_edge.runtime.ground.error_text import one_line
from dgiqa_edge.runtime.hashing import Json, sha256_file
from dgiqa_edge.runtime.scoring.scorer import Scorer

from ..frame_graph.graph_session import median_ms, time_in_turn
from ..ladder.climb import RUNG_ERRORS, SECONDS_PER_GRAPH, Step, Terms, settle
from ..ladder.decision import FAILED
from ..ladder.devices.check import BundleEngines, check_engine
from ..ladder.rungs import rungs_from
from ..options.accuracy_budget import AccuracyBudget, misses
from ..options.device_options import DeviceOptions
from ..stages.lock import exclusive
from ..stages.outcome import BuildResult, Row, check_target
from ..stages.provenance import peak_memory_mib
from ..stages.reporter import Reporter, Tick, reused
from ..stages.stages import Stages
from ..tensorrt.engines import EngineFiles, EngineStage
from ..tensorrt.machine import open_machine
from .carried import Carried, engine_stage, open_source, parser_graphs, to_build
from .pack import Built, write, write_aside

LOCK = "lock"


@dataclass
class DeviceStep(Step):
    """A rung with the engines that were built, and the small bundle that they run in."""

    carried: Carried | None = None
    engines: EngineFiles | None = None
    aside: Path | None = None


class DeviceBuild:
    """One run of ``dgiqa-edge build --from``."""

    def __init__(self, options: DeviceOptions, reporter: Reporter) -> None:
        self.options, self.reporter = options, reporter
        self.stages = Stages(options.work)
        self.start = time.monotonic()

    def run(self) -> BuildResult:
        """Build the engines and the bundle that has them.

        Raises:
            DgiqaEdgeError: of the class that fits what has to be mended; ``out`` is then as it was.
        """
        options = self.options
        self.source = open_source(options.source, options.rungs)
        check_target(options.out, options.source, options.work)
        self.machine = open_machine()
        carried = [one.precision for one in self.source.carried]
        self.reporter.note(f"{', '.join(carried)} from {options.source}, all hashes right; for {self.machine.label}")
        self.reporter.stages = 2 * len(carried) + 2  # to build and to check each; latency; the bundle
        self.terms = self._terms()
        self.stages.sweep()
        with exclusive(options.work / LOCK, self.reporter.note, "the finished stages"), self._folder() as folder:
            return self._run(folder)

    def _terms(self) -> Terms:
        options, device = self.options, self.source.device_build
        target = device.latency_target_ms if options.latency_target_ms is None else options.latency_target_ms
        photos = self.source.carried[0].fidelity
        return Terms(
            self.machine.label,
            AccuracyBudget(**asdict(device.budget)) if options.limits is None else options.limits,
            target,
            photos.images,
            photos.held_out,
            options.threads,
        )

    @property
    def climbs(self) -> bool:
        return len(self.source.carried) > 1 or self.terms.target_ms is not None

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Where engines lie in small bundles for their check; a killed build's is swept by a later one."""
        folder = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=self.options.work))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _run(self, folder: Path) -> BuildResult:
        steps = [self._try(carried, folder) for carried in self.source.carried]
        times = self._time([step.aside for step in steps if step.aside is not None and not step.untried])
        for step, own in zip((step for step in steps if not step.untried), times, strict=True):
            step.runs_ms = tuple(own.tolist())
        runs = len(times[0]) if times else 0
        taken, ladder = steps[0], None
        if self.climbs:
            taken, ladder = settle(steps, self.terms)
        fp32_ms = next((step.p50_ms for step in steps if step.rung.precision == "fp32"), None)
        assert taken.p50_ms is not None
        return self._pack(taken, LatencyRecord(fp32_ms, taken.p50_ms, runs, self.options.threads), ladder)

    def _try(self, carried: Carried, folder: Path) -> DeviceStep:
        """Build and check one precision; where there are others, its failure is its own."""
        step = DeviceStep(rungs_from(carried.precision)[0], BACKEND.name, carried=carried)
        try:
            self._build(step, carried, folder / carried.precision)
        except RUNG_ERRORS as error:
            if not self.climbs:
                raise
            step.untried, step.reason = FAILED, one_line(error)
            self.reporter.note(f"  {carried.precision}: {step.reason}")
        return step

    def _build(self, step: DeviceStep, carried: Carried, aside: Path) -> None:
        bundle = self.source.bundle
        stage = engine_stage(
            self.source,
            carried,
            self.machine,
            self.options.tensorrt,
            work=self.options.work,
            threads=self.options.threads,
            say=self.reporter.note,
            beat=self.reporter.progress.beat,
        )
        records = parser_graphs(bundle.manifest, carried.precision, BACKEND.name, self.machine.version)
        with self.reporter.stage(f"{BACKEND.title} engine, {stage.title}") as line:
            files = stage.run(self.stages, *to_build(bundle, records))
            line.result = reused(files.reused, files.summary)
        with self.reporter.stage("check on the device") as line:
            aside.mkdir()
            write_aside(self.source, carried, BACKEND.name, files, aside)
            step.fidelity, again = self._check(stage, carried, files, aside, line.tick)
            step.missed = misses(self.terms.budget, step.fidelity)
            verdict = f"score MAE {step.fidelity.score_mae:.5f} over {step.fidelity.images} photos"
            if step.missed:
                verdict = f"over the budget: {'; '.join(map(str, step.missed))}"
            line.result = reused(again, verdict)
        if step.missed and not self.climbs:
            raise FidelityError(
                f"{carried.precision} is too far from FP32 on {step.fidelity.images} photos "
                f"({'; '.join(map(str, step.missed))}): carry other precisions from the desktop with --rungs, or keep "
                f"it as it is with --no-accuracy-check{layer_hint(self.options.source)}"
            )
        step.engines, step.aside, step.size_bytes = files, aside, files.size_bytes

    def _check(
        self, stage: EngineStage, carried: Carried, files: EngineFiles, aside: Path, tick: Tick
    ) -> tuple[Fidelity, bool]:
        """Compare the engines with FP32's outputs on every check frame; whether an earlier run did is the second."""

        def make(directory: Path) -> dict[str, Json]:
            frames = list(self.source.check_frames().each())
            answers = (one.outputs for one in frames)
            with BundleEngines(aside, BACKEND.name) as engine:
                fidelity = check_engine(
                    lambda frame: next(answers),
                    engine,
                    [one.frame for one in frames],
                    portable=carried.fidelity,
                    precision=carried.precision,
                    what=f"the engine of {self.machine.label}",
                    remarks=stage.configuration.warnings,
                    hint=layer_hint(self.options.source, BACKEND.name),
                    progress=tick,
                )
            return fidelity.to_json(with_images=True)

        inputs: dict[str, Json] = {
            "plans": {role: sha256_file(plan) for role, plan in files.plans.items()},
            "frames": self.source.bundle.manifest.files[self.source.device_build.check].sha256,
            "device": asdict(self.machine.device),
            "backend": [BACKEND.name, self.machine.version],
            "portable": dict(carried.document["fidelity"]),
        }
        checked = self.stages.run("device_check", inputs, make)
        return Fidelity.from_json(checked.values), checked.reused

    def _time(self, bundles: list[Path]) -> list[np.ndarray]:
        """Milliseconds of each one's runs with copies, float64 [runs], all in turn in this process."""
        if not bundles:
            self.reporter.skip("latency", "nothing to time")
            return []
        frame = load_golden(self.source.bundle.file(self.source.bundle.manifest.golden.file)).frame
        with self.reporter.stage("latency" + ", all run in turn" * (len(bundles) > 1)) as line, ExitStack() as stack:
            opened = [stack.enter_context(BundleEngines(path, BACKEND.name)) for path in bundles]
            times = time_in_turn(opened, frame, budget_s=SECONDS_PER_GRAPH * len(opened))
            named = (f"{path.name} {median_ms(own):.2f} ms" for path, own in zip(bundles, times, strict=True))
            line.result = f"p50 with copies {', '.join(named)} ({len(times[0])} runs each)"
        return times

    def _pack(self, step: DeviceStep, latency: LatencyRecord, ladder: LadderRecord | None) -> BuildResult:
        assert step.carried is not None and step.engines is not None and step.fidelity is not None
        options = self.options
        with self.reporter.stage("bundle, and its replay on this device") as line:
            built = Built(
                carried=step.carried,
                backend=BACKEND.name,
                engines=step.engines,
                fidelity=step.fidelity,
                latency=latency,
                ladder=ladder,
                argv=list(options.argv),
                seconds=time.monotonic() - self.start,
            )
            with atomic_directory(options.out) as directory:
                write(self.source, built, directory)
                Scorer(directory, threads=options.threads, backend=BACKEND.name, verify="always").close()
            line.result = str(options.out)
        name = f"{step.engines.title} {BACKEND.title}"
        row = Row.of(name, step.engines.size_bytes, step.fidelity.figures, latency.p50_ms)
        notes = (*self.source.device_build.notes, *step.engines.notes)
        return BuildResult(options.out, (row,), self._caption(step.fidelity, latency), notes, ladder)

    def _caption(self, fidelity: Fidelity, latency: LatencyRecord) -> str:
        photos = "held-out" if self.terms.held_out else "calibration"
        manifest = self.source.bundle.manifest
        return (
            f"{manifest.preset}, frame {manifest.frame.width}x{manifest.frame.height}, {self.machine.label}; fidelity "
            f"against FP32 on {fidelity.images} {photos} photos, p50 of {latency.runs} runs; peak memory "
            f"{peak_memory_mib():.0f} MiB, {time.monotonic() - self.start:.0f} s"
        )
