"""Which engine of a bundle is taken, which are refused and with which remedy."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stand_ins import dummy_backend

from dgiqa_edge.runtime.bundle.bundle import Bundle, load_bundle
from dgiqa_edge.runtime.engines import EngineOptions, load_engine, registry
from dgiqa_edge.runtime.errors import BundleError, ConfigurationError, EngineCompatibilityError, MachineError
from dgiqa_edge.runtime.machine import cuda_probe

EditedBundle = Callable[[Callable[[dict[str, Any]], None]], Bundle]


@pytest.fixture
def edited(make_bundle: Callable[..., Path]) -> EditedBundle:
    return lambda edit: load_bundle(make_bundle(edit=edit))


def requiring(**changed: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["engines"][0]["requires"].update(changed)


def test_a_backend_version_that_is_not_met(edited: EditedBundle) -> None:
    with pytest.raises(EngineCompatibilityError, match=r"needs onnxruntime >=999, installed is .*pip install"):
        load_engine(edited(requiring(backend_version=">=999")), "fused")


def test_another_platform_names_the_rebuild_command(edited: EditedBundle) -> None:
    with pytest.raises(EngineCompatibilityError, match=r"built for plan9-vax, .* rebuild it here with: python"):
        load_engine(edited(requiring(platform="plan9-vax")), "fused")


def test_a_backend_of_another_version(edited: EditedBundle) -> None:
    bundle = edited(lambda document: document["engines"][0].update(backend="abacus"))
    words = r"no backend for its 'fused' engines \(abacus\): run its portable graph with --backend onnxruntime"
    with pytest.raises(EngineCompatibilityError, match=words):
        load_engine(bundle, "fused")
    load_engine(bundle, "fused", backend="onnxruntime").close()
    with pytest.raises(EngineCompatibilityError, match=r"for backend 'tensorrt' \(it has: abacus"):
        load_engine(bundle, "fused", backend="tensorrt")


def test_an_unknown_backend_is_a_wrong_setting(edited: EditedBundle) -> None:
    with pytest.raises(
        ConfigurationError, match="no backend 'abacus': give one of auto, tensorrt, tensorrt-rtx, onnxruntime"
    ):
        load_engine(edited(lambda document: None), "fused", backend="abacus")


def without_faults(document: dict[str, Any]) -> None:
    del document["faults"], document["golden"]["tolerance"]["faults"]


def other_cells(document: dict[str, Any]) -> None:
    document["faults"]["grid"] = [4, 2]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (without_faults, r"has the outputs \['coverage', .*'faults', 'score'\], expected \['crop_scores'"),
        (other_cells, r"'coverage' is float32 \[1, 2, 4, 2\], the manifest promises float32 \[1, 4, 2, 2\]"),
    ],
)
@pytest.mark.parametrize(("layout", "role"), [("fused", "fused"), ("split", "quality")])
def test_an_engine_gives_faults_exactly_where_the_manifest_has_them(
    make_bundle: Callable[..., Path], edit: Any, words: str, layout: str, role: str
) -> None:
    with load_engine(load_bundle(make_bundle(layout=layout, faults=True)), role) as engine:
        assert {"faults", "coverage"} <= {spec.name for spec in engine.outputs}
    with pytest.raises(BundleError, match=words):
        load_engine(load_bundle(make_bundle(layout=layout, faults=True, edit=edit)), role)


def test_auto_takes_the_first_engine_that_can_run_here(edited: EditedBundle) -> None:
    def prepend_abacus(document: dict[str, Any]) -> None:
        document["engines"].insert(0, {**document["engines"][0], "backend": "abacus"})

    with load_engine(edited(prepend_abacus), "fused") as engine:
        assert engine.record.backend == "onnxruntime"


def preferring(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update(preferred_backend=name)


@pytest.fixture
def with_dummy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS, dummy_backend.BACKEND))


@pytest.mark.usefixtures("with_dummy")
@pytest.mark.parametrize(
    ("preferred", "asked", "providers", "taken"),
    [
        ("dummy", "auto", ("cpu",), "dummy"),
        ("onnxruntime", "auto", ("cpu",), "onnxruntime"),
        ("dummy", "onnxruntime", ("cpu",), "onnxruntime"),
        ("dummy", "auto", ("cpu", "cpu"), "onnxruntime"),  # the dummy heeds no providers
    ],
)
def test_auto_takes_the_backend_that_the_bundle_prefers(
    edited: EditedBundle, preferred: str, asked: str, providers: tuple[str, ...], taken: str
) -> None:
    options = EngineOptions(threads=1, providers=providers)
    with load_engine(edited(preferring(preferred)), "fused", asked, options) as engine:
        assert engine.describe()["backend"] == taken


def test_where_the_preferred_backend_is_not_installed_the_next_takes_its_place(
    edited: EditedBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = replace(dummy_backend.BACKEND, packages=("no-such-distribution",))
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS, lacking))
    with load_engine(edited(preferring("dummy")), "fused") as engine:
        assert engine.record.backend == "onnxruntime"


@pytest.mark.usefixtures("with_dummy")
@pytest.mark.parametrize("preferred", ["abacus", "tensorrt"])
def test_one_that_is_not_known_to_run_portable_graphs_leaves_it_to_the_manifest(
    edited: EditedBundle, preferred: str
) -> None:
    def edit(document: dict[str, Any]) -> None:
        preferring(preferred)(document)
        (record,) = document["engines"]
        requires = {**record["requires"], "backend_version": None}
        document["engines"] = [{**record, "backend": "dummy", "requires": requires}, record]

    with load_engine(edited(edit), "fused") as engine:
        assert engine.record.backend == "dummy"


@pytest.mark.usefixtures("with_dummy")
def test_where_the_preferred_backend_cannot_be_loaded_the_next_takes_its_place(
    edited: EditedBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    bundle = edited(preferring("dummy"))
    with load_engine(bundle, "fused") as engine:
        assert engine.record.backend == "onnxruntime"
    with pytest.raises(MachineError, match="the package onnx is not installed"):
        load_engine(bundle, "fused", "dummy")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MachineError, match="is not installed"):
        load_engine(bundle, "fused")


def test_a_gpu_bundle_does_not_quietly_become_a_cpu_one(edited: EditedBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its engine is the first in the manifest; where there is no GPU, the way out is named and the user takes it."""

    def prepend_tensorrt(document: dict[str, Any]) -> None:
        document["engines"].insert(0, {**document["engines"][0], "backend": "tensorrt"})

    def no_driver() -> None:
        raise OSError("libcuda.so.1: cannot open shared object file")

    monkeypatch.setattr(cuda_probe, "_open_driver", no_driver)
    bundle = edited(prepend_tensorrt)
    with pytest.raises(MachineError, match=r"needs an NVIDIA GPU: no NVIDIA driver .* with --backend onnxruntime"):
        load_engine(bundle, "fused")
    load_engine(bundle, "fused", backend="onnxruntime").close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d["frame"].update(width=96), r"input 'frame' is uint8 \[1, 48, 64, 3\], the manifest promises"),
        (lambda d: d["geometry"].update(depth_output=[24, 48]), r"output 'depth' is uint8 \[1, 24, 32\]"),
        (lambda d: d["geometry"]["crop_boxes"].append([0, 0]), r"output 'crop_scores' is float32 \[1, 2\]"),
    ],
)
def test_an_engine_that_breaks_the_manifest_is_refused(
    edited: EditedBundle, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        load_engine(edited(change), "fused")


def test_an_engine_with_other_tensors_is_refused(make_bundle: Callable[..., Path]) -> None:
    def swap(document: dict[str, Any]) -> None:
        first, second = document["engines"]
        first["role"], second["role"] = second["role"], first["role"]

    bundle = load_bundle(make_bundle(layout="split", edit=swap))
    with pytest.raises(BundleError, match=r"has the inputs \['depth', 'frame'\], expected \['frame'\]"):
        load_engine(bundle, "depth")
