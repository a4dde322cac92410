"""Devices: where a build judges its graphs. One small protocol, one implementation per backend.

A device turns a finished graph into what it executes, runs it, and says what it cannot do; which graph is tried and
which result is accepted is the ladder's business. It is not the runtime's engine: that needs a bundle.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from dgiqa_edge.runtime.hashing import Json

from ...frame_graph.graph_session import Run


class Device(Protocol):
    """Evaluates graphs on one backend of this machine.

    Attributes:
        backend: its name, as the manifest writes it.
        name: backend, version and hardware, for people.
        timed: whether how long it takes says anything about the backend.
        as_written: whether a graph for it must be computed as written where ONNX Runtime stands in for it.
        engine_file: name of the file that ``build`` writes; None where the graph itself is executed.
        install_bytes: what the backend's own packages take on the disk; None where no other runs the same graphs.
    """

    backend: str
    name: str
    as_written: bool
    timed: bool
    engine_file: str | None
    install_bytes: int | None

    def identity(self) -> dict[str, Json]:
        """Everything on this machine that its outputs depend on: a figure is reused only under the same identity."""
        ...

    def obstacle(self, precision: str, islands: str = "") -> str:
        """Why a graph of ``precision`` that keeps such ``islands`` makes no sense here; "" if it does."""
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
