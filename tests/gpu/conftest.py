"""The rig of the GPU tests: bundles that another machine wrote, engines built from them here, and the result file.

It runs with TensorRT, a CUDA binding and numpy alone (``--confcutdir=tests/gpu`` keeps the other tests'
set-up out). Environment: ``DGIQA_REQUIRE_GPU=1`` turns every skip for want of a GPU or of inputs into a failure,
``DGIQA_GPU_INPUTS`` is where ``make gpu-inputs`` wrote, ``DGIQA_GPU_RESULTS`` the folder for the result file,
``DGIQA_GPU_RUNS`` the number of timed runs.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.benchmarks.report import gpu_results
from dgiqa_edge.export.on_device.carried import engine_stage, open_source, parser_graphs, to_build
from dgiqa_edge.export.on_device.pack import write_aside
from dgiqa_edge.export.options.tensorrt_options import TensorRtOptions
from dgiqa_edge.export.stages.stages import Stages
from dgiqa_edge.export.tensorrt.machine import TensorRtMachine, open_machine
from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.bundle.manifest import FidelityRecord
from dgiqa_edge.runtime.engines import EngineOptions, load_engine
from dgiqa_edge.runtime.engines.registry import survey
from dgiqa_edge.runtime.engines.tensorrt.backend import BACKEND
from dgiqa_edge.runtime.engines.tensorrt.engine import TensorrtEngine
from dgiqa_edge.runtime.errors import DgiqaEdgeError
from dgiqa_edge.runtime.machine.cuda_probe import probe

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
    """The folder that ``make gpu-inputs`` filled."""
    if not bundles():
        do_without(f"{INPUTS} holds no bundles: run make gpu-inputs where torch and onnx are, and bring the folder")
    return INPUTS


def bundles() -> list[Path]:
    """What ``make gpu-inputs`` left."""
    return sorted(manifest.parent for manifest in INPUTS.glob("*/*/*/bundle/bundle.json"))


@dataclass(frozen=True)
class Built:
    """A bundle with engines that were built here, and how that went."""

    bundle: Bundle
    frames: np.ndarray
    fp32: Mapping[str, np.ndarray]
    portable: FidelityRecord
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
            made[key] = build_bundle(machine, source / "bundle", tmp_path_factory.mktemp("-".join(key)) / "bundle")
        return made[key]

    return build


def build_bundle(machine: TensorRtMachine, path: Path, target: Path) -> Built:
    """Build the engines as ``build --from`` does, and the bundle that it checks them in; the tests judge them."""
    source = open_source(path)
    (carried,) = source.carried
    work = target.parent
    options = TensorRtOptions(timing_cache=work / "timing.cache")
    stage = engine_stage(source, carried, machine, options, work=work, threads=os.cpu_count() or 1, say=print)
    records = parser_graphs(source.bundle.manifest, carried.precision, BACKEND.name, machine.version)
    files = stage.run(Stages(work), *to_build(source.bundle, records))
    target.mkdir()
    write_aside(source, carried, BACKEND.name, files, target)
    check = source.check_frames()
    seconds = round(sum(role["seconds"] for role in files.report.values()), 1)
    bundle = load_bundle(target)
    return Built(bundle, check.frame, check.outputs, carried.fidelity, files.size_bytes, seconds, files.notes)


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
def results(machine: TensorRtMachine, inputs: Path) -> Iterator[Results]:
    """Written when the session ends, where a folder for it was named and something was measured."""
    collected = Results()
    yield collected
    folder = os.environ.get("DGIQA_GPU_RESULTS")
    if folder and collected.rows:
        loaded = {str(path.parent.relative_to(inputs)): load_bundle(path) for path in bundles()}
        record = {
            "tensorrt": machine.version,
            "tool_version": ", ".join(sorted({one.manifest.tool.version for one in loaded.values()})),
            "graphs_sha256": {
                f"{name}/{graph.role}": one.manifest.files[graph.file].sha256
                for name, one in loaded.items()
                for graph in one.manifest.graphs
            },
        }
        content = gpu_results.document(collected.facts, survey().to_json(), record, collected.rows)
        print(f"\nwrote {gpu_results.write(Path(folder), content)}")
