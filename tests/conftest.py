"""Tiny but real bundles: ONNX graphs that honour the frame graph contract, run by real ONNX Runtime sessions.

The graphs compute brightness: depth is every second pixel's channel mean, a crop score is the mean of one half of
the frame over 255, the score is the mean of the crop scores. With ``faults`` they also say how dark and how bright the
frame and each of its cells are. So expected values can be worked out by hand.
"""

import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

# Before anything loads OpenMP: its threads spin by default, and on a shared machine that makes seconds minutes.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Beside other workers each has a core of its own.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# What tests start buffers its output as it does for people: a machine that forbids it hides what is lost at the end.
os.environ.pop("PYTHONUNBUFFERED", None)
# A shell's background job ignores Ctrl-C, and every process that a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import settings
from onnx import TensorProto, helper, numpy_helper
from skips import summary
from stand_ins import nvidia

from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.bundle.checks import SCHEMA_VERSION
from dgiqa_edge.runtime.bundle.golden import GOLDEN_NAME, Golden, save_golden
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.settings.credentials import forget_all

pytest_plugins = ["chromium"]

# Modules are compiled once, also where a machine forbids to keep them: tests start hundreds of processes.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shared machine may stop for longer than hypothesis allows one example. Examples are the same in each run, so that a
# change is judged and not the day's luck; `make test-all` looks for new ones.
settings.register_profile("same-each-time", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
# For mutate.py, which asks only whether a test fails, many hundred times.
settings.register_profile("mutants", deadline=None, derandomize=True, database=None, phases=["explicit", "generate"])
settings.load_profile(os.environ.get("DGIQA_HYPOTHESIS", "same-each-time"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line of what was skipped, and how to have it run."""
    reports = terminalreporter.stats.get("skipped", [])
    if line := summary(report.longrepr[2].removeprefix("Skipped: ") for report in reports):
        terminalreporter.write_line(line)


HEIGHT, WIDTH = 48, 64
DEPTH_HEIGHT, DEPTH_WIDTH = HEIGHT // 2, WIDTH // 2
CROP = 16
CROP_BOXES = [[0, 0], [DEPTH_WIDTH - CROP, DEPTH_HEIGHT - CROP]]
FAULTS = ["dark", "over-exposed"]
GRID = [2, 4]


def constant(name: str, values: list[int]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=np.int64), name)


def depth_nodes() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    nodes = [
        helper.make_node("Cast", ["frame"], ["depth_pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["depth_pixels"], ["grey"], axes=[3], keepdims=0),
        helper.make_node("Slice", ["grey", "start", "stop", "hw", "step"], ["half"]),
        helper.make_node("Cast", ["half"], ["depth"], to=TensorProto.UINT8),
    ]
    constants = [
        constant("start", [0, 0]),
        constant("stop", [HEIGHT, WIDTH]),
        constant("hw", [1, 2]),
        constant("step", [2, 2]),
    ]
    return nodes, constants


def score_nodes() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    nodes = [
        helper.make_node("Cast", ["frame"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["pixels", "white"], ["unit"]),
        helper.make_node("Split", ["unit", "halves"], ["left", "right"], axis=2),
        helper.make_node("ReduceMean", ["left"], ["left_mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("ReduceMean", ["right"], ["right_mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["left_mean", "one"], ["left_score"]),
        helper.make_node("Unsqueeze", ["right_mean", "one"], ["right_score"]),
        helper.make_node("Concat", ["left_score", "right_score"], ["crop_scores"], axis=1),
        helper.make_node("ReduceMean", ["crop_scores"], ["score"], axes=[1], keepdims=0),
    ]
    constants = [
        numpy_helper.from_array(np.array(255.0, dtype=np.float32), "white"),
        constant("halves", [WIDTH // 2, WIDTH // 2]),
        constant("one", [1]),
    ]
    return nodes, constants


def fault_nodes() -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Of the frame as ``score_nodes`` has it in 0..1."""
    nodes = [
        helper.make_node("Reshape", ["unit", "cell_shape"], ["cell_pixels"]),
        helper.make_node("ReduceMean", ["cell_pixels"], ["cell_means"], axes=[2, 4, 5], keepdims=0),
        helper.make_node("Unsqueeze", ["cell_means", "three"], ["cells_bright"]),
        helper.make_node("Sub", ["full", "cells_bright"], ["cells_dark"]),
        helper.make_node("Concat", ["cells_dark", "cells_bright"], ["coverage"], axis=3),
        helper.make_node("ReduceMean", ["coverage"], ["faults"], axes=[1, 2], keepdims=0),
    ]
    rows, columns = GRID
    constants = [
        constant("cell_shape", [1, rows, HEIGHT // rows, columns, WIDTH // columns, 3]),
        constant("three", [3]),
        numpy_helper.from_array(np.array(1.0, dtype=np.float32), "full"),
    ]
    return nodes, constants


def frame_info() -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("frame", TensorProto.UINT8, [1, HEIGHT, WIDTH, 3])


def depth_info() -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info("depth", TensorProto.UINT8, [1, DEPTH_HEIGHT, DEPTH_WIDTH])


def score_infos(faults: bool = False) -> list[onnx.ValueInfoProto]:
    shapes = {"score": [1], "crop_scores": [1, len(CROP_BOXES)]}
    if faults:
        shapes |= {"faults": [1, len(FAULTS)], "coverage": [1, *GRID, len(FAULTS)]}
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]


def save_graph(
    path: Path,
    parts: list[tuple[list[onnx.NodeProto], list[onnx.TensorProto]]],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
) -> None:
    nodes = [node for part, _ in parts for node in part]
    constants = [value for _, part in parts for value in part]
    graph = helper.make_graph(nodes, "frame_graph", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_graphs(directory: Path, layout: str, faults: bool = False) -> list[dict[str, str]]:
    more = [fault_nodes()] if faults else []
    if layout == "fused":
        save_graph(
            directory / "frame_graph.onnx",
            [score_nodes(), depth_nodes(), *more],
            [frame_info()],
            [*score_infos(faults), depth_info()],
        )
        return [{"role": "fused", "file": "frame_graph.onnx"}]
    save_graph(directory / "depth.onnx", [depth_nodes()], [frame_info()], [depth_info()])
    nodes, constants = score_nodes()
    # The quality half must really depend on depth: a depth map of zeros adds nothing, any other does.
    nodes[-2].output[0] = "brightness"
    nodes[-1:] = [
        helper.make_node("Cast", ["depth"], ["depth_levels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["depth_levels"], ["depth_mean"], keepdims=0),
        helper.make_node("Div", ["depth_mean", "white"], ["depth_unit"]),
        helper.make_node("Mul", ["brightness", "depth_unit"], ["crop_scores"]),
        helper.make_node("ReduceMean", ["crop_scores"], ["score"], axes=[1], keepdims=0),
    ]
    parts = [(nodes, constants), *more]
    save_graph(directory / "quality.onnx", parts, [frame_info(), depth_info()], score_infos(faults))
    return [{"role": "depth", "file": "depth.onnx"}, {"role": "quality", "file": "quality.onnx"}]


def expected_outputs(frame: np.ndarray, layout: str, faults: bool = False) -> dict[str, np.ndarray]:
    """What the graphs above compute, by numpy; ``frame`` uint8 [1, H, W, 3]."""
    depth = frame.astype(np.float32).mean(axis=3)[:, ::2, ::2].astype(np.uint8)
    unit = frame.astype(np.float64) / 255
    halves = [unit[:, :, : WIDTH // 2].mean(), unit[:, :, WIDTH // 2 :].mean()]
    crop_scores = np.array([halves], dtype=np.float32)
    if layout == "split":
        crop_scores = (crop_scores * depth.mean() / 255).astype(np.float32)
    outputs = {"depth": depth, "crop_scores": crop_scores, "score": crop_scores.mean(axis=1)}
    if not faults:
        return outputs
    rows, columns = GRID
    bright = unit.reshape(1, rows, HEIGHT // rows, columns, WIDTH // columns, 3).mean(axis=(2, 4, 5))
    coverage = np.stack([1 - bright, bright], axis=-1).astype(np.float32)
    return {**outputs, "faults": coverage.mean(axis=(1, 2)), "coverage": coverage}


def photo(seed: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A deterministic uint8 [H, W, 3] picture with structure and colour."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def manifest_document(
    graphs: list[dict[str, str]], files: Mapping[str, Any], layout: str, faults: bool = False
) -> dict[str, Any]:
    tolerance = {"score": 1e-5, "depth_levels": 0.01, **({"faults": 1e-5} if faults else {})}
    requires = {"backend_version": ">=1.17", "opset": 17, "sm": None, "platform": None}
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "dgiqa-edge", "version": "0.1.0"},
        "created": "2026-01-31T12:00:00Z",
        "preset": "reference",
        "networks": [
            {
                "role": role,
                "name": name,
                "checkpoint_sha256": None,
                "seeded": True,
                "source": "seed 0",
                "licence": "none",
            }
            for role, name in (("depth", "depth_anything_v2_vits"), ("quality", "dgiqa"))
        ],
        "frame": {"height": HEIGHT, "width": WIDTH},
        "geometry": {
            "depth_side": 28,
            "short_side": DEPTH_HEIGHT,
            "crop": CROP,
            "crop_boxes": [list(box) for box in CROP_BOXES],
            "depth_input": [28, 42],
            "quality_image": [DEPTH_HEIGHT, DEPTH_WIDTH],
            "whole_view": None,
            "depth_output": [DEPTH_HEIGHT, DEPTH_WIDTH],
        },
        "layout": layout,
        "precision": {"name": "fp32", "target": "onnxruntime", "nodes": {"ReduceMean": {"fp32": 4}}},
        "calibration": None,
        "fidelity": None,
        "latency": None,
        "graphs": graphs,
        "engines": [{**graph, "backend": "onnxruntime", "requires": requires} for graph in graphs],
        "golden": {"file": GOLDEN_NAME, "tolerance": tolerance},
        "files": dict(files),
        "build": {
            "argv": ["python", "export/build_engine.py", "--fp32", "--out", "a folder"],
            "seconds": 1.5,
            "peak_memory_mib": 100.0,
            "host": {"cpu": "test"},
        },
        "notes": ["quality weights are seeded: scores carry no meaning"],
        **({"faults": {"names": list(FAULTS), "grid": list(GRID)}} if faults else {}),
    }


def open_batch(directory: Path, graphs: list[dict[str, str]], batch: BatchRange) -> None:
    """Rewrite the graphs as a build does."""
    from dgiqa_edge.export.frame_graph.batch_axis import open_axis

    for graph in graphs:
        onnx.save(open_axis(onnx.load(directory / graph["file"]), batch), directory / graph["file"])


def write_bundle(
    directory: Path,
    layout: str = "fused",
    golden_shift: float = 0.0,
    edit: Callable[[dict[str, Any]], None] | None = None,
    faults: bool = False,
    shifted: str = "score",
    batch: tuple[int, int] = (1, 1),
) -> Path:
    """A complete bundle; ``golden_shift`` falsifies the golden output ``shifted``, ``edit`` changes the manifest first.

    ``faults``: it reads some. ``batch``: the fewest and the most frames that its graphs take at once.
    """
    directory.mkdir(parents=True)
    graphs = write_graphs(directory, layout, faults)
    if batch != (1, 1):
        open_batch(directory, graphs, BatchRange(*batch))
    frame = photo(seed=0)[np.newaxis]
    outputs = expected_outputs(frame, layout, faults)
    outputs[shifted] = outputs[shifted] + np.float32(golden_shift)
    save_golden(directory / GOLDEN_NAME, Golden(frame=frame, **outputs))
    (directory / "build.log").write_text("built\n")
    document = manifest_document(graphs, build_manifest_files(directory), layout, faults)
    if batch != (1, 1):
        document["batch"] = dict(zip(("least", "most"), batch, strict=True))
    if edit is not None:
        edit(document)
    write_manifest(directory, document)
    return directory


@pytest.fixture(autouse=True)
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stamps of one test must not spare another its replay; nor touch the developer's own cache or bundle."""
    home = tmp_path / "cache-home"
    monkeypatch.delenv("DGIQA_BUNDLE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def no_home(cache_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a home folder, as a service's or a container's may be: there is no cache either."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> Iterator[None]:
    """What one test's addresses hold must not be masked in another's texts."""
    yield
    forget_all()


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """``make_bundle(layout=..., golden_shift=..., edit=..., faults=..., batch=...)`` writes one, gives its folder."""
    made: list[Path] = []

    def make(**options: Any) -> Path:
        made.append(write_bundle(tmp_path / f"bundle-{len(made)}", **options))
        return made[-1]

    return make


@pytest.fixture
def bundle_dir(make_bundle: Callable[..., Path]) -> Path:
    return make_bundle()


@pytest.fixture
def make_photo() -> Callable[..., np.ndarray]:
    return photo


@pytest.fixture
def full_device() -> Path:
    """The device that fails every write with ENOSPC, as a full disk does; a plain file of its name takes everything."""
    path = Path("/dev/full")
    if not path.is_char_device():
        pytest.skip("this system has no /dev/full, or a plain file of that name")
    return path


@pytest.fixture(scope="session")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stand-in for libcuda.so.1, for processes whose LD_LIBRARY_PATH it is."""
    folder = tmp_path_factory.mktemp("driver")
    if not nvidia.compile_driver(folder):
        pytest.skip("no C compiler: the stand-in for libcuda.so.1 cannot be built")
    return folder


@pytest.fixture
def reference_outputs() -> Callable[..., dict[str, np.ndarray]]:
    return expected_outputs


@pytest.fixture
def command_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """``command_line("score", "--bundle", ...)``: what ``dgiqa-edge`` does, as of a process that ended.

    It runs in this one: a process of its own takes longer to start than most commands take.
    """

    def run(*arguments: Any, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        argv = ["dgiqa-edge", *map(str, arguments)]
        if cwd is not None:
            monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", argv)
        capfd.readouterr()
        code = main(argv[1:])
        said = capfd.readouterr()
        return subprocess.CompletedProcess(argv, code, said.out, said.err)

    return run
