"""CUDA through the runtime API, in the form in which cuda-python gives it: functions return ``(error, value...)``.

They never raise; ``_call`` turns an error into ``CudaError``. Where the functions come from is the business of
``cuda_python.py`` and ``cudart.py``.
"""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...machine.cuda_probe import cuda_version
from .binding import CudaError, Handle, size_bytes


class CudaRuntime:
    """See ``binding.Cuda``. Raises CudaError where the GPU does not open."""

    def __init__(self, runtime: Any, name: str) -> None:
        self._runtime = runtime
        status, made_for = runtime.cudaRuntimeGetVersion()
        known = status == runtime.cudaError_t.cudaSuccess
        self.name = f"{name} (CUDA {cuda_version(made_for)})" if known else name
        with self.current():
            self._call("cudaFree", 0)  # creates the context now, so that a driver that refuses is found here

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
            meaning = _text(self._runtime.cudaGetErrorString(status)[1])
            raise CudaError(f"{function}: {self._error_name(status)} ({meaning})")
        return values[0] if values else None

    def _error_name(self, status: Any) -> str:
        return _text(self._runtime.cudaGetErrorName(status)[1])


def _text(words: Any) -> str:
    return words.decode(errors="replace") if isinstance(words, bytes) else str(words)
