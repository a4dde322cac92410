"""OpenVINO: executes the portable graph on the CPU, with the options that the native library gives it.

The one module that touches the openvino package, which is imported when the first engine is loaded.
"""

from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import EngineRecord
from ..errors import ConfigurationError, EngineCompatibilityError, MachineError
from ..ground.extra_packages import install_command
from ..machine.processor import processor
from ..machine.version_requirement import satisfies
from .protocol import Arrays, EngineOptions, TensorSpec, check_inputs

_DTYPES = {"u8": "uint8", "i8": "int8", "i32": "int32", "i64": "int64", "f16": "float16", "f32": "float32"}


def load(bundle: Bundle, record: EngineRecord, options: EngineOptions) -> "OpenVinoEngine":
    """Compile one graph of a verified bundle; inner results stay FP32 where the graph says so.

    Raises:
        MachineError: openvino is not installed.
        EngineCompatibilityError: its version is too old, another provider than ``cpu`` is asked for, or it cannot
            load the graph.
    """
    package = _import_openvino()
    where = str(bundle.path / record.file)
    version = package.__version__.partition("-")[0]
    if not satisfies(version, record.requires.backend_version):
        raise EngineCompatibilityError(
            f"{where} needs openvino {record.requires.backend_version}, installed is {version}: "
            f"pip install 'openvino{record.requires.backend_version}'"
        )
    if options.providers != ("cpu",):
        raise EngineCompatibilityError(
            f"the backend openvino runs on the CPU, not on {', '.join(options.providers)}: leave the providers out"
        )
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if options.threads is not None:
        settings["INFERENCE_NUM_THREADS"] = options.threads
    try:
        model = package.Core().compile_model(where, "CPU", settings)
    except Exception as error:  # openvino raises plain RuntimeError and its kin
        raise EngineCompatibilityError(f"openvino {version} cannot load {where}: {_last_line(error)}") from error
    return OpenVinoEngine(model, record, bundle.manifest.files[record.file].sha256, options, version)


class OpenVinoEngine:
    """A compiled model behind the engine protocol."""

    def __init__(self, model: Any, record: EngineRecord, sha256: str, options: EngineOptions, version: str) -> None:
        self._request = model.create_infer_request()
        self._options = options
        self._sha256 = sha256
        self._backend_version = version
        self.record = record
        self.inputs = tuple(_spec(port) for port in model.inputs)
        self.outputs = tuple(_spec(port) for port in model.outputs)

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        if self._request is None:
            raise ConfigurationError(f"the engine {self.record.file} is closed: load it again")
        check_inputs(self.record.file, self.inputs, inputs)
        contiguous = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
        try:
            values = self._request.infer(contiguous, share_inputs=True)
        except Exception as error:  # as above
            raise EngineCompatibilityError(
                f"openvino {self._backend_version} failed to run {self.record.file}: {_last_line(error)}"
            ) from error
        return {spec.name: values[spec.name] for spec in self.outputs}

    def describe(self) -> dict[str, Any]:
        return {
            "role": self.record.role,
            "sha256": self._sha256,
            "backend": "openvino",
            "backend_version": self._backend_version,
            "device": processor().model,
            "device_features": processor().features_digest,
            "threads": self._options.threads,
        }

    def close(self) -> None:
        self._request = None

    def __enter__(self) -> "OpenVinoEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _import_openvino() -> Any:
    try:
        import openvino
    except ImportError as error:
        state = "is not installed" if isinstance(error, ModuleNotFoundError) else f"cannot be loaded ({error})"
        raise MachineError(f"openvino {state}: {install_command('openvino')}") from error
    return openvino


def _last_line(error: Exception) -> str:
    """OpenVINO's messages have several lines, the first of which name its own source files."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _spec(port: Any) -> TensorSpec:
    shape = tuple(side.get_length() if side.is_static else None for side in port.get_partial_shape())
    dtype = port.get_element_type().get_type_name()
    return TensorSpec(port.get_any_name(), _DTYPES.get(dtype, dtype), shape)
