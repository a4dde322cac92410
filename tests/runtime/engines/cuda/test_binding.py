"""All CUDA bindings behind the one interface, and the choice between them."""

import importlib.util
import re
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from stand_ins.cudart import VERSIONS, CudartState

from dgiqa_edge.runtime.engines.cuda import cuda_python, cudart, runtime_api
from dgiqa_edge.runtime.engines.cuda import pycuda as cuda_pycuda
from dgiqa_edge.runtime.engines.cuda.binding import BINDINGS, CudaError, bindings_here, candidates, connect, size_bytes
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.machine.cuda_probe import probe

WITH_GRAPHS = ["cuda-python", *(f"cudart {version}" for version in VERSIONS)]
PutCudart = Callable[..., CudartState]


@pytest.fixture(params=[*WITH_GRAPHS, "pycuda"])
def machine(request: pytest.FixtureRequest, gpu: SimpleNamespace) -> SimpleNamespace:
    """``cuda``, and the ``state`` of what it calls."""
    binding, _, version = request.param.partition(" ")
    state = request.getfixturevalue("put_cudart")(version) if version else gpu.state
    return SimpleNamespace(cuda=connect(binding), state=state)


with_graphs = pytest.mark.parametrize("machine", WITH_GRAPHS, indirect=True)


def test_a_round_trip_over_the_device(machine: SimpleNamespace) -> None:
    cuda, state = machine.cuda, machine.state
    with cuda.current():
        stream = cuda.create_stream()
        address = cuda.allocate(size_bytes((2, 3), np.float32))
        source, target = cuda.pinned((2, 3), np.float32), cuda.pinned((2, 3), np.float32)
        source[:] = np.arange(6).reshape(2, 3)
        cuda.upload(address, source, stream)
        cuda.download(target, address, stream)
        assert not (target == source).any(), "copies are asynchronous"
        cuda.synchronize(stream)
        np.testing.assert_array_equal(target, source)
        assert target.flags.c_contiguous
        assert target.flags.writeable
        assert state.has("streams", cuda.stream_address(stream))
        assert state.has("host", target.ctypes.data), "the array is the page-locked memory, not a copy"
        cuda.free(address)
        cuda.free_pinned(source)
        cuda.free_pinned(target)
    assert not state.live().keys() & {"device", "host"}


def test_what_is_freed_twice_is_an_error(machine: SimpleNamespace) -> None:
    cuda = machine.cuda
    with cuda.current():
        array = cuda.pinned((4,), np.uint8)
        cuda.free_pinned(array)
        with pytest.raises(CudaError, match="cudaErrorInvalidValue"):
            cuda.free_pinned(array)
        assert cuda.sticky_error() == ""


def test_events_measure(machine: SimpleNamespace) -> None:
    cuda = machine.cuda
    with cuda.current():
        stream, start, end = cuda.create_stream(), cuda.create_event(), cuda.create_event()
        cuda.record(start, stream)
        cuda.record(end, stream)
        assert cuda.elapsed_ms(start, end) == 1.25
        cuda.destroy_event(start)
        cuda.destroy_event(end)
        cuda.destroy_stream(stream)


def test_a_failed_call_names_itself_and_the_error(machine: SimpleNamespace) -> None:
    cuda = machine.cuda
    with cuda.current():
        machine.state.fail("cudaMalloc", "cudaErrorMemoryAllocation")
        with pytest.raises(CudaError, match=r"cudaErrorMemoryAllocation") as caught:
            cuda.allocate(8)
        if not cuda.name.startswith("pycuda"):
            assert str(caught.value) == "cudaMalloc: cudaErrorMemoryAllocation (out of memory)"
        assert cuda.sticky_error() == ""
        cuda.allocate(8)


def test_an_error_that_stays_is_told_from_one_that_passes(machine: SimpleNamespace) -> None:
    cuda = machine.cuda
    with cuda.current():
        machine.state.fail("cudaMalloc", "cudaErrorIllegalAddress")
        with pytest.raises(CudaError):
            cuda.allocate(8)
    assert "cudaErrorIllegalAddress" in cuda.sticky_error()


def test_it_serves_threads_that_come_and_go(machine: SimpleNamespace) -> None:
    cuda, failures = machine.cuda, []

    def work() -> None:
        try:
            with cuda.current():
                cuda.free(cuda.allocate(8))
        except Exception as error:
            failures.append(error)
        if cuda.name.startswith("pycuda"):
            from pycuda import driver

            failures.extend([driver.depth()] if driver.depth() else [])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    assert not failures


@with_graphs
def test_a_graph_repeats_what_was_captured(machine: SimpleNamespace) -> None:
    cuda = machine.cuda
    with cuda.current():
        stream, address = cuda.create_stream(), cuda.allocate(4)
        source, target = cuda.pinned((4,), np.uint8), cuda.pinned((4,), np.uint8)

        def there_and_back() -> None:
            cuda.upload(address, source, stream)
            cuda.download(target, address, stream)

        graph = cuda.capture(stream, there_and_back)
        for value in (1, 2):
            source[:] = value
            cuda.launch(graph, stream)
            assert not (target == value).any()
            cuda.synchronize(stream)
            assert (target == value).all()
        cuda.destroy_graph(graph)
        cuda.free(address)
        cuda.free_pinned(source)
        cuda.free_pinned(target)
        cuda.destroy_stream(stream)
    assert machine.state.live() == {}


@with_graphs
@pytest.mark.parametrize("function", ["cudaStreamEndCapture", "instantiate", "our own"])
def test_a_capture_that_fails_is_ended(machine: SimpleNamespace, function: str) -> None:
    cuda, state = machine.cuda, machine.state
    functions = ["cudaGraphInstantiate", "cudaGraphInstantiateWithFlags"] if function == "instantiate" else [function]

    def enqueue() -> None:
        if function == "our own":
            raise KeyboardInterrupt

    with cuda.current():
        stream = cuda.create_stream()
        for name in functions:
            state.fail(name, "cudaErrorStreamCaptureInvalidated")
        with pytest.raises((CudaError, KeyboardInterrupt)) as caught:
            cuda.capture(stream, enqueue)
        assert function == "our own" or re.match(rf"{functions[0]}\w*: cuda\w+Invalidated \(", str(caught.value))
        cuda.destroy_graph(cuda.capture(stream, lambda: None))
        cuda.destroy_stream(stream)
    assert state.live() == {}


@pytest.mark.parametrize(
    ("binding", "function", "words"),
    [
        (
            "cuda-python",
            "cudaFree",
            r"cuda-python 12\.6\.2 \(.*\): cudaFree: cudaErrorInsufficientDriver \(its meaning",
        ),
        ("pycuda", "cudaSetDevice", r"pycuda 2026\.1 \(.*\): cuFake failed: cudaErrorInsufficientDriver"),
    ],
)
def test_a_driver_too_old_for_the_binding(gpu: SimpleNamespace, binding: str, function: str, words: str) -> None:
    gpu.driver.version = 11040
    gpu.state.fail(function, "cudaErrorInsufficientDriver")
    with pytest.raises(MachineError, match=rf"cannot be opened through {words}.*driver supports CUDA 11\.4: update"):
        connect(binding)


def test_a_driver_too_old_for_every_libcudart(put_cudart: PutCudart) -> None:
    put_cudart("12.6", driver=11040)
    put_cudart("13.0", driver=11040)
    words = (
        r"cudart 13\.0 \(\S+\): cuda\w+: cudaErrorInsufficientDriver \(.*\), nor through cudart 12\.6 .*LD_LIBRARY_PATH"
    )
    with pytest.raises(MachineError, match=words):
        connect("cudart")


def test_the_variable_chooses_and_a_wrong_one_is_named(gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGIQA_EDGE_CUDA", "pycuda")
    assert connect().name.startswith("pycuda")
    assert [candidate.binding for candidate in candidates("12.6")] == ["pycuda"]
    monkeypatch.setenv("DGIQA_EDGE_CUDA", "opencl")
    words = "no CUDA binding 'opencl': use one of cuda-python, cudart, pycuda"
    with pytest.raises(ConfigurationError, match=words):
        connect()
    assert re.search(words, bindings_here().reason)


def test_the_order_of_choice(gpu: SimpleNamespace, put_cudart: PutCudart, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user installed, then what the machine has, then what has no graphs; nothing is loaded to say so."""
    put_cudart("12.6")
    for name, module in zip(BINDINGS, (cuda_python, cudart, cuda_pycuda), strict=True):
        assert str(bindings_here()).startswith(name)
        assert "pycuda.driver" not in sys.modules
        assert connect().name.startswith(name)
        monkeypatch.setattr(module, "find", lambda: iter(()))
    with pytest.raises(MachineError, match=r"no CUDA binding.*\(cuda-python, cudart, pycuda\).*libcudart.*pip install"):
        connect()
    assert "no CUDA binding for Python is here" in bindings_here().reason


def test_one_that_the_driver_is_too_old_for_stands_behind(
    gpu: SimpleNamespace, put_cudart: PutCudart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JetPack 6 with cuda-python 13 and two runtimes: the driver serves CUDA 12."""
    monkeypatch.setattr(cuda_python, "version_of", lambda distribution: "13.5.0")
    put_cudart("12.6", driver=12060)
    put_cudart("13.0", driver=12060)
    assert re.fullmatch(r"cudart /\S*libcudart\.so\.12\.6 \(CUDA 12\.6\)", connect().name)
    assert [candidate.version for candidate in candidates("12.6")] == ["12.6", "2026.1", "13.5.0", "13.0"]
    assert [candidate.version for candidate in candidates(None)] == ["13.5.0", "13.0", "12.6", "2026.1"]
    here = bindings_here().value
    assert isinstance(here, list)
    assert str(here[0]).startswith("cudart 12.6 (/")
    assert re.fullmatch(r"cuda-python 13\.5\.0 \(/.*\) needs a driver for CUDA 13", str(here[2]))
    monkeypatch.setenv("DGIQA_EDGE_CUDA", "cuda-python")
    assert "needs a driver for CUDA 13; this one supports CUDA 12.6: update" in bindings_here().reason


def raises(error: Exception) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        raise error

    return call


@pytest.mark.parametrize(
    "refusal", [CudaError("cudaErrorInsufficientDriver"), ImportError("libcuda.so.1"), RuntimeError("cuInit not found")]
)
def test_one_that_does_not_open_leaves_the_next(
    gpu: SimpleNamespace, put_cudart: PutCudart, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    """What a version promises is one thing; the GPU decides."""
    put_cudart("12.6")
    monkeypatch.setattr(cuda_python, "CudaRuntime", raises(refusal))
    assert connect().name.startswith("cudart")
    with pytest.raises(
        MachineError, match=rf"cannot be opened through cuda-python 12\.6\.2 \(.*\): {refusal}; the driver"
    ):
        connect("cuda-python")


@pytest.mark.skipif(importlib.util.find_spec("cuda") is None, reason="cuda-python is not installed")
@pytest.mark.skipif(bool(probe().gpus), reason="this machine has a GPU")
def test_the_real_cuda_python_without_a_driver_is_an_error_of_ours() -> None:
    with pytest.raises(
        MachineError, match=r"opened through cuda-python \d+.*cudaError.*no NVIDIA driver.*update the driver"
    ):
        connect("cuda-python")


@pytest.mark.skipif(importlib.util.find_spec("cuda") is None, reason="cuda-python is not installed")
def test_the_real_cuda_python_has_every_name_that_is_used() -> None:
    """By the text of the module, against the installed package; it imports without a GPU."""
    import ast
    from pathlib import Path

    from cuda.bindings import runtime

    tree = ast.parse(Path(runtime_api.__file__).read_text())
    called = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "_call"
        and isinstance(node.args[0], ast.Constant)
    }
    read = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr.startswith("cuda") and node.attr != "cuda_version"
    }
    assert len(called) > 15
    functions = {name for name in called | read if callable(getattr(runtime, name, None))}
    constants = {"cudaError_t", "cudaMemcpyKind", "cudaStreamCaptureMode"}
    assert functions - constants == cudart.FUNCTIONS.keys() | set(cudart.TEXTS), "cudart offers neither more nor less"
    nested = {"cudaSuccess", "cudaMemcpyHostToDevice", "cudaMemcpyDeviceToHost", "cudaStreamCaptureModeThreadLocal"}
    assert not [name for name in (called | read) - nested if not hasattr(runtime, name)]
    assert hasattr(runtime.cudaError_t, "cudaSuccess")
    assert hasattr(runtime.cudaMemcpyKind, "cudaMemcpyHostToDevice")
    assert hasattr(runtime.cudaMemcpyKind, "cudaMemcpyDeviceToHost")
    assert hasattr(runtime.cudaStreamCaptureMode, "cudaStreamCaptureModeThreadLocal")
