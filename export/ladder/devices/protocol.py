"""Devices: where a build judges its graphs. One small protocol, one implementation per backend.

A device turns a finished graph into what it executes, runs it, and says what it cannot do; which graph is tried and
which result is accepted is the ladder's business. It is not the runtime's engine: that needs a bundle.
"""

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, cast

from dgiqa_edge.runtime.errors import EngineCompatibilityError
from dgiqa_edge.runtime.hashing import Json

from ...frame_graph.graph_session import Run

# backend -> module beside this one with a function `open_device(threads)`. TensorRT's own device needs the build's
# engine stage besides (tensorrt.py); here is what judges its graphs where no engine is asked for.
DEVICES: Mapping[str, str] = {
    "onnxruntime": ".onnxruntime",
    "tensorrt": ".portable",
}


class Device(Protocol):
    """Evaluates graphs on one backend of this machine.

    Attributes:
        backend: its name, as the manifest writes it.
        name: backend, version and hardware, for people.
        float_part: ``fp16`` where half precision is fast, and the float part of an INT8 graph is written in it; else
            ``fp32``.
        engine_file: name of the file that ``build`` writes; None where the graph itself is executed.
    """

    backend: str
    name: str
    float_part: str
    engine_file: str | None

    def identity(self) -> dict[str, Json]:
        """Everything on this machine that its outputs depend on: a figure is reused only under the same identity."""
        ...

    def obstacle(self, precision: str) -> str:
        """Why a graph of ``precision`` makes no sense here; "" if it does."""
        ...

    def build(self, graph: Path, directory: Path) -> Mapping[str, Json]:
        """Write ``engine_file`` into ``directory``; not called where that is None.

        Returns:
            facts for the record.

        Raises:
            DgiqaEdgeError: the backend cannot build the graph.
        """
        ...

    def open(self, executable: Path) -> AbstractContextManager[Run]:
        """The engine (or graph) as a function from a frame, uint8 [1, H, W, 3], to named outputs; freed on exit.

        Raises:
            DgiqaEdgeError: the backend cannot load or run it.
        """
        ...


def open_device(backend: str, threads: int) -> Device:
    """The device of a backend.

    Raises:
        EngineCompatibilityError: this version cannot judge graphs on that backend.
        MachineError: the backend's package is missing.
    """
    if backend not in DEVICES:
        raise EngineCompatibilityError(
            f"this version cannot check engines of {backend}: use --backend {' or '.join(DEVICES)}"
        )
    return cast(Device, importlib.import_module(DEVICES[backend], __package__).open_device(threads))
