"""CUDA as the TensorRT engine needs it: memory, copies, a stream, events, a graph; one file per Python binding.

Which binding serves is decided here; none is loaded before the driver has answered (``cuda_probe``), and one that the
driver is too old for stands behind those that it can serve. Memory is plain device memory and page-locked host memory,
never managed memory, which is slow on Jetson and pages on a desktop.
"""

import importlib
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...errors import ConfigurationError, MachineError
from ...ground.error_text import one_line
from ...ground.extra_packages import install_command
from ...machine.cuda_probe import probe
from ...machine.fact import Fact

BINDING_VARIABLE = "DGIQA_EDGE_CUDA"
# binding -> module beside this one with a function `find`, in the order of preference: what the user installed for
# this, then what came with the machine; pycuda last, as it has no CUDA graphs.
BINDINGS: Mapping[str, str] = {"cuda-python": ".cuda_python", "cudart": ".cudart", "pycuda": ".pycuda"}

_REMEDY = (
    "the CUDA runtime of the driver's version (libcudart.so comes with JetPack and with CUDA's toolkit, elsewhere "
    f"LD_LIBRARY_PATH names its folder), or {install_command('tensorrt')} (cuda-python), or {install_command('pycuda')}"
)

Handle = Any
"""A stream, event or graph of a binding; only the binding that made it looks inside."""


class CudaError(Exception):
    """A CUDA call that failed: ``CALL: NAME (MEANING)``. The engine turns it into one of the project's errors."""


class Cuda(Protocol):
    """The first GPU of this process. Every method may raise ``CudaError``."""

    @property
    def name(self) -> str:
        """The binding, its version and that of its CUDA, for ``describe()``."""
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


@dataclass(frozen=True)
class Candidate:
    """A binding that is on this machine, not yet loaded.

    ``where`` is its folder or file. ``cuda`` is the CUDA that it is made for, None where only loading would tell.
    ``open`` raises ImportError or RuntimeError (a library that it needs is missing, or lacks what it needs) and
    CudaError (the GPU does not open).
    """

    binding: str
    version: str
    where: str
    cuda: str | None
    open: Callable[[], Cuda]

    def __str__(self) -> str:
        return f"{self.binding} {self.version} ({self.where})"

    def fits(self, driver_cuda: str | None) -> bool:
        """Whether a driver for CUDA ``driver_cuda`` can serve it, by all that is known.

        Source: CUDA compatibility guide, "Minor Version Compatibility": within a major version any driver does.
        """
        return not self.cuda or not driver_cuda or _major(self.cuda) <= _major(driver_cuda)


def candidates(driver_cuda: str | None, binding: str | None = None) -> list[Candidate]:
    """The bindings that are here, in the order in which they are tried: those that the driver can serve come first.

    Args:
        driver_cuda: the newest CUDA (major.minor) that the driver supports, None where there is no driver.
        binding: as for ``connect``.

    Raises:
        ConfigurationError: no binding has that name.
    """
    wanted = binding or os.environ.get(BINDING_VARIABLE) or None
    if wanted is not None and wanted not in BINDINGS:
        raise ConfigurationError(f"there is no CUDA binding {wanted!r}: use one of {', '.join(BINDINGS)}")
    names = BINDINGS if wanted is None else [wanted]
    found: Iterator[Candidate] = itertools.chain.from_iterable(
        importlib.import_module(BINDINGS[name], __package__).find() for name in names
    )
    return sorted(found, key=lambda candidate: not candidate.fits(driver_cuda))


def connect(binding: str | None = None) -> Cuda:
    """Open the first GPU through a CUDA binding.

    Args:
        binding: one of ``BINDINGS``; None takes the environment variable ``DGIQA_EDGE_CUDA``, or else the first of
            ``candidates`` through which the GPU opens.

    Raises:
        ConfigurationError: no binding has that name.
        MachineError: none is installed, or the driver refuses all of them (too old for them, for example).
    """
    driver = probe()
    problems = []
    for candidate in candidates(driver.driver_cuda, binding):
        try:
            return candidate.open()
        except (CudaError, ImportError, RuntimeError) as error:
            problems.append(f"{candidate}: {one_line(error)}")
    if not problems:
        raise MachineError(_none_here(binding or os.environ.get(BINDING_VARIABLE)))
    state = f"the driver supports CUDA {driver.driver_cuda}" if driver.driver_cuda else driver.problem
    raise MachineError(
        f"the GPU cannot be opened through {', nor through '.join(problems)}; {state}: update the driver, or install "
        f"{_REMEDY}"
    )


def bindings_here() -> Fact:
    """The bindings that are here, with version and place; the first one is used. Loads none, and never raises."""
    driver_cuda = probe().driver_cuda
    try:
        here = candidates(driver_cuda)
    except ConfigurationError as error:
        return Fact(None, str(error))
    if not here:
        return Fact(None, _none_here(os.environ.get(BINDING_VARIABLE)))
    fitting = [str(candidate) for candidate in here if candidate.fits(driver_cuda)]
    others = [
        f"{candidate} needs a driver for CUDA {_major(candidate.cuda)}"
        for candidate in here
        if not candidate.fits(driver_cuda)
    ]
    if fitting:
        return Fact(fitting + others)
    return Fact(None, f"{', '.join(others)}; this one supports CUDA {driver_cuda}: update it, or install {_REMEDY}")


def _major(version: str | None) -> int:
    return int(str(version).partition(".")[0])


def _none_here(wanted: str | None) -> str:
    return f"no CUDA binding for Python is here ({wanted or ', '.join(BINDINGS)}): install {_REMEDY}"


def size_bytes(shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Bytes of a packed array."""
    return int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
