"""What ``--backend`` comes to on machines with and without TensorRT and a GPU."""

import pytest

from dgiqa_edge.export import backend_choice
from dgiqa_edge.runtime.cuda_probe import gpu_count
from dgiqa_edge.runtime.errors import EngineCompatibilityError


@pytest.fixture
def machine(monkeypatch):
    def describe(*, builder, package, gpus):
        monkeypatch.setattr(backend_choice, "TENSORRT_BUILDER_AVAILABLE", builder)
        monkeypatch.setattr(backend_choice.importlib.util, "find_spec", lambda name: object() if package else None)
        monkeypatch.setattr(backend_choice, "gpu_count", lambda: gpus)

    return describe


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({"builder": False, "package": True, "gpus": 1}, "onnxruntime", "no TensorRT builder yet"),
        ({"builder": True, "package": False, "gpus": 1}, "onnxruntime", "not installed"),
        ({"builder": True, "package": True, "gpus": 0}, "onnxruntime", "no NVIDIA GPU"),
        ({"builder": True, "package": True, "gpus": 1}, "tensorrt", "are there"),
    ],
)
def test_auto_takes_tensorrt_only_where_all_of_it_is_there(machine, facts, expected, words):
    machine(**facts)
    backend, why = backend_choice.choose("auto")
    assert backend == expected
    assert words in why


def test_tensorrt_asked_for_and_not_to_be_had_is_an_error(machine):
    machine(builder=False, package=True, gpus=1)
    with pytest.raises(EngineCompatibilityError, match="--backend onnxruntime"):
        backend_choice.choose("tensorrt")


def test_onnx_runtime_asked_for_is_taken(machine):
    machine(builder=True, package=True, gpus=1)
    assert backend_choice.choose("onnxruntime")[0] == "onnxruntime"


def test_the_probe_counts_without_loading_a_binding():
    assert gpu_count() >= 0
