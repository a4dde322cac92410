"""A GPU with TensorRT as the ladder's device: a graph becomes a plan by the build's own engine stage, and is run as the
runtime runs it. Which graphs are tried, and which is taken, is the ladder's business.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import numpy as np

from dgiqa_edge.calibration.images.calibration_set import CalibrationSet
from dgiqa_edge.runtime.bundle.manifest import EngineRecord, Requirements
from dgiqa_edge.runtime.engines import Engine
from dgiqa_edge.runtime.hashing import Json, sha256_file

from ...frame_graph.graph_session import Run
from ...options.tensorrt_options import BuilderSettings
from ...stages.stages import Stages
from ...tensorrt import builder
from ...tensorrt.configuration import configure
from ...tensorrt.engines import EngineStage, ready, requirements
from ...tensorrt.machine import TensorRtMachine, open_machine

ROLE = "fused"


class _StageOf(Protocol):
    def __call__(self, precision: str, *, half: bool) -> EngineStage: ...


class TensorRtDevice:
    """See ``protocol.Device``. A ladder is climbed on fused plans whatever the layout of the bundle will be."""

    backend = "tensorrt"
    as_written = True
    timed = True
    engine_file: str | None = "engine.plan"
    install_bytes: int | None = None

    def __init__(
        self,
        machine: TensorRtMachine,
        settings: BuilderSettings,
        stage_of: _StageOf,
        stages: Stages,
        images: CalibrationSet,
    ) -> None:
        self.machine, self.settings, self.stage_of = machine, settings, stage_of
        self.stages, self.images = stages, images
        self.name = machine.label

    def identity(self) -> dict[str, Json]:
        return {
            "backend": self.backend,
            "version": self.machine.version,
            "device": asdict(self.machine.device),
            "settings": asdict(self.settings),
        }

    def obstacle(self, precision: str, islands: str = "") -> str:
        if islands == "attention" and not self.machine.support.fp32_attention:
            return f"{self.machine.label} fuses no attention that accumulates in FP32 (TensorRT 11.3 and newer do)"
        return ""

    def build(self, graph: Path, directory: Path) -> Mapping[str, Json]:
        import onnx

        model = onnx.load(str(graph))
        quantized = any(node.op_type == "QuantizeLinear" for node in model.graph.node)
        half = any(
            attribute.name == "to" and attribute.i == onnx.TensorProto.FLOAT16
            for node in model.graph.node
            if node.op_type == "Cast"
            for attribute in node.attribute
        )
        precision = "int8" if quantized else "fp16" if half else "fp32"
        stage = self.stage_of(precision, half=half)
        files = stage.run(self.stages, {ROLE: ready(model, self.machine)}, sha256_file(graph), self.images)
        assert self.engine_file is not None
        shutil.copyfile(files.plans[ROLE], directory / self.engine_file)
        return dict(files.report[ROLE])

    @contextmanager
    def open(self, executable: Path) -> Iterator[Run]:
        requires = Requirements(**requirements(self.machine, self.settings))
        engine = open_plan(executable, EngineRecord(ROLE, executable.name, self.backend, requires))
        try:

            def run(frame: np.ndarray) -> Mapping[str, np.ndarray]:
                return {name: np.array(value) for name, value in engine.run({"frame": frame}).items()}

            yield run
        finally:
            engine.close()


def graph_opener() -> tuple[str, Callable[[Path], Engine]]:
    """What this machine's GPU is called, and a function that builds and opens any graph's file on it.

    Each graph becomes an engine as a build with default settings makes it, whose plan lies beside the graph.

    Raises:
        MachineError, EngineCompatibilityError: there is no GPU or TensorRT, or it is not supported.
    """
    machine, settings = open_machine(), BuilderSettings()

    def opened(graph: Path) -> Engine:
        import onnx

        parsed = ready(onnx.load(str(graph)), machine)()
        configuration = configure(
            settings,
            version=machine.version,
            support=machine.support,
            has_qdq=parsed.facts.has_qdq,
            has_fp16=parsed.facts.has_fp16,
            families=(),
            device=machine.device,
        )
        built = builder.build(machine.trt, parsed.read, parsed.facts, configuration, log=builder.BuildLog())
        plan = graph.with_suffix(".plan")
        plan.write_bytes(built.plan)
        requires = Requirements(**requirements(machine, settings))
        return open_plan(plan, EngineRecord(ROLE, plan.name, TensorRtDevice.backend, requires))

    return machine.label, opened


def open_plan(plan: Path, record: EngineRecord) -> Engine:
    """A plan outside a bundle, in the runtime's engine.

    Raises:
        MachineError, EngineCompatibilityError, DeviceLostError: see ``engine.open_plan``.
    """
    from dgiqa_edge.runtime.engines.tensorrt import engine

    return engine.open_plan(plan, record)
