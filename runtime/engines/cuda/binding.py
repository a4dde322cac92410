"""CUDA as the TensorRT engine needs it: memory, copies, a stream, events, a graph; one file per Python binding.

Which binding serves is decided here; none is imported before the driver has answered (``cuda_probe``). Memory is plain
device memory and page-locked host memory, never managed memory, which is slow on Jetson and pages on a desktop.
"""

import importlib
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...errors import ConfigurationError, MachineError
from ...ground.extra_packages import install_command

BINDING_VARIABLE = "DGIQA_EDGE_CUDA"
# binding -> module beside this one with a function `connect`; the first one that is installed serves.
BINDINGS: Mapping[str, str] = {"cuda-python": ".cuda_python", "pycuda": ".pycuda"}

Handle = Any
"""A stream, event or graph of a binding; only the binding that made it looks inside."""


class CudaError(Exception):
    """A CUDA call that failed: ``CALL: NAME``. The engine turns it into one of the project's errors."""


class Cuda(Protocol):
    """The first GPU of this process. Every method may raise ``CudaError``."""

    @property
    def name(self) -> str:
        """The binding and its version, for ``describe()``."""
        ...

    def current(self) -> AbstractContextManager[None]:
        """Make the GPU the calling thread's; every other call belongs inside this block."""
        ...

    def allocate(self, size_bytes: int) -> int:
        """Address of new device memory."""
        ...

    def free(self, address: int) -> None: ...

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """A C-contiguous host array in page-locked memory, not initialised."""
        ...

    def free_pinned(self, array: NDArray[Any]) -> None:
        """Give back what ``pinned`` returned; no view of it may be used any more."""
        ...

    def create_stream(self) -> Handle:
        """A stream that does not wait for the default one."""
        ...

    def destroy_stream(self, stream: Handle) -> None: ...

    def stream_address(self, stream: Handle) -> int:
        """The ``cudaStream_t`` as an integer, as TensorRT takes it."""
        ...

    def upload(self, address: int, host: NDArray[Any], stream: Handle) -> None:
        """Start copying a page-locked array to the device."""
        ...

    def download(self, host: NDArray[Any], address: int, stream: Handle) -> None:
        """Start copying device memory into a page-locked array."""
        ...

    def synchronize(self, stream: Handle) -> None:
        """Wait until everything on the stream is done; errors of that work surface here."""
        ...

    def capture(self, stream: Handle, enqueue: Callable[[], None]) -> Handle:
        """Record what ``enqueue`` puts on the stream as a graph instead of running it.

        Whatever goes wrong, the stream is out of capture mode afterwards.
        """
        ...

    def launch(self, graph: Handle, stream: Handle) -> None: ...

    def destroy_graph(self, graph: Handle) -> None: ...

    def create_event(self) -> Handle: ...

    def record(self, event: Handle, stream: Handle) -> None: ...

    def elapsed_ms(self, start: Handle, end: Handle) -> float:
        """Milliseconds between two recorded events, after waiting for the second."""
        ...

    def destroy_event(self, event: Handle) -> None: ...

    def sticky_error(self) -> str:
        """Name of the error that has ended this process's CUDA context, or an empty string. Never raises."""
        ...


def connect(binding: str | None = None) -> Cuda:
    """Open the first GPU through a CUDA binding.

    Args:
        binding: ``cuda-python`` or ``pycuda``; None takes the environment variable ``DGIQA_EDGE_CUDA``, or else the
            first one installed.

    Raises:
        ConfigurationError: no binding has that name.
        MachineError: none is installed, or the driver refuses (too old for the binding, for example).
    """
    wanted = binding or os.environ.get(BINDING_VARIABLE) or None
    if wanted is not None and wanted not in BINDINGS:
        raise ConfigurationError(f"there is no CUDA binding {wanted!r}: use one of {', '.join(BINDINGS)}")
    missing = []
    for name in BINDINGS if wanted is None else [wanted]:
        module = importlib.import_module(BINDINGS[name], __package__)
        try:
            return cast(Cuda, module.connect())
        except ImportError as error:
            missing.append(f"{name}: {error}")
    raise MachineError(
        f"no CUDA binding for Python can be loaded ({'; '.join(missing)}): {install_command('tensorrt')} "
        f"(cuda-python), or {install_command('pycuda')}"
    )


def size_bytes(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Bytes of a packed array."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
