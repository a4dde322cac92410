"""What a machine's facts let each backend run, and what is on record against it."""

from dataclasses import replace
from typing import Any

import pytest

from dgiqa_edge.runtime.engines.capability import capabilities
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu
from dgiqa_edge.runtime.machine.fact import Fact
from dgiqa_edge.runtime.machine.survey import Survey

ORIN = Gpu("Orin", "87", 32 << 30, True)


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
