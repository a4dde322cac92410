"""CUDA through cuda-python's ``cuda.bindings.runtime`` (CUDA 11.8 to 13), the default binding.

Its functions return ``(error, value...)`` and never raise; ``_call`` turns that into ``CudaError``.
"""

import contextlib
import ctypes
import importlib
import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...errors import MachineError
from ...machine.cuda_probe import cuda_version, probe
from .binding import CudaError, Handle, size_bytes

_MODULES = ("cuda.bindings.runtime", "cuda.cudart")  # the second until cuda-python 12.6
_DISTRIBUTIONS = ("cuda-bindings", "cuda-python")


def connect() -> "CudaPython":
    """Open GPU 0.

    Raises:
        ImportError: cuda-python is not installed.
        MachineError: the driver is older than this cuda-python needs, or the device does not open.
    """
    return CudaPython(_import_runtime())


class CudaPython:
    """See ``binding.Cuda``."""

    def __init__(self, runtime: Any) -> None:
        self._runtime = runtime
        self.name = f"cuda-python {_version()}"
        status, built_for = runtime.cudaRuntimeGetVersion()
        if status == runtime.cudaError_t.cudaSuccess:
            self.name += f" (CUDA {cuda_version(built_for)})"
        try:
            with self.current():
                self._call("cudaFree", 0)  # creates the context now, so that a driver that refuses is named here
        except CudaError as error:
            supported = probe().driver_cuda or "of an unknown version"
            raise MachineError(
                f"the GPU cannot be opened through {self.name} ({error}); the driver supports CUDA {supported}: update "
                "the driver, or install the cuda-python of that CUDA version"
            ) from error

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        self._call("cudaSetDevice", 0)
        yield

    def allocate(self, size_bytes: int) -> int:
        return int(self._call("cudaMalloc", size_bytes))

    def free(self, address: int) -> None:
        self._call("cudaFree", address)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        length = size_bytes(shape, dtype)
        address = int(self._call("cudaHostAlloc", length, self._runtime.cudaHostAllocDefault))
        memory = (ctypes.c_uint8 * length).from_address(address)
        return np.frombuffer(memoryview(memory), dtype=dtype).reshape(shape)

    def free_pinned(self, array: NDArray[Any]) -> None:
        self._call("cudaFreeHost", array.ctypes.data)

    def create_stream(self) -> Handle:
        return self._call("cudaStreamCreateWithFlags", self._runtime.cudaStreamNonBlocking)

    def destroy_stream(self, stream: Handle) -> None:
        self._call("cudaStreamDestroy", stream)

    def stream_address(self, stream: Handle) -> int:
        return int(stream)

    def upload(self, address: int, host: NDArray[Any], stream: Handle) -> None:
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._call("cudaMemcpyAsync", address, host.ctypes.data, host.nbytes, kind, stream)

    def download(self, host: NDArray[Any], address: int, stream: Handle) -> None:
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._call("cudaMemcpyAsync", host.ctypes.data, address, host.nbytes, kind, stream)

    def synchronize(self, stream: Handle) -> None:
        self._call("cudaStreamSynchronize", stream)

    def capture(self, stream: Handle, enqueue: Callable[[], None]) -> Handle:
        # Thread-local: what other threads do with the device does not spoil this capture.
        self._call(
            "cudaStreamBeginCapture", stream, self._runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        )
        try:
            enqueue()
        except BaseException:
            self._abandon_capture(stream)
            raise
        try:
            graph = self._call("cudaStreamEndCapture", stream)
        except CudaError:
            self._runtime.cudaGetLastError()
            raise
        try:
            return self._call("cudaGraphInstantiateWithFlags", graph, 0)
        finally:
            self._runtime.cudaGraphDestroy(graph)

    def launch(self, graph: Handle, stream: Handle) -> None:
        self._call("cudaGraphLaunch", graph, stream)

    def destroy_graph(self, graph: Handle) -> None:
        self._call("cudaGraphExecDestroy", graph)

    def create_event(self) -> Handle:
        return self._call("cudaEventCreate")

    def record(self, event: Handle, stream: Handle) -> None:
        self._call("cudaEventRecord", event, stream)

    def elapsed_ms(self, start: Handle, end: Handle) -> float:
        self._call("cudaEventSynchronize", end)
        return float(self._call("cudaEventElapsedTime", start, end))

    def destroy_event(self, event: Handle) -> None:
        self._call("cudaEventDestroy", event)

    def sticky_error(self) -> str:
        """An error that is still there after it was cleared has ended the context."""
        for _ in range(2):
            self._runtime.cudaGetLastError()
            status = self._runtime.cudaDeviceSynchronize()[0]
        return "" if status == self._runtime.cudaError_t.cudaSuccess else self._error_name(status)

    def _abandon_capture(self, stream: Handle) -> None:
        status, graph = self._runtime.cudaStreamEndCapture(stream)
        if status == self._runtime.cudaError_t.cudaSuccess:
            self._runtime.cudaGraphDestroy(graph)
        self._runtime.cudaGetLastError()

    def _call(self, function: str, *arguments: Any) -> Any:
        status, *values = getattr(self._runtime, function)(*arguments)
        if status != self._runtime.cudaError_t.cudaSuccess:
            raise CudaError(f"{function}: {self._error_name(status)}")
        return values[0] if values else None

    def _error_name(self, status: Any) -> str:
        _, name = self._runtime.cudaGetErrorName(status)
        return name.decode() if isinstance(name, bytes) else str(name)


def _import_runtime() -> Any:
    for name in _MODULES:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            missing = error
    raise missing


def _version() -> str:
    for distribution in _DISTRIBUTIONS:
        try:
            return importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "of unknown version"
