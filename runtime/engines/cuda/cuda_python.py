"""CUDA through cuda-python's ``cuda.bindings.runtime`` (CUDA 11.8 to 13)."""

import importlib
from collections.abc import Iterator
from typing import Any

from ...machine.packages import UNKNOWN, folder_of, version_of
from .binding import Candidate
from .runtime_api import CudaRuntime

# Package to look for -> module with the functions, distribution; the second is cuda-python's until 12.6.
_FORMS = {"cuda.bindings": ("cuda.bindings.runtime", "cuda-bindings"), "cuda.cudart": ("cuda.cudart", "cuda-python")}


def find() -> Iterator[Candidate]:
    """cuda-python where it is installed; its version begins with that of the CUDA it is made for."""
    for package, (module, distribution) in _FORMS.items():
        folder = folder_of(package)
        if folder is not None:
            version = version_of(distribution)
            yield Candidate("cuda-python", version or UNKNOWN, folder, version, _opener(module, version))
            return


def _opener(module: str, version: str | None) -> Any:
    return lambda: CudaRuntime(importlib.import_module(module), f"cuda-python {version or UNKNOWN}")
