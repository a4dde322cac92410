"""TensorRT-RTX's runtime as this project uses it: the stand-in of TensorRT beside it, and what only RTX has.

It judges a plan by its header, compiles when an execution context first runs, and keeps what it compiled in a runtime
cache that only its own kind of GPU takes back. ``state`` is for tests: what it answers, and what it did.
"""

import enum
import weakref
from types import SimpleNamespace
from typing import Any

import tensorrt
from cuda.bindings import runtime as cuda
from tensorrt import *  # noqa: F403 - one API, member for member
from tensorrt import ILogger, IProfiler, LayerInformationFormat, TensorFormat, TensorIOMode, TensorLocation

__all__ = ["ILogger", "IProfiler", "LayerInformationFormat", "TensorFormat", "TensorIOMode", "TensorLocation"]
__version__ = "1.7.1.116"
KERNELS = b"kernels for "
state = SimpleNamespace(validity="VALID", diagnostics=0, sku="Fake RTX", compiled=0, strategies=[], headers=[])


class EngineValidity(enum.Enum):
    VALID = 0
    SUBOPTIMAL = 1
    INVALID = 2


class EngineInvalidityDiagnostics(enum.IntFlag):
    VERSION_MISMATCH = 1
    UNSUPPORTED_CC = 2
    OLD_CUDA_DRIVER = 4
    OLD_CUDA_RUNTIME = 8
    INSUFFICIENT_GPU_MEMORY = 16
    MALFORMED_ENGINE = 32
    CUDA_ERROR = 64


class CudaGraphStrategy(enum.Enum):
    DISABLED = 0
    WHOLE_GRAPH_CAPTURE = 1


class Runtime(tensorrt.Runtime):
    engine_header_size = 64

    def get_engine_validity(self, header: bytes) -> tuple[EngineValidity, int]:
        assert len(header) == self.engine_header_size, "more than the header was read, or less"
        state.headers.append(header)
        if state.validity == "INVALID" and not state.diagnostics:
            self._logger.log(ILogger.Severity.INTERNAL_ERROR, "Error reading CUDA GPU properties (cudaError 35)")
        return EngineValidity[state.validity], state.diagnostics

    def deserialize_cuda_engine(self, content: bytes) -> "ICudaEngine | None":
        engine = super().deserialize_cuda_engine(content)
        return None if engine is None else ICudaEngine(engine)


class ICudaEngine:
    def __init__(self, engine: tensorrt.ICudaEngine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def create_runtime_config(self) -> "IRuntimeConfig":
        return IRuntimeConfig()

    def create_execution_context(self, settings: "IRuntimeConfig") -> "IExecutionContext":
        assert isinstance(settings, IRuntimeConfig)
        return IExecutionContext(self._engine, settings)


class IRuntimeCache:
    def __init__(self) -> None:
        self.kernels = b""

    def deserialize(self, blob: bytes) -> bool:
        fits = blob.startswith(KERNELS + state.sku.encode())
        if fits:
            self.kernels = bytes(blob)
        return fits

    def serialize(self) -> bytes:
        return self.kernels


class IRuntimeConfig:
    def __init__(self) -> None:
        self.cuda_graph_strategy = CudaGraphStrategy.DISABLED
        self._cache: Any = lambda: None

    def create_runtime_cache(self) -> IRuntimeCache:
        return IRuntimeCache()

    def set_runtime_cache(self, cache: IRuntimeCache) -> bool:
        self._cache = weakref.ref(cache)  # it does not hold it
        return True


class IExecutionContext(tensorrt.IExecutionContext):
    def __init__(self, engine: tensorrt.ICudaEngine, settings: IRuntimeConfig) -> None:
        super().__init__(engine)
        self._settings = settings
        state.strategies.append(settings.cuda_graph_strategy.name)

    def execute_async_v3(self, stream: int) -> bool:
        cache = self._settings._cache()
        assert cache is not None, "its runtime cache is gone: the real one ends the process here"
        assert not cuda.state.captures(stream), "it allocates as it runs: its work cannot be captured"
        if not cache.kernels:
            state.compiled += 1
            cache.kernels = KERNELS + state.sku.encode()
        return super().execute_async_v3(stream)
