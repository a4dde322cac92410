"""ONNX Runtime on the CPU as a device to build for: it executes the graph itself, and FP16 only in name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dgiqa_edge.runtime.engines.onnxruntime import BACKEND
from dgiqa_edge.runtime.engines.session import onnxruntime_package
from dgiqa_edge.runtime.hashing import Json
from dgiqa_edge.runtime.machine.packages import disk_bytes
from dgiqa_edge.runtime.machine.processor import processor

from ...frame_graph.graph_session import Run, open_graph


def open_device(threads: int) -> "OnnxRuntimeDevice":
    """The CPU of this machine.

    Raises:
        MachineError: onnxruntime is not installed.
    """
    return OnnxRuntimeDevice(onnxruntime_package().__version__, threads)


class OnnxRuntimeDevice:
    """See ``protocol.Device``; ``runtime`` declares what executes the graph."""

    runtime = BACKEND
    backend = BACKEND.name
    as_written = False
    timed = True
    engine_file: str | None = None

    def __init__(self, version: str, threads: int) -> None:
        self.version, self.threads = version, threads
        self.name = f"{self.runtime.title} {version} on {processor().model}, {threads} threads"
        self.install_bytes = disk_bytes(*self.runtime.packages)

    def identity(self) -> dict[str, Json]:
        return {
            "backend": self.backend,
            "version": self.version,
            "processor": processor().model,
            "features": processor().features_digest,
            "threads": self.threads,
        }

    def obstacle(self, precision: str, islands: str = "") -> str:
        return "ONNX Runtime's CPU computes FP16 in FP32" if precision == "fp16" else ""

    def build(self, graph: Path, directory: Path) -> Mapping[str, Json]:
        raise NotImplementedError(f"{self.runtime.title} executes the graph itself")

    @contextmanager
    def open(self, executable: Path) -> Iterator[Run]:
        yield open_graph(executable, self.threads, as_written=self.as_written)
