"""TensorRT-RTX's engine on stand-ins that really compute: what is refused and why, and what is kept of compiling."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, load_engine
from dgiqa_edge.runtime.engines.tensorrt.compatibility import Machine
from dgiqa_edge.runtime.engines.tensorrt.engine import TensorrtEngine
from dgiqa_edge.runtime.engines.tensorrt.just_in_time import kernel_file
from dgiqa_edge.runtime.errors import BundleError, EngineCompatibilityError, FidelityError, MachineError

MakeBundle = Callable[..., Path]
RTX_4090 = {"name": b"NVIDIA GeForce RTX 4090", "major": 8, "minor": 9, "integrated": 0, "memory": 24 << 30}


@pytest.fixture
def rtx(gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """``state`` of the RTX runtime on a machine with an RTX 4090, whose driver is for CUDA 13."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    gpu.driver.gpus, gpu.driver.version = [dict(RTX_4090)], 13000
    import tensorrt_rtx_bindings as module

    before = dict(vars(module.state))
    yield SimpleNamespace(state=module.state, gpu=gpu)
    vars(module.state).update({**before, "strategies": [], "headers": []})


@pytest.fixture
def bundle(make_tensorrt_bundle: MakeBundle) -> Callable[..., Path]:
    return lambda *given, **named: make_tensorrt_bundle(*given, backend="tensorrt-rtx", **named)


def load(directory: Path, **options: Any) -> TensorrtEngine:
    engine = load_engine(load_bundle(directory), "fused", options=EngineOptions(**options))
    assert isinstance(engine, TensorrtEngine)
    return engine


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_scorer_gives_the_graphs_numbers(
    rtx: SimpleNamespace, bundle: MakeBundle, make_photo: Any, reference_outputs: Any, layout: str
) -> None:
    with Scorer(bundle(layout), verify="always") as scorer:
        frame = make_photo(seed=7)
        expected = reference_outputs(frame[np.newaxis], layout)
        quality = scorer.score(frame)
        assert quality.score == pytest.approx(float(expected["score"][0]), abs=1e-6)
        np.testing.assert_array_equal(quality.depth, expected["depth"][0])
        for facts in scorer.describe():
            assert (facts["backend"], facts["backend_version"], facts["sm"]) == ("tensorrt-rtx", "1.7.1.116", "89")
            assert (facts["cuda_graph"], facts["cuda_graph_note"]) == (True, "captured by TensorRT-RTX 1.7.1.116")
            assert (facts["kernels"], facts["remark"]) == ("new", "")
    assert not rtx.gpu.state.live()


def test_it_captures_its_work_itself_or_not_at_all(rtx: SimpleNamespace, bundle: MakeBundle, make_photo: Any) -> None:
    directory = bundle()
    with load(directory) as engine:
        engine.profile({"frame": make_photo(seed=1)[np.newaxis]}, runs=2)  # layers are timed outside of a graph
    with load(directory, cuda_graph=False) as engine:
        assert not engine.describe()["cuda_graph"]
    assert rtx.state.strategies == ["WHOLE_GRAPH_CAPTURE", "DISABLED", "DISABLED"]
    assert not rtx.gpu.state.calls["cudaGraphLaunch"]


def test_a_wrong_engine_fails_the_golden_replay(rtx: SimpleNamespace, bundle: MakeBundle) -> None:
    with pytest.raises(FidelityError, match=r"1 off FP32 .*rebuild the bundle here with"):
        Scorer(bundle(shift=1))


@pytest.mark.parametrize(
    ("sm", "words"),
    [
        ((12, 1), r"built for sm86,sm89,sm120 \(here SM 121, NVIDIA .*, which --targets sm121 adds\): rebuild it"),
        ((7, 5), r"here SM 75, .* no target of TensorRT-RTX 1\.7\.1\.116: .*no FP32 matrix product on Turing"),
        ((9, 0), r"here SM 90, .*no RTX GPUs: build with --backend tensorrt"),
        ((10, 0), r"here SM 100, .* no target of TensorRT-RTX 1\.7\.1\.116\): rebuild it"),
    ],
)
def test_a_gpu_that_it_was_not_built_for(
    rtx: SimpleNamespace, bundle: MakeBundle, sm: tuple[int, int], words: str
) -> None:
    rtx.gpu.driver.gpus[0].update(major=sm[0], minor=sm[1])
    with pytest.raises(EngineCompatibilityError, match=words):
        load(bundle())
    assert not rtx.state.headers, "refused before the file is opened"


def test_another_release_is_refused_as_engines_go_with_one(rtx: SimpleNamespace, bundle: MakeBundle) -> None:
    words = r"built with TensorRT-RTX 1\.7\.0\.1 \(here 1\.7\.1\.116\): rebuild it here with: "
    with pytest.raises(EngineCompatibilityError, match=words):
        load(bundle(requires={"backend_version": "==1.7.0.1"}))


@pytest.mark.parametrize(
    ("diagnostics", "error", "words"),
    [
        (
            1,
            EngineCompatibilityError,
            r"TensorRT-RTX 1\.7\.1\.116 says .*fused\.plan\.gz.*\(version mismatch\): rebuild",
        ),
        (2, EngineCompatibilityError, r"\(unsupported cc\): rebuild it with: "),
        (34, EngineCompatibilityError, r"\(unsupported cc, malformed engine\): rebuild it with: "),
        (4, MachineError, r"\(old cuda driver\): install a newer NVIDIA driver"),
        (24, MachineError, r"\(old cuda runtime, insufficient gpu memory\): install a newer CUDA runtime, stop other"),
        (0, EngineCompatibilityError, r"\(Error reading CUDA GPU properties \(cudaError 35\)\): rebuild"),
    ],
)
def test_what_the_runtime_says_of_a_header_is_said_with_its_remedy(
    rtx: SimpleNamespace, bundle: MakeBundle, diagnostics: int, error: type[Exception], words: str
) -> None:
    rtx.state.validity, rtx.state.diagnostics = "INVALID", diagnostics
    with pytest.raises(error, match=words):
        load(bundle())
    assert not rtx.gpu.state.device


def test_an_engine_that_may_be_slower_here_says_so(rtx: SimpleNamespace, bundle: MakeBundle) -> None:
    rtx.state.validity = "SUBOPTIMAL"
    with load(bundle()) as engine:
        assert "may be slower" in engine.describe()["remark"]


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(b"x" * 1000, mtime=0)[:-9], gzip.compress(b"x" * 99, mtime=0)[:12]]
)
def test_a_plan_that_cannot_be_unpacked(rtx: SimpleNamespace, bundle: MakeBundle, content: bytes) -> None:
    with pytest.raises(BundleError, match=r"fused\.plan\.gz cannot be unpacked .*: copy the bundle again, or rebuild"):
        load(bundle(content=content))


def test_without_the_package_the_extra_is_named(
    rtx: SimpleNamespace, bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tensorrt_rtx_bindings", None)
    with pytest.raises(MachineError, match=r"tensorrt_rtx_bindings .*\[tensorrt-rtx\]"):
        load(bundle())


def kernels_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.cache"))


def test_what_was_compiled_is_kept_for_the_next_start(rtx: SimpleNamespace, bundle: MakeBundle, tmp_path: Path) -> None:
    directory = bundle()
    for start, (kernels, compiled) in enumerate([("new", 1), ("stored", 1), ("stored", 1)]):
        with load(directory) as engine:
            assert (start, engine.describe()["kernels"], rtx.state.compiled) == (start, kernels, compiled)
    (file,) = kernels_in(tmp_path / "cache")
    assert file.parent == tmp_path / "cache" / "dgiqa-edge" / "kernels"
    assert file.name.startswith("tensorrt-rtx-1.7.1.116-nvidia-geforce-rtx-4090-sm89-driver-")


def test_kernels_of_another_machine_are_compiled_anew(rtx: SimpleNamespace, bundle: MakeBundle, tmp_path: Path) -> None:
    directory, folder = bundle(), tmp_path / "mine"
    load(directory, cache_folder=folder).close()
    (file,) = kernels_in(folder)
    rtx.state.sku = "Another RTX"
    with load(directory, cache_folder=folder) as engine:
        assert (engine.describe()["kernels"], rtx.state.compiled) == ("stale", 2)
    assert file.read_bytes().endswith(b"Another RTX")
    assert kernels_in(folder) == [file]
    assert not kernels_in(tmp_path / "cache")


def test_a_folder_that_cannot_be_written_costs_no_engine(
    rtx: SimpleNamespace, bundle: MakeBundle, tmp_path: Path, make_photo: Any
) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    with load(bundle(), cache_folder=tmp_path / "file" / "kernels") as engine:
        assert "file" in engine.describe()["kernels"]
        engine.run({"frame": make_photo(seed=1)[np.newaxis]})


@pytest.mark.usefixtures("no_home")
def test_a_user_without_a_home_folder_compiles_at_each_start(
    rtx: SimpleNamespace, bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    directory = bundle()
    for compiled in (1, 2):
        with load(directory) as engine:
            assert (engine.describe()["kernels"], rtx.state.compiled) == ("new", compiled)


def test_each_gpu_driver_version_and_plan_has_a_file_of_its_own(tmp_path: Path) -> None:
    here = Machine("RTX 4090", "89", False, "13.0", "580.65", "1.7.1.116", "linux-x86_64", "tensorrt-rtx")
    others = [
        replace(here, gpu="RTX 4080"),
        replace(here, driver="581.0"),
        replace(here, driver=None, driver_cuda="13.1"),
        replace(here, tensorrt="1.7.2.1"),
    ]
    files = {kernel_file(machine, "a" * 64, tmp_path) for machine in (here, *others)}
    assert len(files | {kernel_file(here, "b" * 64, tmp_path)}) == 6
    assert {file.parent for file in files if file} == {tmp_path}
