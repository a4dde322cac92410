"""The ONNX Runtime engine with real sessions on tiny graphs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from dgiqa_edge.runtime.bundle.bundle import Bundle, build_manifest_files, load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, TensorSpec, load_engine
from dgiqa_edge.runtime.engines import onnxruntime as backend
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError, MachineError

EditedBundle = Callable[[Callable[[dict[str, Any]], None]], Bundle]


@pytest.fixture
def bundle(bundle_dir: Path) -> Bundle:
    return load_bundle(bundle_dir)


@pytest.fixture
def edited(make_bundle: Callable[..., Path]) -> EditedBundle:
    return lambda edit: load_bundle(make_bundle(edit=edit))


def test_an_engine_computes_its_graph(bundle: Bundle, make_photo: Any, reference_outputs: Any) -> None:
    frame = make_photo(seed=3)[np.newaxis]
    with load_engine(bundle, "fused") as engine:
        found = engine.run({"frame": frame})
    expected = reference_outputs(frame, "fused")
    np.testing.assert_array_equal(found["depth"], expected["depth"])
    np.testing.assert_allclose(found["crop_scores"], expected["crop_scores"], atol=1e-6)
    np.testing.assert_allclose(found["score"], expected["score"], atol=1e-6)


def test_an_engine_describes_itself(bundle: Bundle) -> None:
    with load_engine(bundle, "fused", options=EngineOptions(threads=1)) as engine:
        facts = engine.describe()
        assert engine.inputs == (TensorSpec("frame", "uint8", (1, 48, 64, 3)),)
    assert facts["backend"] == "onnxruntime"
    assert facts["backend_version"] == onnxruntime.__version__
    assert facts["sha256"] == bundle.manifest.files["frame_graph.onnx"].sha256
    assert facts["threads"] == 1
    assert facts["device"]
    json.dumps(facts)


FRAME = np.zeros((1, 48, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, r"takes the inputs \['frame'\], but got \[\]"),
        ({"image": FRAME}, r"but got \['image'\]"),
        ({"frame": FRAME, "depth": FRAME}, r"but got \['depth', 'frame'\]"),
        ({"frame": FRAME.astype(np.float32)}, r"must be uint8 \[1, 48, 64, 3\], but is float32"),
        ({"frame": FRAME[0]}, r"but is uint8 \[48, 64, 3\]"),
        ({"frame": FRAME[:, :, :32]}, r"but is uint8 \[1, 48, 32, 3\]"),
        ({"frame": FRAME.tolist()}, "must be a numpy array, not list"),
    ],
)
def test_wrong_inputs_are_named(bundle: Bundle, inputs: dict[str, Any], words: str) -> None:
    with load_engine(bundle, "fused") as engine, pytest.raises(ConfigurationError, match=words):
        engine.run(inputs)


def test_a_view_with_strides_is_run_like_its_copy(bundle: Bundle, make_photo: Any) -> None:
    mirrored = make_photo(seed=5)[np.newaxis, :, ::-1]
    with load_engine(bundle, "fused") as engine:
        viewed, copied = (engine.run({"frame": frame})["depth"] for frame in (mirrored, mirrored.copy()))
    np.testing.assert_array_equal(viewed, copied)


def test_a_closed_engine_refuses_and_closing_twice_is_fine(bundle: Bundle) -> None:
    engine = load_engine(bundle, "fused")
    engine.close()
    engine.close()
    with pytest.raises(ConfigurationError, match="is closed"):
        engine.run({"frame": FRAME})


@pytest.mark.parametrize(
    ("options", "words"),
    [({"threads": 0}, "threads is 0"), ({"threads": -2}, "threads is -2"), ({"providers": ()}, "providers is empty")],
)
def test_impossible_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        EngineOptions(**options)


@pytest.mark.parametrize(
    ("options", "threads", "spinning"),
    [(EngineOptions(), 0, "1"), (EngineOptions(threads=1), 1, "1"), (EngineOptions(allow_spinning=False), 0, "0")],
)
def test_options_reach_the_session(
    bundle: Bundle, options: EngineOptions, threads: int, spinning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = onnxruntime.InferenceSession

    def spy(path: str, session_options: Any, providers: list[str]) -> Any:
        seen.append(session_options)
        return real(path, session_options, providers=providers)

    monkeypatch.setattr(onnxruntime, "InferenceSession", spy)
    load_engine(bundle, "fused", options=options).close()
    optimizing, session_options = seen
    assert session_options.intra_op_num_threads == threads
    assert session_options.get_session_config_entry("session.intra_op.allow_spinning") == spinning
    levels = onnxruntime.GraphOptimizationLevel
    assert optimizing.graph_optimization_level == levels.ORT_ENABLE_ALL
    assert session_options.graph_optimization_level == levels.ORT_DISABLE_ALL, "what was optimized is not once more"


@pytest.mark.parametrize("provider", ["cuda", "tensorrt", "abacus"])
def test_a_provider_that_is_not_there_names_those_that_are(bundle: Bundle, provider: str) -> None:
    if backend.PROVIDERS.get(provider) in onnxruntime.get_available_providers():
        pytest.skip(f"this onnxruntime has the provider {provider}")
    with pytest.raises(EngineCompatibilityError, match=rf"no provider '{provider}' here \(available: cpu\)"):
        load_engine(bundle, "fused", options=EngineOptions(providers=(provider,)))


def test_a_gpu_provider_that_fails_to_start_does_not_become_the_cpu(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onnxruntime-gpu lists CUDA without a driver, and then silently runs on the CPU."""
    real = onnxruntime.InferenceSession
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"]
    )
    monkeypatch.setattr(
        onnxruntime,
        "InferenceSession",
        lambda path, options, providers: real(path, options, providers=["CPUExecutionProvider"]),
    )
    with pytest.raises(EngineCompatibilityError, match="could not start CUDAExecutionProvider"):
        load_engine(bundle, "fused", options=EngineOptions(providers=("cuda",)))


def test_a_missing_onnxruntime_names_the_command(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MachineError, match=r"package onnxruntime is not installed: pip install .*\[cpu\]'"):
        load_engine(bundle, "fused")


def test_a_graph_that_onnxruntime_cannot_load(bundle_dir: Path) -> None:
    """The hash is right, so the file is what was built: the backend is what does not fit."""
    (bundle_dir / "frame_graph.onnx").write_bytes(b"\x08\x08 no graph follows")
    manifest_file = bundle_dir / "bundle.json"
    document = json.loads(manifest_file.read_text())
    document["files"] = build_manifest_files(bundle_dir)
    manifest_file.write_text(json.dumps(document))
    with pytest.raises(EngineCompatibilityError, match="cannot load"):
        load_engine(load_bundle(bundle_dir), "fused")


@pytest.mark.parametrize(("target", "as_written"), [("onnxruntime", False), ("tensorrt", True)])
def test_a_graph_for_another_backend_is_computed_as_written(make_bundle, monkeypatch, target, as_written):
    entries = {}

    class Recording(onnxruntime.SessionOptions):
        def add_session_config_entry(self, key, value):
            entries[key] = value
            super().add_session_config_entry(key, value)

    monkeypatch.setattr(onnxruntime, "SessionOptions", Recording)
    bundle = load_bundle(make_bundle(edit=lambda document: document["precision"].update(target=target)))
    with load_engine(bundle, "fused"):
        assert (entries.get("session.disable_quant_qdq") == "1") == as_written
