"""What every backend offers: named arrays in, named arrays out. How it does that is its own business."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundle.manifest import EngineRecord
from ..errors import ConfigurationError
from ..ground.limits import MOST_THREADS

Arrays = Mapping[str, NDArray[Any]]
Spinning = bool | Literal["in runs"]
"""Whether idle threads burn CPU for a lower latency: always, never, or only while a run of their engine lasts."""


@dataclass(frozen=True)
class EngineOptions:
    """How to run an engine.

    ``threads``: threads of one operator, None for the backend's own choice. ``providers``: where ONNX Runtime
    executes, first choice first, of ``cpu``, ``cuda``, ``tensorrt``, ``tensorrt-rtx``. ``allow_spinning``: idle
    threads burn CPU for a lower latency; turn it off where other work shares the cores, and say ``"in runs"`` where
    engines take turns: threads that spin between runs take the cores from the engine whose turn it is.
    ``cuda_graph``: whether TensorRT records its work as a CUDA graph. ``cache_folder``: where a backend keeps what it
    compiles for this machine, None for the user's cache. ``beside``: engines of the same scorer that are loaded
    already; a backend may share device memory with them.
    """

    threads: int | None = None
    providers: tuple[str, ...] = ("cpu",)
    allow_spinning: Spinning = True
    cuda_graph: bool = True
    cache_folder: Path | None = None
    beside: "tuple[Engine, ...]" = ()

    def __post_init__(self) -> None:
        check_threads(self.threads)
        if not self.providers:
            raise ConfigurationError("providers is empty: give at least 'cpu'")


def check_threads(threads: int | None) -> None:
    """Refuse a number of threads that no engine takes; None is the backend's own choice.

    Raises:
        ConfigurationError: fewer than 1, or more than ``MOST_THREADS``.
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise ConfigurationError(f"threads is {threads}: give from 1 to {MOST_THREADS}, or leave it out")


@dataclass(frozen=True)
class TensorSpec:
    """An engine's input or output. ``dtype`` is a numpy name; a dimension that is not fixed is None."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def accepts(self, dtype: str, shape: tuple[int, ...]) -> bool:
        """Whether an array of that dtype and shape fits."""
        return (
            dtype == self.dtype
            and len(shape) == len(self.shape)
            and all(own in (None, given) for own, given in zip(self.shape, shape, strict=True))
        )

    def __str__(self) -> str:
        return f"{self.dtype} [{', '.join('?' if side is None else str(side) for side in self.shape)}]"


class Engine(Protocol):
    """A loaded engine file. Use it from one thread at a time; close it once, or use ``with``."""

    @property
    def record(self) -> EngineRecord:
        """The manifest's entry for this engine."""
        ...

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What ``run`` takes."""
        ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What ``run`` gives."""
        ...

    def run(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Execute once.

        A read-only array stands for content that does not change: where it, or a view of it, is given again or to
        another engine, a backend may use the copy that its device still holds.

        Raises:
            ConfigurationError: an input is missing, unknown, of another dtype or shape; or it is closed.
            EngineCompatibilityError: the backend failed on this machine.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """JSON-ready facts: role, the file's SHA-256, backend and its version, device, options."""
        ...

    def close(self) -> None:
        """Free the engine; further calls do nothing."""
        ...

    def __enter__(self) -> "Engine": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def check_inputs(engine_name: str, specs: tuple[TensorSpec, ...], inputs: Arrays) -> None:
    """Refuse arrays that an engine was not built for, before a backend sees them.

    Raises:
        ConfigurationError: names what the engine takes and what was given.
    """
    wanted = {spec.name: spec for spec in specs}
    if wanted.keys() != inputs.keys():
        raise ConfigurationError(f"{engine_name} takes the inputs {sorted(wanted)}, but got {sorted(inputs)}")
    for name, spec in wanted.items():
        array = inputs[name]
        if not isinstance(array, np.ndarray):
            raise ConfigurationError(f"{engine_name}: input '{name}' must be a numpy array, not {type(array).__name__}")
        if not spec.accepts(str(array.dtype), array.shape):
            raise ConfigurationError(
                f"{engine_name}: input '{name}' must be {spec}, but is {array.dtype} {list(array.shape)}"
            )
