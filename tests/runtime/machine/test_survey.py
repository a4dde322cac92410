"""The survey on machines that are described by files, commands and packages, and what follows from it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from stand_ins import nvidia as stand_ins

from dgiqa_edge.runtime.engines.capability import capabilities
from dgiqa_edge.runtime.machine import jetson, nvidia, packages
from dgiqa_edge.runtime.machine import survey as surveying
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu
from dgiqa_edge.runtime.machine.fact import Fact, from_file
from dgiqa_edge.runtime.machine.survey import Survey, survey

ORIN = Gpu("Orin", "87", 32 << 30, True)


@pytest.fixture
def jetson_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An AGX Orin with JetPack 6.1, as its files and commands describe it."""
    release, board = tmp_path / "nv_tegra_release", tmp_path / "model"
    release.write_text("# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64\n")
    board.write_bytes(b"NVIDIA Jetson AGX Orin Developer Kit\0")
    monkeypatch.setattr(jetson, "RELEASE_FILE", release)
    monkeypatch.setattr(jetson, "MODEL_FILE", board)
    monkeypatch.setattr(surveying, "probe", lambda: CudaProbe("12.6", (ORIN,)))
    command = tmp_path / "nvpmodel"
    command.write_text("#!/bin/sh\nprintf 'NV Power Mode: MAXN\\n0\\n'\n")
    command.chmod(0o755)
    monkeypatch.setattr(jetson, "POWER_COMMAND", (str(command), "-q"))


def test_a_jetson_is_recognised(jetson_machine: None) -> None:
    facts = survey().facts
    assert facts["gpu"].value == ["Orin"]
    assert facts["sm"].value == "87"
    assert facts["gpu_memory_mib"].value == 32768
    assert facts["board"].value == "NVIDIA Jetson AGX Orin Developer Kit"
    assert facts["l4t"].value == "36.4.0"
    assert str(facts["jetpack"].value).startswith("6.1 (CUDA 12.6, TensorRT 10.3")
    assert facts["power_mode"].value == "MAXN (mode 0)"
    assert facts["driver_cuda"].value == "12.6"


def test_what_is_not_there_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surveying, "probe", lambda: CudaProbe(None, (), "no NVIDIA driver (none)"))
    monkeypatch.setattr(jetson, "RELEASE_FILE", tmp_path / "nothing")
    monkeypatch.setattr(nvidia, "SMI_COMMAND", (str(tmp_path / "nvidia-smi"),))
    report = survey().to_json()
    not_found = report["not_found"]
    assert isinstance(not_found, dict)
    assert not_found["gpu"] == not_found["sm"] == not_found["driver_cuda"] == "no NVIDIA driver (none)"
    assert "No such file" in str(not_found["l4t"])
    assert not_found["jetpack"] == "not a Jetson, or no Jetson Linux"
    assert "is not there" in str(not_found["power_mode"])
    facts = report["facts"]
    assert isinstance(facts, dict)
    assert all(facts[name] is None for name in not_found)


def test_a_command_that_hangs_or_fails_is_a_reason_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvidia, "SMI_COMMAND", (sys.executable, "-c", "print('NVIDIA-SMI has failed')"))
    monkeypatch.setattr(jetson, "RELEASE_FILE", Path("/nothing"))
    fact = survey().facts["power_mode"]
    assert fact.value is None
    assert "does not say ('NVIDIA-SMI has failed')" in fact.reason

    def hang(*arguments: Any, **settings: Any) -> None:
        raise subprocess.TimeoutExpired("nvidia-smi", 20)

    monkeypatch.setattr(subprocess, "run", hang)
    assert "does not answer" in survey().facts["power_mode"].reason


def test_an_unknown_jetson_linux_is_said(jetson_machine: None) -> None:
    jetson.RELEASE_FILE.write_text("# R99 (release), REVISION: 1.0\n")
    assert "belongs to no JetPack" in survey().facts["jetpack"].reason


def test_a_package_that_cannot_be_loaded_is_not_a_missing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_one.py").write_text("raise ImportError('libnvinfer.so.10: cannot open shared object file')")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "installed but cannot be loaded (libnvinfer.so.10" in packages.imported("broken_one").reason
    assert packages.imported("no_such_package_here").reason == "the package no_such_package_here is not installed"


def test_cuda_bindings_are_found_without_importing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("cuda", "pycuda")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(stand_ins.PACKAGES))
    found = packages.cuda_bindings().value
    assert isinstance(found, list)
    assert [str(name).split()[0] for name in found] == ["cuda-bindings", "pycuda"]
    assert "pycuda.driver" not in sys.modules
    monkeypatch.setattr(packages, "_CUDA_BINDINGS", {"cuda_missing.bindings": "cuda-bindings"})
    assert packages.cuda_bindings().reason == "neither cuda-python nor pycuda is installed"


def test_a_fact_reads_well() -> None:
    assert str(Fact(["a", "b"])) == "a, b"
    assert str(Fact(None, "because")) == "not found: because"
    assert from_file(Path(__file__).parent, str).value is None


def machine(**facts: Any) -> Survey:
    known = {
        "tensorrt": Fact("10.16.1"),
        "cuda_binding": Fact(["cuda-bindings 13.2.0"]),
        "onnxruntime": Fact("1.32.0"),
        "onnxruntime_providers": Fact(["cpu"]),
        "openvino": Fact(None, "not installed (openvino)"),
        "cpu_features": Fact(["AVX2", "AVX512-VNNI"]),
    }
    return Survey({**known, **facts}, CudaProbe("13.2", (ORIN,)))


def able(found: Survey) -> dict[str, Any]:
    return {capability.backend: capability for capability in capabilities(found)}


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


def test_onnxruntime_by_provider() -> None:
    found = able(machine(onnxruntime_providers=Fact(["cuda", "cpu"])))
    assert found["onnxruntime (cpu)"].runs
    assert found["onnxruntime (cuda)"].runs
    assert not found["onnxruntime (tensorrt)"].runs
    without_gpu = replace(machine(onnxruntime_providers=Fact(["cuda"])), cuda=CudaProbe(None, (), "no driver"))
    assert able(without_gpu)["onnxruntime (cuda)"].reason == "no driver"
    assert not able(machine(onnxruntime=Fact(None, "gone")))["onnxruntime (cpu)"].runs


def test_a_cpu_without_int8_dot_products_is_noted() -> None:
    assert not any("INT8" in note for note in able(machine())["onnxruntime (cpu)"].notes)
    plain = able(machine(cpu_features=Fact(["AVX2"])))["onnxruntime (cpu)"]
    assert any("measure whether INT8 is faster" in note for note in plain.notes)


def test_a_missing_module_is_told_apart_from_a_module() -> None:
    assert isinstance(packages._import("json"), ModuleType)
