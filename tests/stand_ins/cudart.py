"""A CUDA runtime library that is compiled where a test needs it, and what it holds; ``cudart.c`` says what it does."""

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Each differs from the one before in what our code calls: cudaGraphInstantiateWithFlags is new in 11.4,
# cudaGraphInstantiate has other parameters from 12 on, 13 needs a newer driver than JetPack 6 has.
VERSIONS = {"11.1": 11010, "11.4": 11040, "12.6": 12060, "13.0": 13000}
STATUS = {
    "cudaErrorInvalidValue": 1,
    "cudaErrorMemoryAllocation": 2,
    "cudaErrorInsufficientDriver": 35,
    "cudaErrorIllegalAddress": 700,
    "cudaErrorStreamCaptureInvalidated": 901,
}
KINDS = ("device", "host", "streams", "graphs", "instances", "events")


def compile_cudart(folder: Path, version: str) -> Path | None:
    """``libcudart.so.VERSION`` in a folder; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    library = folder / f"libcudart.so.{version}"
    source = Path(__file__).with_suffix(".c")
    options = [
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O1",
        "-shared",
        "-fPIC",
        f"-DCUDA_VERSION={VERSIONS[version]}",
    ]
    subprocess.run([compiler, *options, "-o", library, source], check=True)
    return library


class CudartState:
    """What a compiled library holds and was asked, by the names that the fake cuda-python's state has."""

    def __init__(self, library: Path, driver: int) -> None:
        self._library: Any = ctypes.CDLL(str(library))
        self._library.fake_reset(driver)
        self._callbacks: list[Any] = []

    def fail(self, function: str, status: str, call: int = 1) -> None:
        """Let the ``call``-th next call of ``function`` fail."""
        self._library.fake_fail(function.encode(), STATUS[status], call)

    def count(self, function: str) -> int:
        """How often it was called."""
        return int(self._library.fake_calls(function.encode()))

    def live(self) -> dict[str, int]:
        """How much there is of each kind that is not freed, without those of which there is nothing."""
        counted = {kind: int(self._library.fake_live(number)) for number, kind in enumerate(KINDS)}
        return {kind: number for kind, number in counted.items() if number}

    def has(self, kind: str, address: int) -> bool:
        """Whether something of that kind is at the address."""
        return bool(self._library.fake_is(KINDS.index(kind), ctypes.c_void_p(address)))

    def captures(self, stream: int) -> bool:
        """Whether a stream is being captured."""
        return bool(self._library.fake_captures(ctypes.c_void_p(stream)))

    def put(self, stream: int, work: Callable[[], None]) -> None:
        """What a kernel launch does."""
        callback = ctypes.CFUNCTYPE(None)(work)
        self._callbacks.append(callback)
        assert self._library.fake_put(ctypes.c_void_p(stream), callback) == 0
