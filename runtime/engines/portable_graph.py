"""What the backends that run a bundle's portable graph on the processor have in common; each adds its own package."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import EngineRecord
from ..errors import ConfigurationError, EngineCompatibilityError
from ..ground.error_text import telling_line
from ..machine.processor import processor
from ..machine.version_requirement import satisfies
from .backend import Backend
from .protocol import Arrays, EngineOptions, TensorSpec, check_inputs

Infer = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]


def check_version(backend: Backend, version: str, bundle: Bundle, record: EngineRecord) -> None:
    """Refuse an installed ``version`` that the record does not allow.

    Raises:
        EngineCompatibilityError: names the version that is needed, and the command that installs it.
    """
    wanted = record.requires.backend_version
    if not satisfies(version, wanted):
        raise EngineCompatibilityError(
            f"{bundle.path / record.file} needs {backend.name} {wanted}, installed is {version}: "
            f"pip install '{backend.packages[0]}{wanted}'"
        )


def facts_on_processor(
    backend: Backend, version: str, bundle: Bundle, record: EngineRecord, options: EngineOptions
) -> dict[str, Any]:
    """What ``describe`` says of an engine that this machine's processor computes."""
    return {
        "role": record.role,
        "sha256": bundle.manifest.files[record.file].sha256,
        "backend": backend.name,
        "backend_version": version,
        "device": processor().model,
        "device_features": processor().features_digest,
        "threads": options.threads,
    }


class PortableEngine:
    """A graph that a package has opened, behind the engine protocol.

    Args:
        facts: what ``describe`` says.
        infer: from contiguous inputs to outputs, by name; raises what the package raises.
    """

    def __init__(
        self,
        record: EngineRecord,
        facts: dict[str, Any],
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
        infer: Infer,
    ) -> None:
        self.record, self.inputs, self.outputs = record, inputs, outputs
        self._facts = facts
        self._infer: Infer | None = infer

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        if self._infer is None:
            raise ConfigurationError(f"the engine {self.record.file} is closed: load it again")
        check_inputs(self.record.file, self.inputs, inputs)
        try:
            return self._infer({name: np.ascontiguousarray(array) for name, array in inputs.items()})
        except Exception as error:  # the packages raise a dozen unrelated classes
            raise EngineCompatibilityError(
                f"{self._facts['backend']} {self._facts['backend_version']} failed to run {self.record.file}: "
                f"{telling_line(error)}"
            ) from error

    def describe(self) -> dict[str, Any]:
        return dict(self._facts)

    def close(self) -> None:
        self._infer = None

    def __enter__(self) -> "PortableEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
