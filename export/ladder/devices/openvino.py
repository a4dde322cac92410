"""OpenVINO on the CPU as a device to build for: it executes the portable graph itself, and FP16 only in name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dgiqa_edge.runtime.engines import openvino
from dgiqa_edge.runtime.hashing import Json
from dgiqa_edge.runtime.machine.packages import disk_bytes
from dgiqa_edge.runtime.machine.processor import processor

from ...frame_graph.graph_session import Run


def open_device(threads: int) -> "OpenVinoDevice":
    """The CPU of this machine.

    Raises:
        MachineError: openvino is not installed.
    """
    return OpenVinoDevice(openvino.package_and_version()[1], threads)


class OpenVinoDevice:
    """See ``protocol.Device``."""

    backend = openvino.BACKEND.name
    as_written = False
    timed = True
    engine_file: str | None = None

    def __init__(self, version: str, threads: int) -> None:
        self.version, self.threads = version, threads
        self.name = f"OpenVINO {version} on {processor().model}, {threads} threads"
        self.install_bytes = disk_bytes(*openvino.BACKEND.packages)

    def identity(self) -> dict[str, Json]:
        return {
            "backend": self.backend,
            "version": self.version,
            "processor": processor().model,
            "features": processor().features_digest,
            "threads": self.threads,
        }

    def obstacle(self, precision: str, islands: str = "") -> str:
        return "OpenVINO's CPU is asked for FP32 and computes FP16 in it" if precision == "fp16" else ""

    def build(self, graph: Path, directory: Path) -> Mapping[str, Json]:
        raise NotImplementedError("OpenVINO executes the graph itself")

    @contextmanager
    def open(self, executable: Path) -> Iterator[Run]:
        _, _, infer = openvino.open_graph(executable, self.threads)
        yield lambda frame: infer({"frame": frame})
