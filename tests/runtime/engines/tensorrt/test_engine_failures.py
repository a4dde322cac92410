"""What the TensorRT engine refuses, how it fails, and what is left of it: on stand-ins that really compute."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, load_engine
from dgiqa_edge.runtime.engines.tensorrt.engine import TensorrtEngine
from dgiqa_edge.runtime.errors import (
    BundleError,
    ConfigurationError,
    DeviceLostError,
    EngineCompatibilityError,
    FidelityError,
    MachineError,
)

MakeBundle = Callable[..., Path]


def load(directory: Path, role: str = "fused", **options: Any) -> TensorrtEngine:
    engine = load_engine(load_bundle(directory), role, options=EngineOptions(**options))
    assert isinstance(engine, TensorrtEngine)
    return engine


FRAME = np.zeros((1, 48, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, r"takes the inputs \['frame'\], but got \[\]"),
        ({"frame": FRAME.astype(np.float32)}, r"must be uint8 \[1, 48, 64, 3\], but is float32"),
        ({"frame": FRAME[:, :, :32]}, r"but is uint8 \[1, 48, 32, 3\]"),
    ],
)
def test_wrong_inputs_never_reach_the_device(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, inputs: dict[str, Any], words: str
) -> None:
    with load(make_tensorrt_bundle()) as engine:
        before = gpu.state.calls.copy()
        with pytest.raises(ConfigurationError, match=words):
            engine.run(inputs)
        assert gpu.state.calls == before


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"shapes": {"frame": [1, -1, 64, 3]}}, r"'frame' has the open shape \[1, -1, 64, 3\]"),
        ({"locations": {"depth": "HOST"}}, "'depth' must lie in host memory"),
        ({"formats": {"depth": "CHW32"}}, "'depth' is laid out as CHW32, not LINEAR"),
        ({"dtypes": {"score": "tensor(bfloat16)"}}, "'score' has the type BF16"),
    ],
)
def test_tensors_that_cannot_be_served_are_refused(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, facts: dict[str, Any], words: str
) -> None:
    with pytest.raises(EngineCompatibilityError, match=f"{words}, which this runtime does not serve.*rebuild it with"):
        load(make_tensorrt_bundle(**facts))
    assert not gpu.state.device


def test_an_engine_that_lacks_a_promised_tensor_is_refused_and_freed(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle
) -> None:
    directory = make_tensorrt_bundle("split")
    bundle = load_bundle(directory)
    (swapped,) = bundle.engines("depth")
    (directory / "depth.engine").write_bytes((directory / "quality.engine").read_bytes())
    assert swapped.file == "depth.engine"
    with pytest.raises(BundleError, match=r"has the inputs \['depth', 'frame'\], expected \['frame'\]"):
        load_engine(bundle, "depth")
    assert not gpu.state.device
    assert not gpu.state.host


def test_what_tensorrt_does_not_recognise_says_why(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    with pytest.raises(EngineCompatibilityError, match=r"10\.3\.0 cannot read .*fused\.engine \(Magic tag does not"):
        load(make_tensorrt_bundle(content=b"something else"))


@pytest.mark.parametrize("version", ["8.6.1", "10.3.0"])
def test_no_room_for_a_context_names_what_it_needs(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu.tensorrt, "__version__", version)
    with pytest.raises(MachineError, match=r"no room for .*fused\.engine, which needs 3 MiB to run \(OutOfMemory"):
        load(make_tensorrt_bundle(no_room=True, requires={"backend_version": f"=={version}"}))
    assert not gpu.state.streams


@pytest.mark.parametrize("function", ["cudaMalloc", "cudaHostAlloc"])
@pytest.mark.parametrize("call", [1, 3])
def test_memory_that_runs_out_while_loading_leaves_nothing_behind(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, function: str, call: int
) -> None:
    gpu.state.fail(function, "cudaErrorMemoryAllocation", call)
    with pytest.raises(MachineError, match=f"no memory left for .*{function}.*stop other programs"):
        load(make_tensorrt_bundle())
    assert not gpu.state.device
    assert not gpu.state.host
    assert not gpu.state.streams


def test_a_fatal_error_is_said_as_such_and_ends_the_engine(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle
) -> None:
    engine = load(make_tensorrt_bundle())
    gpu.state.fail("cudaStreamSynchronize", "cudaErrorIllegalAddress")
    words = r"Fake Orin failed with cudaErrorIllegalAddress while running .*fused\.engine .*start it again"
    with pytest.raises(DeviceLostError, match=words) as raised:
        engine.run({"frame": FRAME})
    assert raised.value.exit_code == 4
    before = gpu.state.calls.copy()
    with pytest.raises(DeviceLostError, match=words):
        engine.run({"frame": FRAME})
    assert gpu.state.calls == before, "a lost device is not asked again"
    engine.close()
    with pytest.raises(MachineError, match="cannot be opened"):
        load(make_tensorrt_bundle())


def test_a_fatal_error_while_loading(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    gpu.state.fail("cudaStreamSynchronize", "cudaErrorIllegalAddress")
    with pytest.raises(DeviceLostError, match="cudaErrorIllegalAddress"):
        load(make_tensorrt_bundle())


def test_a_fatal_error_during_capture_is_not_taken_for_a_missing_graph(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle
) -> None:
    gpu.state.fail("cudaGraphLaunch", "cudaErrorIllegalAddress")
    with pytest.raises(DeviceLostError, match="cudaErrorIllegalAddress"):
        load(make_tensorrt_bundle())


def test_a_passing_failure_leaves_the_engine_usable(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any, reference_outputs: Any
) -> None:
    frame = make_photo(seed=3)[np.newaxis]
    with load(make_tensorrt_bundle(fails_at=2), cuda_graph=False) as engine:
        with pytest.raises(
            EngineCompatibilityError, match=r"failed to run .*execute_async_v3: operation not permitted"
        ):
            engine.run({"frame": frame})
        found = engine.run({"frame": frame})
    np.testing.assert_array_equal(found["depth"], reference_outputs(frame, "fused")["depth"])


def test_closing_happens_once_and_after_it_nothing_runs(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    engine = load(make_tensorrt_bundle())
    engine.close()
    freed = gpu.state.calls["cudaFree"]
    engine.close()
    assert gpu.state.calls["cudaFree"] == freed
    with pytest.raises(ConfigurationError, match="is closed"):
        engine.run({"frame": FRAME})
    with pytest.raises(ConfigurationError, match="is closed"):
        engine.profile({"frame": FRAME})
    assert not gpu.state.streams


@pytest.mark.parametrize("first", [0, 1])
def test_shared_memory_lives_until_the_last_engine_closes(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, first: int
) -> None:
    bundle = load_bundle(make_tensorrt_bundle("split"))
    depth = load_engine(bundle, "depth")
    quality = load_engine(bundle, "quality", options=EngineOptions(beside=(depth,)))
    engines = [depth, quality]
    engines.pop(first).close()
    (left,) = engines
    left.run({spec.name: np.zeros([side or 1 for side in spec.shape], spec.dtype) for spec in left.inputs})
    left.close()
    assert not gpu.state.device
    assert not gpu.state.streams


def test_two_scorers_share_nothing(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    bundle = load_bundle(make_tensorrt_bundle("split"))
    with Scorer(bundle, verify=False), Scorer(bundle, verify=False):
        assert len(gpu.state.streams) == 2


def test_a_wrong_engine_is_refused_by_its_golden_frame_though_it_built_and_ran(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle
) -> None:
    with pytest.raises(FidelityError, match="on this machine the golden frame's score is 1 off FP32"):
        Scorer(make_tensorrt_bundle(shift=1))
    assert not gpu.state.device


def test_version_compatible_plans_may_bring_their_code(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    requires = {"version_compatible": True, "backend_version": "==8.6.1"}
    load(make_tensorrt_bundle(requires=requires, host_code=True)).close()
    with pytest.raises(EngineCompatibilityError, match="host code is not allowed"):
        load(make_tensorrt_bundle(host_code=True))
