# ruff: noqa: N801, N802, N815, N816 - the names are CUDA's
"""An in-memory CUDA runtime with cuda-python's interface: functions return ``(status, value...)``.

Device memory is host memory of its own, poisoned; work on a stream runs when the stream is synchronised, as late as a
GPU may run it, so a forgotten wait or an early read shows. Copies outside what was allocated are errors.
``DGIQA_FAKE_CUDA_FAIL`` injects failures: ``cudaMalloc=cudaErrorMemoryAllocation@3`` fails the third call.
"""

import ctypes
import enum
import functools
import os
from collections import Counter
from collections.abc import Callable
from typing import Any


class cudaError_t(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInsufficientDriver = 35
    cudaErrorIllegalAddress = 700
    cudaErrorStreamCaptureUnsupported = 900
    cudaErrorStreamCaptureInvalidated = 901


class cudaMemcpyKind(enum.IntEnum):
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2


class cudaStreamCaptureMode(enum.IntEnum):
    cudaStreamCaptureModeThreadLocal = 1


cudaHostAllocDefault = 0
cudaStreamNonBlocking = 1

OK = cudaError_t.cudaSuccess
STICKY = {cudaError_t.cudaErrorIllegalAddress}
NEVER_FAIL = {"cudaGetErrorName", "cudaGetErrorString", "cudaGetLastError", "cudaRuntimeGetVersion"}
POISON = 0xCD
DEVICE_BYTES = 8 << 30


class Stream:
    def __init__(self, address: int) -> None:
        self.address = address
        self.queue: list[Callable[[], None]] = []
        self.captured: list[Callable[[], None]] | None = None

    def __int__(self) -> int:
        return self.address


class State:
    """All of it, so that a test can start afresh."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.device: dict[int, Any] = {}
        self.host: dict[int, Any] = {}
        self.streams: dict[int, Stream] = {}
        self.graphs: set[int] = set()
        self.graph_work: dict[int, list[Callable[[], None]]] = {}
        self.sticky: cudaError_t | None = None
        self.failures = _failures(os.environ.get("DGIQA_FAKE_CUDA_FAIL", ""))
        self.next_handle = 1

    def handle(self) -> int:
        self.next_handle += 1
        return self.next_handle

    def fail(self, function: str, status: str, call: int = 1) -> None:
        """Let the ``call``-th next call of ``function`` fail."""
        self.failures[function] = (cudaError_t[status], self.calls[function] + call)

    def live(self) -> dict[str, int]:
        """How much there is of each kind that is not freed, without those of which there is nothing."""
        return {kind: len(found) for kind in ("device", "host", "streams", "graphs") if (found := vars(self)[kind])}

    def has(self, kind: str, address: int) -> bool:
        """Whether something of that kind is at the address."""
        return address in vars(self)[kind]

    def captures(self, stream: int) -> bool:
        """Whether a stream is being captured."""
        return self.streams[stream].captured is not None

    def put(self, stream: int, work: Callable[[], None]) -> None:
        """What a kernel launch does: queue ``work``, or record it while the stream is being captured."""
        found = self.streams[int(stream)]
        (found.queue if found.captured is None else found.captured).append(work)


def _failures(text: str) -> dict[str, tuple[cudaError_t, int]]:
    found = {}
    for entry in filter(None, text.split(",")):
        function, _, rest = entry.partition("=")
        status, _, call = rest.partition("@")
        found[function] = (cudaError_t[status], int(call or 1))
    return found


state = State()


def reset() -> State:
    global state
    state = State()
    return state


def api(function: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """Count the call; once the context is lost, or where a failure was ordered, do nothing but fail."""
    name = function.__name__

    @functools.wraps(function)
    def call(*arguments: Any) -> tuple[Any, ...]:
        state.calls[name] += 1
        if name in NEVER_FAIL:
            return function(*arguments)
        status, at = state.failures.get(name, (OK, 0))
        if status != OK and state.calls[name] == at:
            if status in STICKY:
                state.sticky = status
            if name == "cudaStreamEndCapture":  # an invalidated capture is over all the same
                arguments[0].captured = None
            return (status, None)
        if state.sticky is not None:
            return (state.sticky, None)
        return function(*arguments)

    return call


@api
def cudaRuntimeGetVersion() -> tuple[Any, ...]:
    return OK, 12060


@api
def cudaSetDevice(device: int) -> tuple[Any, ...]:
    return (OK if device == 0 else cudaError_t.cudaErrorInvalidValue,)


@api
def cudaMalloc(size: int) -> tuple[Any, ...]:
    if size > DEVICE_BYTES:
        return cudaError_t.cudaErrorMemoryAllocation, None
    memory = (ctypes.c_uint8 * size).from_buffer(bytearray([POISON]) * size)
    state.device[ctypes.addressof(memory)] = memory
    return OK, ctypes.addressof(memory)


@api
def cudaFree(address: int) -> tuple[Any, ...]:
    if address == 0:
        return (OK,)
    return (OK if state.device.pop(address, None) is not None else cudaError_t.cudaErrorInvalidValue,)


@api
def cudaHostAlloc(size: int, flags: int) -> tuple[Any, ...]:
    memory = (ctypes.c_uint8 * size).from_buffer(bytearray([POISON]) * size)
    state.host[ctypes.addressof(memory)] = memory
    return OK, ctypes.addressof(memory)


@api
def cudaFreeHost(address: int) -> tuple[Any, ...]:
    return (OK if state.host.pop(address, None) is not None else cudaError_t.cudaErrorInvalidValue,)


@api
def cudaStreamCreateWithFlags(flags: int) -> tuple[Any, ...]:
    stream = Stream(state.handle())
    state.streams[stream.address] = stream
    return OK, stream


@api
def cudaStreamDestroy(stream: Stream) -> tuple[Any, ...]:
    return (OK if state.streams.pop(int(stream), None) is not None else cudaError_t.cudaErrorInvalidValue,)


@api
def cudaMemcpyAsync(target: int, source: int, size: int, kind: int, stream: Stream) -> tuple[Any, ...]:
    to_device = kind == cudaMemcpyKind.cudaMemcpyHostToDevice
    device, host = (target, source) if to_device else (source, target)
    for address, known in ((device, state.device), (host, state.host)):
        if address not in known or ctypes.sizeof(known[address]) < size:
            return (cudaError_t.cudaErrorInvalidValue,)
    state.put(int(stream), lambda: ctypes.memmove(target, source, size) and None)
    return (OK,)


@api
def cudaStreamSynchronize(stream: Stream) -> tuple[Any, ...]:
    queue, stream.queue = stream.queue, []
    for work in queue:
        work()
    return (OK,)


@api
def cudaDeviceSynchronize() -> tuple[Any, ...]:
    return (OK,)


@api
def cudaStreamBeginCapture(stream: Stream, mode: int) -> tuple[Any, ...]:
    if stream.captured is not None:
        return (cudaError_t.cudaErrorStreamCaptureUnsupported,)
    stream.captured = []
    return (OK,)


@api
def cudaStreamEndCapture(stream: Stream) -> tuple[Any, ...]:
    if stream.captured is None:
        return cudaError_t.cudaErrorInvalidValue, None
    graph = state.handle()
    state.graph_work[graph], stream.captured = stream.captured, None
    state.graphs.add(graph)
    return OK, graph


@api
def cudaGraphInstantiateWithFlags(graph: int, flags: int) -> tuple[Any, ...]:
    instance = state.handle()
    state.graph_work[instance] = state.graph_work[graph]
    state.graphs.add(instance)
    return OK, instance


@api
def cudaGraphLaunch(graph: int, stream: Stream) -> tuple[Any, ...]:
    for work in state.graph_work[graph]:
        state.put(int(stream), work)
    return (OK,)


def _destroy_graph(graph: int) -> tuple[Any, ...]:
    known = graph in state.graphs
    state.graphs.discard(graph)
    return (OK if known else cudaError_t.cudaErrorInvalidValue,)


@api
def cudaGraphDestroy(graph: int) -> tuple[Any, ...]:
    return _destroy_graph(graph)


@api
def cudaGraphExecDestroy(graph: int) -> tuple[Any, ...]:
    return _destroy_graph(graph)


@api
def cudaEventCreate() -> tuple[Any, ...]:
    return OK, state.handle()


@api
def cudaEventRecord(event: int, stream: Stream) -> tuple[Any, ...]:
    return (OK,)


@api
def cudaEventSynchronize(event: int) -> tuple[Any, ...]:
    return (OK,)


@api
def cudaEventElapsedTime(start: int, end: int) -> tuple[Any, ...]:
    return OK, 1.25


@api
def cudaEventDestroy(event: int) -> tuple[Any, ...]:
    return (OK,)


@api
def cudaGetLastError() -> tuple[Any, ...]:
    return (state.sticky or OK,)


@api
def cudaGetErrorName(status: cudaError_t) -> tuple[Any, ...]:
    return OK, status.name.encode()


@api
def cudaGetErrorString(status: cudaError_t) -> tuple[Any, ...]:
    return OK, b"out of memory" if status == cudaError_t.cudaErrorMemoryAllocation else b"its meaning in words"
