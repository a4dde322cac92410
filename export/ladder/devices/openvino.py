"""OpenVINO on the CPU as a device to build for: it executes the portable graph itself, and FP16 only in name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dgiqa_edge.runtime.engines import openvino

from ...frame_graph.graph_session import Run
from .onnxruntime import OnnxRuntimeDevice


def open_device(threads: int) -> "OpenVinoDevice":
    """The CPU of this machine.

    Raises:
        MachineError: openvino is not installed.
    """
    return OpenVinoDevice(openvino.package_and_version()[1], threads)


class OpenVinoDevice(OnnxRuntimeDevice):
    """See ``protocol.Device``; it differs in what executes the graph."""

    runtime = openvino.BACKEND
    backend = openvino.BACKEND.name

    def obstacle(self, precision: str, islands: str = "") -> str:
        return "OpenVINO's CPU is asked for FP32 and computes FP16 in it" if precision == "fp16" else ""

    @contextmanager
    def open(self, executable: Path) -> Iterator[Run]:
        _, _, infer = openvino.open_graph(executable, self.threads)
        yield lambda frame: infer({"frame": frame})
