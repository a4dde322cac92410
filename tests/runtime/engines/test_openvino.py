"""The OpenVINO engine on tiny graphs, real throughout; skips where openvino is not installed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from stand_ins.quantized_conv import quantized_conv

from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.bundle.bundle import load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, load_engine, signed_weights
from dgiqa_edge.runtime.engines.session import open_session
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, EngineCompatibilityError, MachineError
from dgiqa_edge.runtime.machine.processor import Processor

openvino = pytest.importorskip("openvino", reason="openvino is not installed: extra openvino")

from dgiqa_edge.runtime.engines.openvino import open_graph, shared  # noqa: E402

MakeBundle = Callable[..., Path]


def own_record(**requirements: Any) -> Callable[[dict[str, Any]], None]:
    """Makes the first engine one for OpenVINO."""

    def edit(document: dict[str, Any]) -> None:
        requires = {"backend_version": None, "opset": None, "sm": None, "platform": None, **requirements}
        document["engines"][0].update(backend="openvino", requires=requires)

    return edit


@pytest.mark.parametrize("layout", ["fused", "split"])
def test_the_portable_graph_runs_where_there_is_no_engine_for_it(
    make_bundle: MakeBundle, make_photo: Any, reference_outputs: Any, layout: str
) -> None:
    with Scorer(make_bundle(layout=layout), backend="openvino", threads=1, verify="always") as scorer:
        first = scorer.score(make_photo(seed=3))
        second = scorer.score(make_photo(seed=4))
        assert {facts["backend"] for facts in scorer.describe()} == {"openvino"}
    for quality, seed in ((first, 3), (second, 4)):  # a result is not overwritten by the next frame
        expected = reference_outputs(make_photo(seed=seed)[np.newaxis], layout)
        np.testing.assert_array_equal(quality.depth, expected["depth"][0])
        np.testing.assert_allclose(quality.crop_scores, expected["crop_scores"][0], atol=1e-5)
        assert quality.score == pytest.approx(expected["score"][0], abs=1e-5)


def test_an_engine_of_its_own_is_taken_by_auto(make_bundle: MakeBundle) -> None:
    bundle = load_bundle(make_bundle(edit=own_record(backend_version=">=2024.4")))
    with load_engine(bundle, "fused", options=EngineOptions(threads=1)) as engine:
        facts = engine.describe()
    assert facts["backend"] == "openvino"
    assert openvino.__version__.startswith(facts["backend_version"])
    assert facts["threads"] == 1
    json.dumps(facts)


def test_auto_stays_with_the_engines_of_the_manifest(bundle_dir: Path) -> None:
    with load_engine(load_bundle(bundle_dir), "fused") as engine:
        assert engine.record.backend == "onnxruntime"


@pytest.mark.parametrize("dot_products", [True, False])
def test_a_quantized_graph_is_opened_in_the_form_that_the_processor_computes_fastest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dot_products: bool
) -> None:
    file = tmp_path / "graph.onnx"
    onnx.save(quantized_conv(), str(file))
    monkeypatch.setattr(signed_weights, "processor", lambda: Processor("a stand-in", "0", dot_products))
    inputs, outputs, infer = open_graph(file, 1)
    assert [(spec.name, spec.dtype, spec.shape) for spec in (*inputs, *outputs)] == [
        ("x", "float32", (1, 3, 8, 8)),
        ("y", "float32", (1, 4, 8, 8)),
    ]
    x = np.random.default_rng(1).integers(0, 40, (1, 3, 8, 8)).astype(np.float32)
    expected = open_session(file, as_written=True).run(None, {"x": x})[0]
    assert np.abs(infer({"x": x})["y"] - expected).max() <= 1.0  # a level of the grid, where a half is rounded
    read = []
    monkeypatch.setattr(
        openvino, "Core", lambda: SimpleNamespace(read_model=lambda *a, **k: read.append(a or k) or 1 / 0)
    )
    with pytest.raises(EngineCompatibilityError, match="cannot load"):
        open_graph(file, 1)
    assert read == (
        [{"model": signed_weights.with_signed_weights(file), "weights": b""}] if dot_products else [(str(file),)]
    )


def test_a_version_that_is_too_old(make_bundle: MakeBundle) -> None:
    bundle = load_bundle(make_bundle(edit=own_record(backend_version=">=2999")))
    with pytest.raises(EngineCompatibilityError, match=r"needs openvino >=2999, installed is .*pip install"):
        load_engine(bundle, "fused")


def test_providers_of_onnx_runtime_are_refused(bundle_dir: Path) -> None:
    with pytest.raises(EngineCompatibilityError, match="runs on the CPU, not on cuda, cpu"):
        load_engine(load_bundle(bundle_dir), "fused", "openvino", EngineOptions(providers=("cuda", "cpu")))


def test_a_file_that_is_no_graph(bundle_dir: Path) -> None:
    bundle = load_bundle(bundle_dir)
    (bundle_dir / "frame_graph.onnx").write_bytes(b"not a graph")
    with pytest.raises(EngineCompatibilityError, match=r"openvino .* cannot load .*frame_graph\.onnx") as caught:
        load_engine(bundle, "fused", "openvino")
    assert "\n" not in str(caught.value)


def test_outputs_that_the_manifest_does_not_promise(make_bundle: MakeBundle) -> None:
    bundle = load_bundle(make_bundle(edit=lambda document: document["geometry"].update(depth_output=[24, 31])))
    with pytest.raises(BundleError, match=r"output 'depth' is uint8 \[1, 24, 32\], the manifest promises"):
        load_engine(bundle, "fused", "openvino")


def test_inputs_are_checked_and_a_closed_engine_says_so(bundle_dir: Path) -> None:
    engine = load_engine(load_bundle(bundle_dir), "fused", "openvino", EngineOptions(threads=1))
    with pytest.raises(ConfigurationError, match="takes the inputs"):
        engine.run({})
    engine.close()
    engine.close()
    with pytest.raises(ConfigurationError, match="is closed"):
        engine.run({"frame": np.zeros((1, 48, 64, 3), np.uint8)})


def test_without_the_package_the_remedy_is_named(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MachineError, match=r"package openvino is not installed: pip install .*\[openvino\]'"):
        load_engine(load_bundle(bundle_dir), "fused", "openvino")


@pytest.mark.parametrize("writable", [True, False])
def test_an_input_is_shared_whether_or_not_it_may_be_written(writable):
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    array.flags.writeable = writable
    found, address = shared(array), array.ctypes.data
    assert found.ctypes.data == address and found.flags.writeable and array.flags.writeable == writable
    del array
    assert found.tolist() == np.arange(12).reshape(3, 4).tolist()
