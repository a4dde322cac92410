"""The TensorRT engine on stand-ins of TensorRT and CUDA that really compute: values, binding, graph, profile."""

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

MakeBundle = Callable[..., Path]
FRAME_BYTES, DEPTH_BYTES = 48 * 64 * 3, 24 * 32


def load(directory: Path, role: str = "fused", **options: Any) -> TensorrtEngine:
    engine = load_engine(load_bundle(directory), role, options=EngineOptions(**options))
    assert isinstance(engine, TensorrtEngine)
    return engine


@pytest.mark.parametrize("binding", ["cuda-python", "pycuda", "cudart 11.1", "cudart 12.6"])
@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_scorer_on_tensorrt_gives_the_graphs_numbers(
    request: pytest.FixtureRequest,
    gpu: SimpleNamespace,
    make_tensorrt_bundle: MakeBundle,
    make_photo: Any,
    reference_outputs: Any,
    layout: str,
    binding: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    binding, _, version = binding.partition(" ")
    state = request.getfixturevalue("put_cudart")(version) if version else gpu.state
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
        assert all(facts["cuda_graph"] is (binding != "pycuda") for facts in scorer.describe())
    assert state.live() == ({"streams": 1} if binding == "pycuda" else {}), "pycuda ends a stream with its object"


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
