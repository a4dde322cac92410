"""Both CUDA bindings behind the one interface, and the choice between them."""

import importlib.util
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.engines.cuda import cuda_python
from dgiqa_edge.runtime.engines.cuda import pycuda as cuda_pycuda
from dgiqa_edge.runtime.engines.cuda.binding import BINDINGS, CudaError, connect, size_bytes
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.machine.cuda_probe import probe


@pytest.fixture(params=list(BINDINGS))
def cuda(request: pytest.FixtureRequest, gpu: SimpleNamespace) -> Any:
    return connect(request.param)


def test_a_round_trip_over_the_device(cuda: Any, gpu: SimpleNamespace) -> None:
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
        assert cuda.stream_address(stream) in gpu.state.streams
        cuda.free(address)
        cuda.free_pinned(source)
        cuda.free_pinned(target)
    assert not gpu.state.device
    assert not gpu.state.host


def test_events_measure(cuda: Any) -> None:
    with cuda.current():
        stream, start, end = cuda.create_stream(), cuda.create_event(), cuda.create_event()
        cuda.record(start, stream)
        cuda.record(end, stream)
        assert cuda.elapsed_ms(start, end) == 1.25
        cuda.destroy_event(start)
        cuda.destroy_event(end)
        cuda.destroy_stream(stream)


def test_a_failed_call_names_itself_and_the_error(cuda: Any, gpu: SimpleNamespace) -> None:
    with cuda.current():
        gpu.state.fail("cudaMalloc", "cudaErrorMemoryAllocation")
        with pytest.raises(CudaError, match="cudaErrorMemoryAllocation"):
            cuda.allocate(8)
        assert cuda.sticky_error() == ""
        cuda.allocate(8)


def test_an_error_that_stays_is_told_from_one_that_passes(cuda: Any, gpu: SimpleNamespace) -> None:
    with cuda.current():
        gpu.state.fail("cudaMalloc", "cudaErrorIllegalAddress")
        with pytest.raises(CudaError):
            cuda.allocate(8)
    assert "cudaErrorIllegalAddress" in cuda.sticky_error()


def test_it_serves_threads_that_come_and_go(cuda: Any) -> None:
    failures = []

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


def test_a_capture_that_fails_in_our_own_code_is_ended(gpu: SimpleNamespace) -> None:
    cuda = connect("cuda-python")
    with cuda.current():
        stream = cuda.create_stream()

        def fail() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            cuda.capture(stream, fail)
        assert stream.captured is None
        cuda.destroy_graph(cuda.capture(stream, lambda: None))
    assert not gpu.state.graphs


@pytest.mark.parametrize(
    ("binding", "function", "words"),
    [
        ("cuda-python", "cudaFree", r"cuda-python .*\(CUDA 12\.6\) \(cudaFree: cudaErrorInsufficientDriver\)"),
        ("pycuda", "cudaSetDevice", r"pycuda 2026\.1 \(CUDA 12\.6\)"),
    ],
)
def test_a_driver_too_old_for_the_binding(gpu: SimpleNamespace, binding: str, function: str, words: str) -> None:
    gpu.driver.version = 11040
    gpu.state.fail(function, "cudaErrorInsufficientDriver")
    supported = "11.4" if binding == "cuda-python" else "12.4"
    with pytest.raises(MachineError, match=rf"cannot be opened through {words}.*supports CUDA {supported}: update"):
        connect(binding)


def test_the_variable_chooses_and_a_wrong_one_is_named(gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DGIQA_EDGE_CUDA", "pycuda")
    assert connect().name.startswith("pycuda")
    monkeypatch.setenv("DGIQA_EDGE_CUDA", "opencl")
    with pytest.raises(ConfigurationError, match="no CUDA binding 'opencl': use one of cuda-python, pycuda"):
        connect()


def missing(*arguments: Any) -> Any:
    raise ModuleNotFoundError("No module named 'it'", name="it")


def test_pycuda_serves_where_cuda_python_is_not_installed(
    gpu: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuda_python, "_import_runtime", missing)
    assert connect().name.startswith("pycuda")
    monkeypatch.setattr(cuda_pycuda, "connect", missing)
    with pytest.raises(MachineError, match=r"no CUDA binding.*cuda-python: .*pycuda: .*pip install"):
        connect()


@pytest.mark.skipif(importlib.util.find_spec("cuda") is None, reason="cuda-python is not installed")
@pytest.mark.skipif(bool(probe().gpus), reason="this machine has a GPU")
def test_the_real_cuda_python_without_a_driver_is_an_error_of_ours() -> None:
    with pytest.raises(MachineError, match=r"cannot be opened through cuda-python \d+.*cudaError.*update the driver"):
        connect("cuda-python")


@pytest.mark.skipif(importlib.util.find_spec("cuda") is None, reason="cuda-python is not installed")
def test_the_real_cuda_python_has_every_name_that_is_used() -> None:
    """By the text of the module, against the installed package; it imports without a GPU."""
    import ast
    from pathlib import Path

    from cuda.bindings import runtime

    tree = ast.parse(Path(cuda_python.__file__).read_text())
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
    nested = {"cudaSuccess", "cudaMemcpyHostToDevice", "cudaMemcpyDeviceToHost", "cudaStreamCaptureModeThreadLocal"}
    assert not [name for name in (called | read) - nested if not hasattr(runtime, name)]
    assert hasattr(runtime.cudaError_t, "cudaSuccess")
    assert hasattr(runtime.cudaMemcpyKind, "cudaMemcpyHostToDevice")
    assert hasattr(runtime.cudaMemcpyKind, "cudaMemcpyDeviceToHost")
    assert hasattr(runtime.cudaStreamCaptureMode, "cudaStreamCaptureModeThreadLocal")
