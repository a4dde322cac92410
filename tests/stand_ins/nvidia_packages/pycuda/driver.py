"""See the package. Contexts are counted per thread, as pycuda aborts a process whose thread ends with one pushed."""

import threading
from typing import Any

import numpy as np
from cuda.bindings import runtime as cuda


class Error(Exception):
    pass


class LogicError(Error):
    pass


_stack = threading.local()


def _checked(answer: tuple[Any, ...]) -> Any:
    status, *values = answer
    if status != cuda.OK:
        raise LogicError(f"cuFake failed: {status.name}")
    return values[0] if values else None


def depth() -> int:
    return getattr(_stack, "depth", 0)


def init() -> None:
    _checked(cuda.cudaSetDevice(0))


def get_version() -> tuple[int, int, int]:
    return (12, 6, 0)


def get_driver_version() -> int:
    return 12040


class Context:
    def push(self) -> None:
        _stack.depth = depth() + 1

    @staticmethod
    def pop() -> None:
        assert depth() > 0
        _stack.depth -= 1

    @staticmethod
    def synchronize() -> None:
        assert depth() > 0
        _checked(cuda.cudaDeviceSynchronize())


class Device:
    def __init__(self, ordinal: int) -> None:
        assert ordinal == 0

    def retain_primary_context(self) -> Context:
        return Context()


class DeviceAllocation:
    def __init__(self, size: int) -> None:
        self.address = _checked(cuda.cudaMalloc(size))

    def __int__(self) -> int:
        return self.address

    def free(self) -> None:
        _checked(cuda.cudaFree(self.address))


def mem_alloc(size: int) -> DeviceAllocation:
    assert depth() > 0
    return DeviceAllocation(size)


class HostAllocation:
    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self.address = _checked(cuda.cudaHostAlloc(size, 0))
        self.__array_interface__ = {
            "shape": shape,
            "typestr": np.dtype(dtype).str,
            "data": (self.address, False),
            "version": 3,
        }

    def free(self) -> None:
        _checked(cuda.cudaFreeHost(self.address))


def pagelocked_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    assert depth() > 0
    return np.asarray(HostAllocation(shape, dtype))


class Stream:
    def __init__(self, flags: int = 0) -> None:
        assert depth() > 0
        self.stream = _checked(cuda.cudaStreamCreateWithFlags(flags))

    @property
    def handle(self) -> int:
        return int(self.stream)

    def synchronize(self) -> "Stream":
        _checked(cuda.cudaStreamSynchronize(self.stream))
        return self


class Event:
    def record(self, stream: Stream) -> "Event":
        return self

    def synchronize(self) -> "Event":
        return self

    def time_till(self, other: "Event") -> float:
        return 1.25


def memcpy_htod_async(target: int, source: np.ndarray, stream: Stream) -> None:
    kind = cuda.cudaMemcpyKind.cudaMemcpyHostToDevice
    _checked(cuda.cudaMemcpyAsync(target, source.ctypes.data, source.nbytes, kind, stream.stream))


def memcpy_dtoh_async(target: np.ndarray, source: int, stream: Stream) -> None:
    kind = cuda.cudaMemcpyKind.cudaMemcpyDeviceToHost
    _checked(cuda.cudaMemcpyAsync(target.ctypes.data, source, target.nbytes, kind, stream.stream))
