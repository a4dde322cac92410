"""Backends declare themselves: what each says holds together, what can run follows, and a new one is one line."""

import dataclasses
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from places import ROOT
from stand_ins import dummy_backend

from dgiqa_edge.runtime import Scorer
from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.engines import EngineOptions, registry
from dgiqa_edge.runtime.engines.backend import PRECISIONS, PRESETS, Backend
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu
from dgiqa_edge.runtime.machine.fact import Fact
from dgiqa_edge.runtime.machine.survey import Survey

ORIN = Gpu("Orin", "87", 32 << 30, True)


@pytest.mark.parametrize("backend", registry.BACKENDS, ids=lambda backend: backend.name)
def test_a_declaration_holds_together(backend: Backend) -> None:
    assert f'        "{backend.extra}": ' in (ROOT / "setup.py").read_text(
        encoding="utf-8"
    )  # an installed one may be old
    assert set(backend.options) <= {option.name for option in dataclasses.fields(EngineOptions)}
    assert backend.packages
    facts = backend.facts()
    assert backend.name in facts
    assert all(fact.value is not None or fact.reason for fact in facts.values())
    missing = Survey(
        {name: Fact(None, "gone") for name in (*facts, "cpu_features", "cuda_binding")}, CudaProbe(None, (), "no GPU")
    )
    for capability in backend.capabilities(missing):
        assert capability.backend.startswith(backend.name)
        assert (capability.runs, capability.reason in ("gone", "no GPU")) == (False, True)


def test_names_and_titles_are_their_own() -> None:
    for words in ([backend.name for backend in registry.BACKENDS], [backend.title for backend in registry.BACKENDS]):
        assert len(set(words)) == len(words)
    assert registry.AUTO not in registry.choices()[1:]


def test_the_registry_loads_no_backend() -> None:
    heavy = ("onnxruntime", "openvino", "tensorrt", "cuda", "pycuda", "cv2")
    code = (
        # An installed cuda-python is imported as Python starts.
        "import sys; before = set(sys.modules); import dgiqa_edge.runtime.engines.registry\n"
        f"print([m for m in {heavy} if m in sys.modules.keys() - before])"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"


@pytest.fixture
def dummy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one line that a new backend takes."""
    monkeypatch.setattr(registry, "BACKENDS", (*registry.BACKENDS, dummy_backend.BACKEND))


def run(*words: Any) -> int:
    try:
        return cli.main([str(word) for word in words])
    except SystemExit as stop:
        return int(stop.code or 0)


@pytest.mark.usefixtures("dummy")
@pytest.mark.parametrize("layout", ["fused", "split"])
def test_a_new_backend_scores(make_bundle: Any, make_photo: Any, layout: str) -> None:
    bundle, photo = make_bundle(layout=layout), make_photo(seed=3)
    with Scorer(bundle, backend="dummy", verify="always") as scorer, Scorer(bundle) as usual:
        assert {facts["backend"] for facts in scorer.describe()} == {"dummy"}
        assert scorer.score(photo).score == pytest.approx(usual.score(photo).score, abs=1e-6)


@pytest.mark.usefixtures("dummy")
def test_a_bundle_with_an_engine_for_a_new_backend(make_bundle: Any) -> None:
    bundle = make_bundle(edit=lambda document: document["engines"][0].update(backend="dummy"))
    with Scorer(bundle) as scorer:
        assert scorer.describe()[0]["backend"] == "dummy"


@pytest.mark.usefixtures("dummy")
def test_doctor_knows_a_new_backend(make_bundle: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = make_bundle(edit=lambda document: document["engines"][0].update(backend="dummy"))
    assert run("doctor", "--json", "--bundle", bundle) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["facts"]["dummy"]
    (able,) = [entry for entry in report["can_run"] if entry["backend"] == "dummy"]
    assert (able["runs"], able["precisions"], able["presets"]) == (True, list(PRECISIONS), list(PRESETS))
    (trial,) = report["bundle"]["backends"]
    assert (trial["backend"], trial["runs"]) == ("dummy", True)


@pytest.mark.usefixtures("dummy")
@pytest.mark.parametrize("command", [("score",), ("bench", "latency")])
def test_helps_list_a_new_backend(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    run(*command, "--help")
    text = " ".join(capsys.readouterr().out.split())
    assert "--backend {auto,tensorrt,tensorrt-rtx,onnxruntime,openvino,dummy}" in text
    assert "(ONNX Runtime, OpenVINO, Dummy Engine; default: its own choice)" in text


@pytest.mark.usefixtures("dummy")
def test_messages_name_a_new_backend(make_bundle: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"no backend 'abacus': give one of auto, .*, dummy"):
        Scorer(make_bundle(), backend="abacus")
    bundle = make_bundle(edit=lambda document: document["engines"][0].update(backend="abacus"))
    with pytest.raises(Exception, match=r"portable graph with --backend onnxruntime or openvino or dummy"):
        Scorer(bundle)


@pytest.mark.usefixtures("dummy")
@pytest.mark.parametrize(("backend", "code", "words"), [("dummy", 0, ", dummy"), ("abacus", 2, "give one of auto")])
def test_watch_takes_a_new_backend(
    tmp_path: Path, bundle_dir: Path, backend: str, code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "watch.toml"
    config.write_text(
        f'bundle = "{bundle_dir}"\n[engine]\nbackend = "{backend}"\n'
        '[[cameras]]\nname = "front"\nsource = "test://?size=64x48"\n'
    )
    assert run("watch", config, "--check") == code
    assert words in capsys.readouterr().out


def machine(**facts: Any) -> Survey:
    known = {
        "tensorrt": Fact("10.16.1"),
        "tensorrt-rtx": Fact("1.7.1.116"),
        "cuda_binding": Fact(["cuda-bindings 13.2.0"]),
        "onnxruntime": Fact("1.32.0"),
        "onnxruntime_providers": Fact(["cpu"]),
        "onnxruntime_ep_tensorrt_rtx": Fact(["onnxruntime-ep-nv-tensorrt-rtx-cu13 0.5.0"]),
        "openvino": Fact(None, "not installed (openvino)"),
        "cpu_features": Fact(["AVX2", "AVX512-VNNI"]),
    }
    return Survey({**known, **facts}, CudaProbe("13.2", (ORIN,)))


def able(found: Survey) -> dict[str, Any]:
    return {capability.backend: capability for capability in registry.capabilities(found)}


def test_a_healthy_gpu_runs_every_precision_and_preset() -> None:
    found = able(machine())["tensorrt"]
    assert found.runs
    assert found.precisions == ("fp32", "fp16", "int8")
    assert found.presets == ("nano", "reference", "reference-lite", "edge")
    assert found.notes == ()


@pytest.mark.parametrize(
    ("sm", "precisions"),
    [("61", ("fp32", "int8")), ("60", ("fp32", "fp16")), ("52", ("fp32",)), ("72", ("fp32", "fp16", "int8"))],
)
def test_precisions_follow_the_gpu(sm: str, precisions: tuple[str, ...]) -> None:
    found = replace(machine(), cuda=CudaProbe("12.2", (replace(ORIN, sm=sm),)))
    assert able(found)["tensorrt"].precisions == precisions


def test_public_reports_are_noted_with_the_presets_they_touch() -> None:
    notes = able(machine(tensorrt=Fact("10.3.0")))["tensorrt"].notes
    assert any(
        "depth-anything-tensorrt/issues/49" in note and note.startswith("reference-lite, edge: ") for note in notes
    )
    assert len(notes) == len(set(notes))
    assert not any(note.startswith("nano") for note in notes)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"tensorrt": Fact(None, "the package tensorrt is not installed")}, "the package tensorrt is not installed"),
        ({"cuda_binding": Fact(None, "not installed (pycuda)")}, "not installed (pycuda)"),
        ({"tensorrt": Fact("9.3.0")}, "TensorRT 9.3.0 is not supported"),
    ],
)
def test_why_tensorrt_does_not_run(changed: dict[str, Fact], reason: str) -> None:
    found = able(machine(**changed))["tensorrt"]
    assert not found.runs
    assert reason in found.reason


@pytest.mark.parametrize(
    ("sm", "changed", "reason"),
    [
        ("89", {}, ""),
        ("121", {}, ""),
        ("75", {}, "SM 75 (Orin) is no target of TensorRT-RTX 1.7.1.116: TensorRT-RTX computes no FP32"),
        ("90", {}, "no RTX GPUs"),
        ("100", {}, "it runs on SM 80, 86, 89, 120, 121"),
        ("89", {"tensorrt-rtx": Fact("2.0.0")}, "TensorRT-RTX 2.0.0 is not supported"),
        ("89", {"tensorrt-rtx": Fact(None, "not installed")}, "not installed"),
    ],
)
def test_where_tensorrt_rtx_runs(sm: str, changed: dict[str, Fact], reason: str) -> None:
    found = able(replace(machine(**changed), cuda=CudaProbe("13.0", (replace(ORIN, sm=sm),))))["tensorrt-rtx"]
    assert (found.runs, reason in found.reason) == (not reason, True)


def test_onnxruntime_by_provider() -> None:
    found = able(machine(onnxruntime_providers=Fact(["cuda", "cpu"])))
    assert found["onnxruntime (cpu)"].runs
    assert found["onnxruntime (cuda)"].runs
    assert not found["onnxruntime (tensorrt)"].runs
    without_gpu = replace(machine(onnxruntime_providers=Fact(["cuda"])), cuda=CudaProbe(None, (), "no driver"))
    assert able(without_gpu)["onnxruntime (cuda)"].reason == "no driver"
    assert able(without_gpu)["onnxruntime (tensorrt-rtx)"].reason == "no driver"
    assert found["onnxruntime (tensorrt-rtx)"].runs
    without_package = able(machine(onnxruntime_ep_tensorrt_rtx=Fact(None, "not there: pip install it")))
    assert without_package["onnxruntime (tensorrt-rtx)"].reason == "not there: pip install it"
    assert not able(machine(onnxruntime=Fact(None, "gone")))["onnxruntime (cpu)"].runs


def test_a_cpu_without_int8_dot_products_is_noted() -> None:
    assert not any("INT8" in note for note in able(machine())["onnxruntime (cpu)"].notes)
    plain = able(machine(cpu_features=Fact(["AVX2"])))["onnxruntime (cpu)"]
    assert any("measure whether INT8 is faster" in note for note in plain.notes)
