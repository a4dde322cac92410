# ruff: noqa: N815 - the names are CUDA's
"""CUDA through its runtime library ``libcudart.so`` by ctypes: JetPack and CUDA's toolkit have it.

It gives the library's functions the form of cuda-python's, so that ``runtime_api.py`` serves both. Source: CUDA
runtime API reference, 11.1 to 13.0.
"""

import ctypes
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from ctypes import POINTER, c_char_p, c_float, c_int, c_size_t, c_uint, c_ulonglong, c_void_p
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ...machine.packages import UNKNOWN
from .binding import Candidate
from .runtime_api import CudaRuntime

_OUT = POINTER(c_void_p)
# Function -> its parameters; it returns a cudaError_t. A pointer to something is what it gives back.
FUNCTIONS: Mapping[str, tuple[Any, ...]] = {
    "cudaRuntimeGetVersion": (POINTER(c_int),),
    "cudaSetDevice": (c_int,),
    "cudaDeviceSynchronize": (),
    "cudaGetLastError": (),
    "cudaMalloc": (_OUT, c_size_t),
    "cudaFree": (c_void_p,),
    "cudaHostAlloc": (_OUT, c_size_t, c_uint),
    "cudaFreeHost": (c_void_p,),
    "cudaMemcpyAsync": (c_void_p, c_void_p, c_size_t, c_int, c_void_p),
    "cudaStreamCreateWithFlags": (_OUT, c_uint),
    "cudaStreamSynchronize": (c_void_p,),
    "cudaStreamDestroy": (c_void_p,),
    "cudaStreamBeginCapture": (c_void_p, c_int),
    "cudaStreamEndCapture": (c_void_p, _OUT),
    "cudaGraphInstantiateWithFlags": (_OUT, c_void_p, c_ulonglong),
    "cudaGraphDestroy": (c_void_p,),
    "cudaGraphLaunch": (c_void_p, c_void_p),
    "cudaGraphExecDestroy": (c_void_p,),
    "cudaEventCreate": (_OUT,),
    "cudaEventRecord": (c_void_p, c_void_p),
    "cudaEventSynchronize": (c_void_p,),
    "cudaEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
    "cudaEventDestroy": (c_void_p,),
}
TEXTS = ("cudaGetErrorName", "cudaGetErrorString")
# cudaGraphInstantiate before CUDA 12: executable graph, graph, node and text of an error. It serves where the
# library is older than cudaGraphInstantiateWithFlags, which came with CUDA 11.4.
INSTANTIATE_OF_CUDA_11 = (_OUT, c_void_p, c_void_p, c_char_p, c_size_t)

# Where toolkits, distributions and Conda have it, below a root; pip's packages up to CUDA 12, and from 13 on.
_FOLDERS = ("lib64", "lib", "targets/*/lib", "lib/*-linux-gnu")
_WHEEL_FOLDERS = ("cuda_runtime/lib", "cu[0-9]*/lib")
_FILE = re.compile(r"libcudart\.so\.(\d+(?:\.\d+)?)")


def find() -> Iterator[Candidate]:
    """Every libcudart here, the machine's own before pip's, which on Jetson are for other boards; none is loaded."""
    seen = set()
    for root, folder in places():
        for path in sorted(root.glob(f"{folder}/libcudart.so*"), reverse=True):
            file = os.path.realpath(path)
            if file not in seen:
                seen.add(file)
                version = _FILE.match(Path(file).name) or _FILE.match(path.name)
                cuda = version[1] if version else None
                yield Candidate("cudart", cuda or UNKNOWN, file, cuda, partial(_open, file))


def places() -> Iterator[tuple[Path, str]]:
    """Where a libcudart may lie, a root and a pattern below it, in the order in which they are looked at."""
    for named in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)):
        yield Path(named), "."
    homes = [os.environ.get("CUDA_HOME", ""), os.environ.get("CUDA_PATH", ""), "/usr/local/cuda", "/usr", "/opt/cuda"]
    for folder in _FOLDERS:
        yield from ((Path(home), folder) for home in filter(None, [*homes, sys.prefix]))
        yield Path("/usr/local"), f"cuda-*/{folder}"
    for root in sys.path:
        yield from ((Path(root, "nvidia"), folder) for folder in _WHEEL_FOLDERS)


def _open(file: str) -> CudaRuntime:
    return CudaRuntime(Library(file), f"cudart {file}")


class Library:
    """A libcudart with cuda-python's interface: functions return ``(error, value...)``, addresses and handles are int.

    Raises:
        ImportError: it is not for this machine, or no CUDA runtime from 11.0 on.
    """

    cudaError_t = SimpleNamespace(cudaSuccess=0)
    cudaMemcpyKind = SimpleNamespace(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
    cudaStreamCaptureMode = SimpleNamespace(cudaStreamCaptureModeThreadLocal=1)
    cudaHostAllocDefault = 0
    cudaStreamNonBlocking = 1

    def __init__(self, file: str) -> None:
        try:
            library = ctypes.CDLL(file)
            for name, parameters in FUNCTIONS.items():
                if name == "cudaGraphInstantiateWithFlags" and not hasattr(library, name):
                    setattr(self, name, _instantiate_of_cuda_11(library))
                else:
                    setattr(self, name, _function(library, name, parameters))
            for name in TEXTS:
                setattr(self, name, _text(library, name))
        except (OSError, AttributeError) as error:
            raise ImportError(str(error)) from error


def _function(library: Any, name: str, parameters: tuple[Any, ...]) -> Callable[..., tuple[Any, ...]]:
    function = getattr(library, name)
    function.argtypes, function.restype = parameters, c_int
    results = [hasattr(parameter, "contents") for parameter in parameters]

    def call(*arguments: Any) -> tuple[Any, ...]:
        given = iter(arguments)
        values = [
            parameter._type_() if result else next(given) for parameter, result in zip(parameters, results, strict=True)
        ]
        passed = (ctypes.byref(value) if result else value for value, result in zip(values, results, strict=True))
        status = function(*passed)
        return status, *(value.value for value, result in zip(values, results, strict=True) if result)

    return call


def _instantiate_of_cuda_11(library: Any) -> Callable[..., tuple[Any, ...]]:
    function = _function(library, "cudaGraphInstantiate", INSTANTIATE_OF_CUDA_11)
    return lambda graph, flags: function(graph, None, None, 0)


def _text(library: Any, name: str) -> Callable[[int], tuple[int, bytes]]:
    function = getattr(library, name)
    function.argtypes, function.restype = (c_int,), c_char_p
    return lambda status: (0, function(status) or b"unknown error")
