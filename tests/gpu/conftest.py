"""The rig of the GPU tests: inputs that another machine prepared, engines built from them here, and the result file.

It runs with TensorRT, a CUDA binding, numpy and fastjsonschema alone (``--confcutdir=tests/gpu`` keeps the other tests'
set-up out). Environment: ``DGIQA_REQUIRE_GPU=1`` turns every skip for want of a GPU or of inputs into a failure,
``DGIQA_GPU_INPUTS`` is where ``make gpu-inputs`` wrote, ``DGIQA_GPU_RESULTS`` the folder for the result file,
``DGIQA_GPU_RUNS`` the number of timed runs.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.benchmarks.report import gpu_results
from dgiqa_edge.calibration.fidelity import Fidelity
from dgiqa_edge.export.tensorrt import builder as tensorrt_builder
from dgiqa_edge.export.tensorrt import configuration as tensorrt_configuration
from dgiqa_edge.export.tensorrt.graph import GraphFacts
from dgiqa_edge.export.tensorrt.machine import TensorRtMachine, open_machine
from dgiqa_edge.runtime.bundle.bundle import Bundle, build_manifest_files, load_bundle, write_manifest
from dgiqa_edge.runtime.engines import EngineOptions, load_engine
from dgiqa_edge.runtime.engines.registry import survey
from dgiqa_edge.runtime.engines.tensorrt.engine import TensorrtEngine
from dgiqa_edge.runtime.engines.tensorrt.versions import families_of, support_of
from dgiqa_edge.runtime.errors import DgiqaEdgeError
from dgiqa_edge.runtime.machine.cuda_probe import probe
from dgiqa_edge.runtime.machine.processor import platform_name

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = os.environ.get("DGIQA_REQUIRE_GPU") == "1"
INPUTS = Path(os.environ.get("DGIQA_GPU_INPUTS", ROOT / "build" / "gpu"))
RUNS = int(os.environ.get("DGIQA_GPU_RUNS", gpu_results.FEWEST_FOR_P99))
Outputs = Mapping[str, np.ndarray]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gpu)


def do_without(reason: str) -> None:
    """Skip, or fail where a GPU is required."""
    if REQUIRED:
        pytest.fail(f"DGIQA_REQUIRE_GPU is set, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def machine() -> TensorRtMachine:
    """TensorRT on this machine's first GPU."""
    found = probe()
    if not found.gpus:
        do_without(found.problem)
    try:
        return open_machine()
    except DgiqaEdgeError as error:
        do_without(str(error))
        raise


@pytest.fixture(scope="session")
def inputs(machine: TensorRtMachine) -> Path:
    """The folder that ``make gpu-inputs`` filled, for this TensorRT."""
    record = INPUTS / "inputs.json"
    if not record.is_file():
        do_without(f"{record} is missing: run make gpu-inputs where torch and onnx are, and bring the folder")
    prepared_for = json.loads(record.read_text())["tensorrt"]
    if support_of(prepared_for).since != machine.support.since:
        do_without(f"{INPUTS} was prepared for TensorRT {prepared_for}, here is {machine.version}: prepare it again")
    return INPUTS


@dataclass(frozen=True)
class Built:
    """A bundle with engines that were built here, and how that went."""

    bundle: Bundle
    frames: np.ndarray
    fp32: Mapping[str, np.ndarray]
    portable: Fidelity
    plan_bytes: int
    build_seconds: float
    notes: tuple[str, ...]

    def answer(self, index: int) -> dict[str, np.ndarray]:
        """What FP32 on ONNX Runtime gave for a frame."""
        return {name: values[index : index + 1] for name, values in self.fp32.items()}


class Chain:
    """The engines of a bundle run as the scorer runs them, without OpenCV, which a GPU machine may lack."""

    def __init__(self, bundle: Bundle, **options: Any) -> None:
        self.engines: list[TensorrtEngine] = []
        with contextlib.ExitStack() as stack:
            for role in bundle.roles:
                engine = load_engine(bundle, role, "tensorrt", EngineOptions(beside=tuple(self.engines), **options))
                assert isinstance(engine, TensorrtEngine)
                self.engines.append(stack.enter_context(engine))
            self._stack = stack.pop_all()

    def __call__(self, frame: np.ndarray) -> dict[str, np.ndarray]:
        tensors = {"frame": frame[:]}
        tensors["frame"].flags.writeable = False
        for engine in self.engines:
            outputs = engine.run({spec.name: tensors[spec.name] for spec in engine.inputs})
            for array in outputs.values():
                array.flags.writeable = False
            tensors.update(outputs)
        return tensors

    def __enter__(self) -> "Chain":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()


@pytest.fixture(scope="session")
def chain() -> type[Chain]:
    return Chain


@pytest.fixture(scope="session")
def built(
    machine: TensorRtMachine, inputs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str, str], Built]:
    """``built(preset, precision, layout)``: builds on first use; the next test gets the same bundle."""
    made: dict[tuple[str, str, str], Built] = {}

    def build(preset: str, precision: str, layout: str) -> Built:
        key = preset, precision, layout
        if key not in made:
            source = inputs / preset / precision / layout
            if not source.is_dir():
                do_without(f"{source} is missing: run make gpu-inputs with {preset} in GPU_PRESETS")
            made[key] = build_bundle(machine, source, tmp_path_factory.mktemp("-".join(key)) / "bundle")
        return made[key]

    return build


def build_bundle(machine: TensorRtMachine, source: Path, target: Path) -> Built:
    """Build an engine per role and write the bundle that has them."""
    portable = load_bundle(source / "bundle")
    manifest = portable.manifest
    shutil.copytree(source / "bundle", target)
    document = json.loads((target / "bundle.json").read_text())
    engines, seconds, size, notes = [], 0.0, 0, []
    for graph in manifest.graphs:
        prepared = json.loads((source / "prepared" / f"{graph.role}.json").read_text())
        facts = GraphFacts.from_json(prepared["facts"])
        configuration = tensorrt_configuration.configure(
            tensorrt_configuration.BuilderSettings(),
            version=machine.version,
            support=machine.support,
            has_qdq=facts.has_qdq,
            has_fp16=facts.has_fp16,
            families=families_of(network.name for network in manifest.networks),
            device=machine.device,
        )
        read = (source / "prepared" / f"{graph.role}.onnx").read_bytes
        log = tensorrt_builder.BuildLog()
        plan = tensorrt_builder.build(machine.trt, read, facts, configuration, log=log)
        (target / f"{graph.role}.plan").write_bytes(plan.plan)
        seconds, size = seconds + plan.seconds, size + len(plan.plan)
        notes += [*prepared["notes"], *configuration.warnings]
        engines.append(engine_entry(graph.role, machine))
    document["engines"] = engines
    document["files"] = build_manifest_files(target)
    write_manifest(target, document)
    with np.load(source.parents[1] / "frames.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    fidelity = manifest.fidelity
    assert fidelity is not None, "build_engine always measures the portable graph"
    return Built(
        load_bundle(target),
        arrays.pop("frames"),
        arrays,
        Fidelity(
            images=fidelity.images,
            score_mae=fidelity.score_mae,
            score_max=fidelity.score_max,
            score_srcc=fidelity.score_srcc,
            depth_mae_levels=fidelity.depth_mae_levels,
            depth_max_levels=fidelity.depth_max_levels,
            depth_correlation=fidelity.depth_correlation,
            per_image=(),
        ),
        size,
        round(seconds, 1),
        tuple(dict.fromkeys(notes)),
    )


def engine_entry(role: str, machine: TensorRtMachine) -> dict[str, Any]:
    requires = {
        "backend_version": f"=={machine.version}",
        "opset": None,
        "sm": machine.device.sm,
        "platform": platform_name(),
        "device": machine.device.name,
        "compatibility": "exact",
    }
    return {"role": role, "file": f"{role}.plan", "backend": "tensorrt", "requires": requires}


@dataclass
class Results:
    """Collects what the tests measure."""

    runs: int = RUNS
    rows: list[gpu_results.EngineResult] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def add(self, result: gpu_results.EngineResult, facts: dict[str, Any]) -> None:
        self.rows.append(result)
        self.facts = facts


@pytest.fixture(scope="session")
def results(inputs: Path) -> Iterator[Results]:
    """Written when the session ends, where a folder for it was named and something was measured."""
    collected = Results()
    yield collected
    folder = os.environ.get("DGIQA_GPU_RESULTS")
    if folder and collected.rows:
        record = json.loads((inputs / "inputs.json").read_text())
        content = gpu_results.document(collected.facts, survey().to_json(), record, collected.rows)
        print(f"\nwrote {gpu_results.write(Path(folder), content)}")
