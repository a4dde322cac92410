"""The TensorRT engine on fakes of TensorRT and CUDA that really compute: values, binding, graph, failures, closing."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime import Scorer, load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, TensorSpec, load_engine
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
FRAME_BYTES, DEPTH_BYTES = 48 * 64 * 3, 24 * 32


def load(directory: Path, role: str = "fused", **options: Any) -> TensorrtEngine:
    engine = load_engine(load_bundle(directory), role, options=EngineOptions(**options))
    assert isinstance(engine, TensorrtEngine)
    return engine


@pytest.mark.parametrize("binding", ["cuda-python", "pycuda"])
@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_scorer_on_tensorrt_gives_the_graphs_numbers(
    gpu: SimpleNamespace,
    make_tensorrt_bundle: MakeBundle,
    make_photo: Any,
    reference_outputs: Any,
    layout: str,
    binding: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DGIQA_EDGE_CUDA", binding)
    with Scorer(make_tensorrt_bundle(layout), verify="always") as scorer:
        assert scorer.deviation is not None
        for seed in (7, 8):
            frame = make_photo(seed=seed)
            expected = reference_outputs(frame[np.newaxis], layout)
            quality = scorer.score(frame)
            assert quality.score == pytest.approx(float(expected["score"][0]), abs=1e-6)
            np.testing.assert_allclose(quality.crop_scores, expected["crop_scores"][0], atol=1e-6)
            np.testing.assert_array_equal(quality.depth, expected["depth"][0])
            assert frame.flags.writeable, "the caller's frame is not ours to freeze"
        assert all(facts["cuda_binding"].startswith(binding) for facts in scorer.describe())
    assert not gpu.state.device
    assert not gpu.state.host
    assert not gpu.state.graphs


def test_an_earlier_quality_is_not_overwritten(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any
) -> None:
    with Scorer(make_tensorrt_bundle()) as scorer:
        first = scorer.score(make_photo(seed=1))
        kept = first.depth.copy()
        scorer.score(make_photo(seed=2))
    np.testing.assert_array_equal(first.depth, kept)


def test_the_engine_says_what_it_is(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    directory = make_tensorrt_bundle()
    with load(directory) as engine:
        facts = engine.describe()
        assert engine.inputs == (TensorSpec("frame", "uint8", (1, 48, 64, 3)),)
        assert [spec.name for spec in engine.outputs] == ["score", "crop_scores", "depth"]
    assert facts["sha256"] == load_bundle(directory).manifest.files["fused.engine"].sha256
    expected = {"backend": "tensorrt", "backend_version": "10.3.0", "device": "Fake Orin", "sm": "87"}
    assert expected.items() <= facts.items()
    assert (facts["driver_cuda"], facts["cuda_graph"], facts["cuda_graph_note"]) == ("12.6", True, "captured")
    json.dumps(facts)


def test_nothing_is_allocated_per_frame(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any
) -> None:
    contexts = gpu.tensorrt.IExecutionContext
    with Scorer(make_tensorrt_bundle(), verify=False) as scorer:
        scorer.score(make_photo(seed=1))
        before, made = gpu.state.calls.copy(), contexts.made
        for seed in range(5):
            scorer.score(make_photo(seed=seed))
        spent = gpu.state.calls - before
    assert contexts.made == made
    assert spent == {"cudaSetDevice": 5, "cudaMemcpyAsync": 5, "cudaGraphLaunch": 5, "cudaStreamSynchronize": 5}


@pytest.mark.parametrize("graph", [True, False])
def test_buffers_are_bound_once(
    gpu: SimpleNamespace,
    make_tensorrt_bundle: MakeBundle,
    make_photo: Any,
    graph: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bound = []
    real = gpu.tensorrt.IExecutionContext.set_tensor_address

    def counted(self: Any, name: str, address: int) -> bool:
        bound.append(name)
        return bool(real(self, name, address))

    monkeypatch.setattr(gpu.tensorrt.IExecutionContext, "set_tensor_address", counted)
    with load(make_tensorrt_bundle(), cuda_graph=graph) as engine:
        for seed in range(3):
            engine.run({"frame": make_photo(seed=seed)[np.newaxis]})
    assert sorted(bound) == ["crop_scores", "depth", "frame", "score"]


def uploads(gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of every copy to the device from now on."""
    sizes = []
    real = gpu.runtime.cudaMemcpyAsync

    def spy(target: int, source: int, size: int, kind: int, stream: Any) -> Any:
        if kind == gpu.runtime.cudaMemcpyKind.cudaMemcpyHostToDevice:
            sizes.append(size)
        return real(target, source, size, kind, stream)

    monkeypatch.setattr(gpu.runtime, "cudaMemcpyAsync", spy)
    return sizes


def test_split_engines_share_frame_and_depth_on_the_device(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scorer(make_tensorrt_bundle("split"), verify=False) as scorer:
        assert sum(len(memory) for memory in gpu.state.device.values()) == FRAME_BYTES + DEPTH_BYTES + 4 + 8
        assert len(gpu.state.streams) == 1
        sizes = uploads(gpu, monkeypatch)
        scorer.score(make_photo(seed=1))
        assert sizes == [FRAME_BYTES], "the depth map never leaves the device, and the frame goes there once"


def test_an_earlier_depth_map_is_reused_where_it_lies(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Scorer(make_tensorrt_bundle("split"), verify=False) as scorer:
        depth = scorer.score(make_photo(seed=1)).depth
        frame = make_photo(seed=2)
        copied = scorer.score(frame, depth=depth.copy()).score
        sizes = uploads(gpu, monkeypatch)
        assert scorer.score(frame, depth=depth).score == copied
        assert sizes == [FRAME_BYTES, DEPTH_BYTES], "the copy has overwritten it on the device"
        assert scorer.score(frame, depth=depth).score == copied
        assert sizes[2:] == [FRAME_BYTES], "now it lies there again"


def test_a_depth_map_from_elsewhere_is_brought_to_the_device(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = load_bundle(make_tensorrt_bundle("split"))
    frame = make_photo(seed=1)[np.newaxis]
    with (
        load_engine(bundle, "depth") as depth_engine,
        load_engine(bundle, "quality", options=EngineOptions(beside=(depth_engine,))) as quality_engine,
    ):
        depth = depth_engine.run({"frame": frame})["depth"]
        on_device = quality_engine.run({"frame": frame, "depth": depth})["score"]
        sizes = uploads(gpu, monkeypatch)
        np.testing.assert_array_equal(quality_engine.run({"frame": frame, "depth": depth.copy()})["score"], on_device)
        assert sizes == [FRAME_BYTES, DEPTH_BYTES]
        depth[:] = 0  # still writeable, so it may have changed: what the device holds does not count
        assert quality_engine.run({"frame": frame, "depth": depth})["score"] == 0.0


def test_a_reused_camera_buffer_is_uploaded_each_time(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any, reference_outputs: Any
) -> None:
    buffer = make_photo(seed=1)
    with Scorer(make_tensorrt_bundle(), verify=False) as scorer:
        scorer.score(buffer)
        buffer[:] = make_photo(seed=2)
        expected = float(reference_outputs(buffer[np.newaxis], "fused")["score"][0])
        assert scorer.score(buffer).score == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("facts", "failure", "note"),
    [
        ({"refuses_capture": True}, None, "execute_async_v3: operation not permitted when stream is capturing"),
        ({}, ("cudaStreamBeginCapture", "cudaErrorStreamCaptureUnsupported"), "cudaErrorStreamCaptureUnsupported"),
        ({}, ("cudaStreamEndCapture", "cudaErrorStreamCaptureInvalidated"), "cudaErrorStreamCaptureInvalidated"),
        ({}, ("cudaGraphInstantiateWithFlags", "cudaErrorMemoryAllocation"), "cudaErrorMemoryAllocation"),
        ({}, ("cudaGraphLaunch", "cudaErrorInvalidValue"), "cudaGraphLaunch: cudaErrorInvalidValue"),
    ],
)
def test_where_no_graph_can_be_captured_it_runs_without_and_says_why(
    gpu: SimpleNamespace,
    make_tensorrt_bundle: MakeBundle,
    make_photo: Any,
    reference_outputs: Any,
    facts: dict[str, Any],
    failure: tuple[str, str] | None,
    note: str,
) -> None:
    if failure:
        gpu.state.fail(*failure)
    frame = make_photo(seed=3)[np.newaxis]
    with load(make_tensorrt_bundle(**facts)) as engine:
        described = engine.describe()
        found = engine.run({"frame": frame})
    assert described["cuda_graph"] is False
    assert described["cuda_graph_note"].startswith("not captured: ")
    assert note in described["cuda_graph_note"]
    np.testing.assert_array_equal(found["depth"], reference_outputs(frame, "fused")["depth"])
    assert gpu.state.calls["cudaGraphLaunch"] <= 1
    assert not gpu.state.graphs


def test_the_graph_can_be_turned_off(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    with load(make_tensorrt_bundle(), cuda_graph=False) as engine:
        assert engine.describe()["cuda_graph_note"] == "turned off"
    assert gpu.state.calls["cudaStreamBeginCapture"] == 0


def test_pycuda_says_that_it_has_no_graphs(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGIQA_EDGE_CUDA", "pycuda")
    with load(make_tensorrt_bundle()) as engine:
        assert engine.describe()["cuda_graph_note"] == "not captured: pycuda has no graph capture"
        from pycuda import driver

        assert driver.depth() == 0, "pycuda aborts when a thread ends with a context pushed"


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
        ({"shapes": {"frame": [-1, 48, 64, 3]}}, r"'frame' has the open shape \[-1, 48, 64, 3\]"),
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


def test_a_profile_names_layers_kinds_and_times(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, make_photo: Any, reference_outputs: Any
) -> None:
    frame = make_photo(seed=4)[np.newaxis]
    with load(make_tensorrt_bundle()) as engine:
        layers = engine.profile({"frame": frame}, runs=3)
        found = engine.run({"frame": frame})
    assert [(layer.name, layer.kind, layer.output_types) for layer in layers] == [
        ("all", "Myelin", ("FP32",)),
        ("unlisted", "", ()),
    ]
    assert [layer.median_ms for layer in layers] == [0.5, 0.5]
    np.testing.assert_array_equal(found["depth"], reference_outputs(frame, "fused")["depth"])


def test_a_wrong_engine_is_refused_by_its_golden_frame_though_it_built_and_ran(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle
) -> None:
    with pytest.raises(FidelityError, match="on this machine the golden frame's score is 1 off FP32"):
        Scorer(make_tensorrt_bundle(shift=1))
    assert not gpu.state.device


def test_the_replay_is_repeated_on_another_gpu_driver_or_tensorrt(
    gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = make_tensorrt_bundle(requires={"backend_version": None})

    def replays() -> bool:
        before = gpu.state.calls["cudaGraphLaunch"]
        Scorer(directory).close()
        return bool(gpu.state.calls["cudaGraphLaunch"] - before == 2)  # one at capture, one for the golden frame

    assert replays()
    assert not replays()
    gpu.driver.gpus[0]["name"] = b"Fake Thor"
    assert replays()
    assert not replays()
    gpu.driver.version = 13000
    assert replays()
    monkeypatch.setattr(gpu.tensorrt, "__version__", "10.16.1")
    assert replays()
    monkeypatch.setattr("dgiqa_edge.runtime.engines.tensorrt.engine.driver_version", lambda: "540.4.0")
    assert replays()
    assert not replays()


def test_version_compatible_plans_may_bring_their_code(gpu: SimpleNamespace, make_tensorrt_bundle: MakeBundle) -> None:
    requires = {"version_compatible": True, "backend_version": "==8.6.1"}
    load(make_tensorrt_bundle(requires=requires, host_code=True)).close()
    with pytest.raises(EngineCompatibilityError, match="host code is not allowed"):
        load(make_tensorrt_bundle(host_code=True))
