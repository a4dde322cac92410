"""The engine stage of a build: graphs in, engine files and their log out, with the timing cache locked and extended.

It decides the configuration before the build starts its work, so that a contradiction costs no time, and repeats
nothing that a finished stage holds. It takes graphs ready for the parser, so it needs no onnx; ``ready`` makes a model
so. Whether an engine is right is the business of ``ladder/devices/check.py``.
"""

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.runtime.bundle.manifest import precision_title
from dgiqa_edge.runtime.engines.tensorrt.plan import PACKED
from dgiqa_edge.runtime.errors import DgiqaEdgeError, MachineError
from dgiqa_edge.runtime.ground.atomic import write_text
from dgiqa_edge.runtime.hashing import Json, sha256_bytes
from dgiqa_edge.runtime.machine.processor import platform_name

from ..options.tensorrt_options import BuilderSettings, TensorRtOptions
from ..stages.lock import Say, exclusive
from ..stages.stages import StageResult, Stages
from . import builder, lint, timing_cache
from .build_watch import silent
from .calibrator import CacheKey, create_calibrator
from .configuration import Configuration, configure
from .frame_buffer import frame_buffer
from .graph import ParserGraph, facts_of, prepare
from .machine import TensorRtMachine

if TYPE_CHECKING:
    from onnx import ModelProto

Graph = Callable[[], ParserGraph]
"""A graph that is made ready or read when its turn comes, so that memory holds one."""
BUILD_LOG = "tensorrt_build.log"
FAILED_LOG = "tensorrt_build.failed.log"


@dataclass(frozen=True)
class EngineFiles:
    """Finished engines, unchecked.

    Attributes:
        plans: engine file per role.
        title: what they compute in, for people.
        log: what TensorRT said.
        requires: the manifest's ``requires`` of these engines.
        report: per role, figures of its build; for the bundle's report.
        notes: what the user has to know: public reports that fit, rewriting, layers off the DLA.
    """

    plans: Mapping[str, Path]
    title: str
    log: Path
    requires: Mapping[str, Any]
    report: Mapping[str, Any]
    notes: tuple[str, ...]
    summary: str
    reused: bool

    @property
    def size_bytes(self) -> int:
        return sum(plan.stat().st_size for plan in self.plans.values())


def requirements(machine: TensorRtMachine, settings: BuilderSettings) -> Mapping[str, Any]:
    """The manifest's ``requires`` of engines that ``machine`` builds with ``settings``."""
    needs: dict[str, Any] = {
        "backend_version": f"{'>=' if settings.version_compatible else '=='}{_release(machine.version)}",
        "opset": None,
        "sm": None,
        "platform": platform_name(),
    }
    if settings.targets:
        return {**needs, "targets": list(settings.targets)}
    return {
        **needs,
        "sm": machine.device.sm,
        "device": machine.device.name,
        "compatibility": settings.hardware_compatible or "exact",
        "version_compatible": settings.version_compatible,
    }


def ready(model: "ModelProto", machine: TensorRtMachine) -> Graph:
    """``model`` as the parser of ``machine`` takes it, checked against what that parser is known to refuse."""

    def make() -> ParserGraph:
        prepared, rewritten = prepare(model, machine.support)
        findings = lint.check(prepared, machine.version, machine.support.flavour)
        return ParserGraph(prepared.SerializeToString, facts_of(prepared), rewritten, tuple(map(str, findings)))

    return make


class EngineStage:
    """Builds the engines of one bundle on this machine."""

    def __init__(
        self,
        machine: TensorRtMachine,
        options: TensorRtOptions,
        *,
        precision: str,
        half: bool,
        families: tuple[str, ...],
        work: Path,
        threads: int,
        say: Say,
        beat: Say = silent,
    ) -> None:
        """Decide the configuration for graphs of ``precision``; ``half``: some of it is written in FP16.

        ``beat`` is told every second what the builder is at.

        Raises:
            ConfigurationError, EngineCompatibilityError: see ``configuration.configure``.
        """
        self.machine, self.options, self.work, self.threads, self.say = machine, options, work, threads, say
        self.beat = beat
        self.calibrator = options.settings.calibrator
        half = half and self.calibrator is None  # a calibrator starts from the FP32 graph
        self.title = precision_title(precision, half)
        self.configuration: Configuration = configure(
            options.settings,
            version=machine.version,
            support=machine.support,
            has_qdq=precision == "int8" and self.calibrator is None,
            has_fp16=half,
            families=families,
            device=machine.device,
        )

    @property
    def wants_fp32_graph(self) -> bool:
        """A calibrator quantizes by itself, so it starts from the graph without Q/DQ."""
        return self.calibrator is not None

    def run(
        self, stages: Stages, graphs: Mapping[str, Graph], source_sha256: str, images: CalibrationSet | None = None
    ) -> EngineFiles:
        """Build an engine per role, or take those of a finished stage.

        Args:
            graphs: the frame graph per role, in the precision to build.
            source_sha256: of what the graphs come from.
            images: what a calibrator reads; none are needed without one.

        Raises:
            ExportError: a graph breaks the parser's rules or cannot be built.
            CalibrationError: the calibration cache belongs to something else.
            MachineError: the GPU, its memory, the driver or the disk does not suffice.
        """
        inputs: dict[str, Json] = {
            "graph": source_sha256,
            "roles": sorted(graphs),
            "tensorrt": self.machine.version,
            "device": asdict(self.machine.device),
            "configuration": json.loads(json.dumps(asdict(self.configuration))),
            "images": images.image_set_sha256 if self.calibrator and images else None,
        }
        result = stages.run("engine", inputs, lambda directory: self._make(directory, graphs, source_sha256, images))
        return self._files(result, tuple(graphs))

    def _make(
        self, directory: Path, graphs: Mapping[str, Graph], source_sha256: str, images: CalibrationSet | None
    ) -> dict[str, Json]:
        log = builder.BuildLog()
        log.note(f"{self.machine.label}; {self.configuration}")
        notes: list[str] = list(self.configuration.warnings)
        report: dict[str, Json] = {}
        try:
            for role, graph in graphs.items():
                with self._calibrator(role, source_sha256, images) as calibrator:
                    built = self._build(graph(), calibrator, log, notes)
                self._write(directory / self._plan_name(role), built.plan)
                report[role] = {
                    "bytes": len(built.plan),
                    "layers": built.layers,
                    "layers_held_to_fp32": built.constrained_layers,
                    "layers_off_the_dla": list(built.gpu_fallback),
                    "timing_cache": built.timing_cache,
                    "seconds": built.seconds,
                }
                if built.gpu_fallback:
                    notes.append(f"{role}: {len(built.gpu_fallback)} of {built.layers} layers run on the GPU, not DLA")
        except DgiqaEdgeError as error:
            raise self._with_log(error, log) from error
        (directory / BUILD_LOG).write_text(log.text(), encoding="utf-8")
        return {"engines": report, "notes": list(dict.fromkeys(notes))}

    def _plan_name(self, role: str) -> str:
        """A plan's name in its stage, whose end it keeps in the bundle."""
        return f"{role}.plan{PACKED if self.configuration.targets else ''}"

    def _write(self, path: Path, plan: bytes) -> None:
        path.write_bytes(gzip.compress(plan, mtime=0) if path.suffix == PACKED else plan)

    def _build(
        self,
        graph: ParserGraph,
        calibrator: Any,
        log: builder.BuildLog,
        notes: list[str],
    ) -> builder.BuiltEngine:
        notes += graph.rewritten
        for remark in graph.remarks:
            log.note(f"not on record, the parser decides: {remark}")
        build = partial(
            builder.build,
            self.machine.trt,
            graph.read,
            graph.facts,
            self.configuration,
            log=log,
            calibrator=calibrator,
            threads=self.threads,
            beat=self.beat,
            say=self.say,
        )
        if self.configuration.targets:  # for GPUs that are not here: no kernel is timed
            return build(timings=None)
        device = self.machine.device
        cache = self.options.timing_cache or timing_cache.default_path(
            self.machine.version, device.name, device.sm, self.work
        )
        with exclusive(timing_cache.lock_of(cache), self.say, "the GPU"):
            built = build(timings=timing_cache.read(cache))
            if built.timing_cache == "replaced":
                notes.append(f"the timing cache {cache} was of another device or TensorRT and was begun anew")
            try:
                timing_cache.save(cache, built.timings)
            except MachineError as error:  # the engine is worth more than what would have sped up the next one
                notes.append(f"the timing cache was not saved: {error}")
        return built

    @contextlib.contextmanager
    def _calibrator(self, role: str, source_sha256: str, images: CalibrationSet | None) -> Iterator[Any]:
        if self.calibrator is None:
            yield None
            return
        from dgiqa_edge.runtime.engines.cuda.binding import connect

        assert images is not None, "a calibrator reads photos"
        key = CacheKey(
            sha256_bytes(f"{source_sha256} {role}".encode()),
            images.image_set_sha256,
            self.calibrator,
            self.machine.version,
        )
        cache = self.work / f"tensorrt-calibration-{role}-{self.calibrator}.json"
        with frame_buffer(connect(), (1, images.height, images.width, 3)) as buffer:
            yield create_calibrator(self.machine.trt, self.calibrator, images, buffer, cache, key)

    def _with_log(self, error: DgiqaEdgeError, log: builder.BuildLog) -> DgiqaEdgeError:
        """The same error, saying where TensorRT's log lies; on a full disk there is none."""
        path = self.work / FAILED_LOG
        try:
            write_text(path, log.text())
        except (MachineError, OSError):
            return error
        return type(error)(f"{error} (log: {path})")

    def _files(self, result: StageResult, roles: tuple[str, ...]) -> EngineFiles:
        report: Any = result.values["engines"]
        notes: Any = result.values["notes"]
        plans = {role: result.file(self._plan_name(role)) for role in roles}
        size = sum(report[role]["bytes"] for role in roles) / 2**20
        packed = sum(plan.stat().st_size for plan in plans.values()) / 2**20
        how = (
            f"{packed:.1f} packed" if self.configuration.targets else f"timing cache {report[roles[0]]['timing_cache']}"
        )
        return EngineFiles(
            plans=plans,
            title=self.title,
            log=result.file(BUILD_LOG),
            requires=requirements(self.machine, self.options.settings),
            report=report,
            notes=tuple(notes),
            summary=f"{size:.1f} MiB for {self.machine.label}, {how}",
            reused=result.reused,
        )


def _release(version: str) -> str:
    """The numeric part of a version: ``10.3.0`` of ``10.3.0.post12``."""
    return ".".join(part for part in version.split(".") if part.isdigit())
