"""What a whole build with a TensorRT engine leaves: engine, portable graph, reports, caches."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from stand_ins.small_networks import run_build as build

from dgiqa_edge.export.build import tensorrt_build
from dgiqa_edge.export.options.accuracy_budget import parse_budget
from dgiqa_edge.export.options.tensorrt_options import BuilderSettings
from dgiqa_edge.runtime import Scorer, load_bundle


@pytest.mark.parametrize(
    ("version", "precision", "layout"),
    [
        ("8.5.3.1", "int8", "fused"),
        ("8.6.0", "fp16", "fused"),
        ("10.3.0.26", "int8", "split"),
        ("10.13.3.9", "int8", "fused"),
        ("11.0.0", "fp32", "split"),
    ],
)
def test_a_build_ends_with_a_checked_engine_beside_the_portable_graph(
    machine, engine_options, version, precision, layout
):
    machine(version)
    result = build(engine_options(precision=precision, layout=layout))
    bundle = load_bundle(result.bundle)
    for role in bundle.roles:
        engine, portable = bundle.engines(role)
        assert (engine.backend, portable.backend) == ("tensorrt", "onnxruntime")
        assert engine.file.endswith(".plan") and portable.file.endswith(".onnx")
        assert engine.requires.sm == "87"
        assert engine.requires.device == "Test GPU"
        assert engine.requires.backend_version == f"=={version}"
        assert engine.requires.compatibility == "exact"
        assert not engine.requires.version_compatible
    assert bundle.manifest.precision.target == "tensorrt"
    assert "building" in (result.bundle / "tensorrt_build.log").read_text()
    report = json.loads((result.bundle / "report.json").read_text())
    assert set(report["tensorrt"]) == set(bundle.roles)
    assert report["tensorrt"][bundle.roles[0]]["timing_cache"] == "new"
    assert report["portable_fidelity"]["images"] == bundle.manifest.fidelity.images == 4
    title = "int8 + fp16" if precision == "int8" else precision
    assert [row.precision for row in result.rows] == ["fp32", title, f"{title} TensorRT"]
    assert "Test GPU" in result.caption
    with Scorer(result.bundle, backend="onnxruntime") as scorer:  # the portable graph runs where there is no GPU
        assert np.isfinite(scorer.score(np.zeros((96, 128, 3), np.uint8)).score)
    assert not list(engine_options().work.glob(".partial-*"))


def test_the_same_build_again_reuses_the_engine_and_other_settings_do_not(machine, engine_options):
    trt = machine()
    build(engine_options())
    build(engine_options())
    assert trt.built == 1
    build(engine_options(settings=BuilderSettings(optimization_level=5)))
    assert trt.built == 2


def test_timings_are_kept_per_device_and_version_and_reused(machine, engine_options, tmp_path):
    machine("8.6.0")
    build(engine_options())
    (cache,) = (tmp_path / "cache").rglob("*.cache")
    assert cache.name == "tensorrt-8.6.0-test-gpu-sm87.cache"
    result = build(engine_options(precision="fp32"))
    report = json.loads((result.bundle / "report.json").read_text())
    assert report["tensorrt"]["fused"]["timing_cache"] == "reused"
    assert cache.read_bytes().count(b"build") == 2


def test_a_named_timing_cache_of_another_device_is_replaced_and_said_so(machine, engine_options, tmp_path):
    machine()
    cache = tmp_path / "mine.cache"
    cache.write_bytes(b"of another device")
    result = build(engine_options(timing_cache=cache))
    assert cache.read_bytes().startswith(b"fake timings")
    assert any("begun anew" in note for note in result.notes)


def test_a_ladder_is_climbed_on_the_gpu_and_its_engine_is_the_one_packed(machine, engine_options):
    machine()
    result = build(engine_options(layout="split", accuracy_budget=parse_budget("score_mae=0.0001")))
    manifest = load_bundle(result.bundle).manifest
    assert manifest.ladder.device == "TensorRT 10.13.3.9 on Test GPU (SM 87)"
    status = {rung.name: rung.status for rung in manifest.ladder.rungs}
    taken = next(rung for rung in manifest.ladder.rungs if rung.status == "accepted")
    assert status[manifest.ladder.rungs[0].name] == "over_budget"
    assert manifest.precision.name == taken.precision != "int8"
    assert [engine.backend for engine in manifest.engines] == ["tensorrt", "tensorrt", "onnxruntime", "onnxruntime"]
    assert manifest.fidelity.score_mae <= 0.0001


def test_other_builder_settings_are_another_device_to_climb_on(machine, engine_options):
    trt = machine()
    loose = parse_budget("score_mae=0.05,srcc=0,depth_corr=0,depth_mae=255")
    build(engine_options(accuracy_budget=loose))
    first = trt.built
    build(engine_options(accuracy_budget=loose))
    assert trt.built == first
    build(engine_options(accuracy_budget=loose, settings=BuilderSettings(optimization_level=5)))
    assert trt.built == 2 * first


def slightly_off(content):
    """The same graph with its last weights a thousandth larger: another device's rounding."""
    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        if tensor.name == "quality_net.fc.weight":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.001), tensor.name))
    return model.SerializeToString()


def test_after_a_climb_the_portable_graph_is_measured_for_itself(machine, engine_options):
    machine(spoil=slightly_off)
    result = build(engine_options(precision="fp32", latency_target_ms=1e6))
    report = json.loads((result.bundle / "report.json").read_text())
    assert report["portable_fidelity"]["score_max"] == 0.0
    assert load_bundle(result.bundle).manifest.fidelity.score_max > 0.0


def test_the_portable_graph_for_tensorrt_needs_no_gpu(machine, engine_options, monkeypatch):
    machine()
    without_gpu = replace(tensorrt_build.BUILD, obstacle=lambda: "no NVIDIA GPU was found")
    monkeypatch.setattr(tensorrt_build, "BUILD", without_gpu)
    result = build(engine_options(engine=False))
    bundle = load_bundle(result.bundle)
    (engine,) = bundle.engines("fused")
    assert engine.backend == "onnxruntime"
    assert bundle.manifest.precision.target == "tensorrt"
    assert any("holds the portable graph for TensorRT and no engine" in note for note in result.notes)
    types = {tensor.data_type for tensor in onnx.load(str(result.bundle / engine.file)).graph.initializer}
    assert onnx.TensorProto.UINT8 not in types


def test_the_manifest_repeats_the_tensorrt_options(machine, engine_options):
    machine("10.13.3.9")
    settings = BuilderSettings(workspace_mib=256, version_compatible=True, hardware_compatible="ampere_plus")
    bundle = load_bundle(build(engine_options(settings=settings)).bundle)
    argv = " ".join(bundle.manifest.build.argv)
    assert "--backend tensorrt" in argv
    assert "--workspace-mib 256 --hardware-compatible ampere_plus --version-compatible" in argv
    requires = bundle.engines("fused")[0].requires
    assert (requires.compatibility, requires.version_compatible) == ("ampere_plus", True)
    assert requires.backend_version == ">=10.13.3.9"


def test_a_calibrator_starts_from_the_fp32_graph_and_keeps_its_cache(machine, engine_options, monkeypatch):
    from dgiqa_edge.runtime.engines.cuda import binding as cuda

    trt = machine("8.5.3.1")
    monkeypatch.setattr(cuda, "connect", HostCuda)
    chosen = engine_options(settings=BuilderSettings(calibrator="entropy"))
    monkeypatch.setattr(tensorrt_build, "families_of", lambda names: ("convolutional",))
    monkeypatch.setattr(tensorrt_build, "check_engine", lambda *args, portable, **kwargs: portable)
    result = build(chosen)
    bundle = load_bundle(result.bundle)
    assert trt.config["flags"] == {"INT8"}
    assert not any(layer.type.name == "QUANTIZE" for layer in trt.networks[-1].layers)
    (cache,) = chosen.work.glob("tensorrt-calibration-*.json")
    assert json.loads(cache.read_text())["key"]["calibrator"] == "entropy"
    assert bundle.manifest.precision.name == "int8"
    assert result.rows[-1].precision == "int8 TensorRT"


class HostCuda:
    def current(self):
        import contextlib

        return contextlib.nullcontext()

    def allocate(self, size_bytes):
        return 4096

    def free(self, address): ...

    def pinned(self, shape, dtype):
        return np.empty(shape, dtype)

    def free_pinned(self, array): ...

    def create_stream(self): ...

    def destroy_stream(self, stream): ...

    def upload(self, address, host, stream): ...

    def synchronize(self, stream): ...
