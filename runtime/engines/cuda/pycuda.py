"""CUDA through pycuda, which is compiled against the machine's own driver library.

It works in the device's primary context, the one TensorRT uses. It has no graph capture, so engines run without a
CUDA graph and say so.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from numpy.typing import DTypeLike, NDArray

from ...machine.packages import UNKNOWN, folder_of, version_of
from .binding import Candidate, CudaError, Handle


def find() -> Iterator[Candidate]:
    """pycuda where it is installed; loading it would tell which CUDA it was compiled for."""
    folder = folder_of("pycuda")
    if folder is not None:
        yield Candidate("pycuda", version_of("pycuda") or UNKNOWN, folder, None, _open)


def _open() -> "PyCuda":
    import pycuda
    import pycuda.driver as driver

    return PyCuda(driver, pycuda.VERSION_TEXT)


class PyCuda:
    """See ``binding.Cuda``. Raises CudaError where the GPU does not open."""

    def __init__(self, driver: Any, version: str) -> None:
        self._driver = driver
        self._memory: dict[int, Any] = {}
        made_for = ".".join(str(part) for part in driver.get_version()[:2])
        self.name = f"pycuda {version} (CUDA {made_for})"
        self._call(driver.init)
        self._context = self._call(lambda: driver.Device(0).retain_primary_context())

    @contextlib.contextmanager
    def current(self) -> Iterator[None]:
        """pycuda aborts the process when a thread ends with a context still pushed, so each block pops its own."""
        self._call(self._context.push)
        try:
            yield
        finally:
            self._context.pop()

    def allocate(self, size_bytes: int) -> int:
        memory = self._call(self._driver.mem_alloc, size_bytes)
        self._memory[int(memory)] = memory  # pycuda frees device memory when its object goes
        return int(memory)

    def free(self, address: int) -> None:
        self._call(self._memory.pop(address).free)

    def pinned(self, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        array: NDArray[Any] = self._call(self._driver.pagelocked_empty, shape, dtype)
        return array

    def free_pinned(self, array: NDArray[Any]) -> None:
        self._call(array.base.free)  # type: ignore[union-attr]

    def create_stream(self) -> Handle:
        return self._call(self._driver.Stream, 1)  # CU_STREAM_NON_BLOCKING

    def destroy_stream(self, stream: Handle) -> None:
        """pycuda destroys a stream with its object."""

    def stream_address(self, stream: Handle) -> int:
        return int(stream.handle)

    def upload(self, address: int, host: NDArray[Any], stream: Handle) -> None:
        self._call(self._driver.memcpy_htod_async, address, host, stream)

    def download(self, host: NDArray[Any], address: int, stream: Handle) -> None:
        self._call(self._driver.memcpy_dtoh_async, host, address, stream)

    def synchronize(self, stream: Handle) -> None:
        self._call(stream.synchronize)

    def capture(self, stream: Handle, enqueue: Callable[[], None]) -> Handle:
        raise CudaError("pycuda has no graph capture")

    def launch(self, graph: Handle, stream: Handle) -> None:
        raise CudaError("pycuda has no graphs")

    def destroy_graph(self, graph: Handle) -> None:
        """There is never one."""

    def create_event(self) -> Handle:
        return self._call(self._driver.Event)

    def record(self, event: Handle, stream: Handle) -> None:
        self._call(event.record, stream)

    def elapsed_ms(self, start: Handle, end: Handle) -> float:
        self._call(end.synchronize)
        return float(self._call(start.time_till, end))

    def destroy_event(self, event: Handle) -> None:
        """pycuda destroys an event with its object."""

    def sticky_error(self) -> str:
        """The driver API reports an error again and again once it has ended the context."""
        problem = ""
        for _ in range(2):
            try:
                with self.current():
                    self._driver.Context.synchronize()
            except (self._driver.Error, CudaError) as error:
                problem = str(error)
            else:
                return ""
        return problem

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except self._driver.Error as error:
            raise CudaError(str(error)) from error
