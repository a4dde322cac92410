"""ONNX Runtime: executes the portable graph on the CPU, or on a GPU through its CUDA and TensorRT providers."""

from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import EngineRecord
from ..errors import ConfigurationError, EngineCompatibilityError
from ..machine.processor import processor
from ..machine.version_requirement import satisfies
from .protocol import Arrays, EngineOptions, TensorSpec, check_inputs
from .session import CPU, onnxruntime_package, open_session

PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}


def load(bundle: Bundle, record: EngineRecord, options: EngineOptions) -> "OnnxRuntimeEngine":
    """Create a session for one engine file of a verified bundle.

    Raises:
        MachineError: onnxruntime is not installed.
        EngineCompatibilityError: its version is too old, a provider is missing, or it cannot load the graph.
    """
    runtime = onnxruntime_package()
    where = bundle.path / record.file
    if not satisfies(runtime.__version__, record.requires.backend_version):
        raise EngineCompatibilityError(
            f"{where} needs onnxruntime {record.requires.backend_version}, "
            f"installed is {runtime.__version__}: pip install 'onnxruntime{record.requires.backend_version}'"
        )
    providers = _provider_names(runtime, options.providers)
    session = open_session(
        where,
        threads=options.threads,
        providers=providers,
        spinning=options.allow_spinning,
        as_written=bundle.manifest.precision.target != "onnxruntime",
    )
    # A provider whose libraries are missing is left out with a mere warning: a GPU must not become a CPU.
    absent = [name for name in providers if name not in session.get_providers()]
    if absent:
        raise EngineCompatibilityError(
            f"onnxruntime could not start {absent[0]} on this machine (driver or CUDA libraries missing?): "
            "repair them, or use the provider 'cpu'"
        )
    return OnnxRuntimeEngine(session, record, bundle.manifest.files[record.file].sha256, options, runtime.__version__)


class OnnxRuntimeEngine:
    """An ONNX Runtime session behind the engine protocol."""

    def __init__(
        self, session: Any, record: EngineRecord, sha256: str, options: EngineOptions, backend_version: str
    ) -> None:
        self._session = session
        self._options = options
        self._sha256 = sha256
        self._backend_version = backend_version
        self.record = record
        self.inputs = tuple(_spec(node) for node in session.get_inputs())
        self.outputs = tuple(_spec(node) for node in session.get_outputs())

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        if self._session is None:
            raise ConfigurationError(f"the engine {self.record.file} is closed: load it again")
        check_inputs(self.record.file, self.inputs, inputs)
        contiguous = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        names = [spec.name for spec in self.outputs]
        try:
            values = self._session.run(names, contiguous)
        except Exception as error:  # as above: no common class
            raise EngineCompatibilityError(
                f"onnxruntime {self._backend_version} failed to run {self.record.file}: {error}"
            ) from error
        return dict(zip(names, values, strict=True))

    def describe(self) -> dict[str, Any]:
        on_cpu = self._options.providers[0] == "cpu"
        return {
            "role": self.record.role,
            "sha256": self._sha256,
            "backend": "onnxruntime",
            "backend_version": self._backend_version,
            "device": processor().model if on_cpu else self._options.providers[0],
            "device_features": processor().features_digest,
            "providers": list(self._options.providers),
            "threads": self._options.threads,
        }

    def close(self) -> None:
        self._session = None

    def __enter__(self) -> "OnnxRuntimeEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _provider_names(runtime: Any, wanted: tuple[str, ...]) -> list[str]:
    installed = runtime.get_available_providers()
    available = [short for short, name in PROVIDERS.items() if name in installed]
    for short in wanted:
        if short not in available:
            raise EngineCompatibilityError(
                f"onnxruntime {runtime.__version__} has no provider '{short}' here (available: "
                f"{', '.join(available)}): choose one of these, or install onnxruntime-gpu"
            )
    # Nodes that a GPU provider cannot take run on the CPU, so it always closes the list.
    return [PROVIDERS[short] for short in dict.fromkeys([*wanted, "cpu"])]


def _spec(node: Any) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) else None for side in node.shape)
    return TensorSpec(node.name, _DTYPES.get(node.type, node.type), shape)
