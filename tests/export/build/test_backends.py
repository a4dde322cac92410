"""What ``--backend`` comes to on machines with and without TensorRT and a GPU."""

import argparse
import importlib.util
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest
from stand_ins import dummy_backend
from stand_ins.fake_tensorrt import FakeTensorRt, versions

from dgiqa_edge.export.build import onnxruntime_build, openvino_build, tensorrt_build
from dgiqa_edge.export.build.backends import beside, choose
from dgiqa_edge.export.options import build_options
from dgiqa_edge.export.tensorrt import builder as tensorrt_builder
from dgiqa_edge.export.tensorrt import machine as tensorrt_machine
from dgiqa_edge.runtime.errors import EngineCompatibilityError, MachineError
from dgiqa_edge.runtime.machine.cuda_probe import CudaProbe, Gpu, probe

VERSIONS = [entry["name"] for entry in versions()]
ORIN = Gpu("Orin", "87", 8 << 30, True)


@pytest.fixture
def machine(monkeypatch):
    """``machine(package, gpus)``: the TensorRT installed (None for none) and the GPUs that the driver offers."""

    def describe(*, package, gpus, problem="no NVIDIA driver (libcuda.so.1)", **options):
        found = CudaProbe("12.6" if gpus else None, gpus, "" if gpus else problem)
        trt = FakeTensorRt(package, **options) if package in VERSIONS else None
        monkeypatch.setattr(tensorrt_machine.importlib.util, "find_spec", lambda name: object() if package else None)
        monkeypatch.setattr(tensorrt_machine, "probe", lambda: found)
        monkeypatch.setattr(tensorrt_builder, "gpu_count", lambda: len(gpus))
        monkeypatch.setitem(sys.modules, "tensorrt", trt or (type(sys)("tensorrt") if package else None))
        if package and trt is None:
            sys.modules["tensorrt"].__version__ = package

    return describe


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({"package": None, "gpus": (ORIN,)}, "onnxruntime", "not installed"),
        ({"package": "8.6.0", "gpus": ()}, "onnxruntime", "no NVIDIA GPU was found: no NVIDIA driver"),
        ({"package": "8.4.1", "gpus": (ORIN,)}, "onnxruntime", "TensorRT 8.4.1 is not supported"),
        ({"package": "10.3.0.26", "gpus": (ORIN,)}, "tensorrt", "all it needs is here"),
    ],
)
def test_auto_takes_tensorrt_only_where_all_of_it_is_there(machine, facts, expected, words):
    machine(**facts)
    backend, why = choose("auto")
    assert backend.runtime.name == expected
    assert words in why


def test_tensorrt_asked_for_and_not_to_be_had_is_an_error_of_the_environment(machine):
    machine(package="8.6.0", gpus=())
    with pytest.raises(EngineCompatibilityError, match="--backend onnxruntime") as error:
        choose("tensorrt")
    assert error.value.exit_code == 4


def test_tensorrt_rtx_takes_its_package_and_no_gpu(machine, monkeypatch):
    machine(package=None, gpus=())
    words = (
        r"the tensorrt_rtx_bindings package is not installed \(pip .*\[tensorrt-rtx\]'?\); use --backend tensorrt or"
    )
    with pytest.raises(EngineCompatibilityError, match=words):
        choose("tensorrt-rtx")
    machine(package="there", gpus=())
    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", SimpleNamespace(__version__="1.7.1.116"))
    assert choose("tensorrt-rtx")[1] == "TensorRT-RTX, as asked"
    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", SimpleNamespace(__version__="3.0"))
    with pytest.raises(EngineCompatibilityError, match=r"TensorRT-RTX 3\.0 is not supported"):
        choose("tensorrt-rtx")


def test_the_portable_graph_needs_no_machine(machine):
    machine(package=None, gpus=())
    assert choose("tensorrt", engine=False)[0].runtime.name == "tensorrt"


def test_onnx_runtime_asked_for_is_taken_without_asking_for_anything(monkeypatch):
    asked = replace(tensorrt_build.BUILD, obstacle=lambda: pytest.fail("asked"))
    monkeypatch.setattr(tensorrt_build, "BUILD", asked)
    assert choose("onnxruntime")[0].runtime.name == "onnxruntime"


def test_backends_are_compared_where_they_run_the_very_same_graph(monkeypatch):
    monkeypatch.setattr(openvino_build, "BUILD", replace(openvino_build.BUILD, obstacle=lambda: ""))
    assert beside(onnxruntime_build.BUILD) == ([openvino_build.BUILD], "")
    assert beside(openvino_build.BUILD) == ([onnxruntime_build.BUILD], "")
    assert beside(tensorrt_build.BUILD) == ([], "")
    monkeypatch.setattr(openvino_build, "BUILD", replace(openvino_build.BUILD, obstacle=lambda: "it is not here"))
    assert beside(onnxruntime_build.BUILD) == ([], "it is not here")
    other = replace(onnxruntime_build.BUILD.target, unsigned_weights=False)
    monkeypatch.setattr(openvino_build, "BUILD", replace(openvino_build.BUILD, target=other))
    assert beside(onnxruntime_build.BUILD) == ([], "")


def test_the_machine_says_what_it_builds_for(machine):
    machine(package="10.3.0.26", gpus=(ORIN,), dla_cores=2)
    found = tensorrt_machine.open_machine()
    assert found.label == "TensorRT 10.3.0.26 on Orin (SM 87)"
    assert (found.device.jetson, found.device.dla_cores) == (True, 2)
    assert found.support.typing == "partial"


def test_a_driver_too_old_for_this_cuda_is_found_before_any_work(machine):
    machine(package="10.3.0.26", gpus=(ORIN,), gpu=False)
    with pytest.raises(MachineError, match="driver is older than this CUDA needs"):
        tensorrt_machine.open_machine()


def test_this_machine_says_what_it_lacks():
    said = tensorrt_machine.obstacle()
    if importlib.util.find_spec("tensorrt") is None:
        assert said == "the tensorrt package is not installed"
    else:
        assert said.startswith("no NVIDIA GPU was found: ") == (not probe().gpus)


@pytest.mark.parametrize(("asked", "words"), [("auto", "all it needs is here"), ("dummy", "as asked")])
def test_a_new_backend_is_one_line(monkeypatch, asked, words):
    module = type(sys)("dgiqa_edge.export.build.dummy_build")
    module.BUILD = replace(onnxruntime_build.BUILD, runtime=dummy_backend.BACKEND)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(build_options, "BACKENDS", {"dummy": "int8", **build_options.BACKENDS})
    backend, why = choose(asked)
    assert backend is module.BUILD
    assert why.startswith("Dummy Engine") and words in why
    assert onnxruntime_build.BUILD in beside(backend)[0]
    parser = argparse.ArgumentParser()
    build_options.configure(parser)
    assert "--backend {auto,dummy,tensorrt,onnxruntime,openvino,tensorrt-rtx}" in " ".join(parser.format_help().split())
