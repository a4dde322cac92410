"""The portable graph for TensorRT, judged without a GPU: ONNX Runtime computes it as it is written.

Its latency says nothing about TensorRT; its fidelity is what a sound engine of that graph should come near.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...frame_graph.graph_session import Run, open_graph
from . import onnxruntime as onnxruntime_device


def open_device(threads: int) -> "PortableDevice":
    """The CPU of this machine in the place of a GPU.

    Raises:
        MachineError: onnxruntime is not installed.
    """
    return PortableDevice(onnxruntime_device.open_device(threads).version, threads)


class PortableDevice(onnxruntime_device.OnnxRuntimeDevice):
    """See ``protocol.Device``."""

    backend = "tensorrt"

    def __init__(self, version: str, threads: int) -> None:
        super().__init__(version, threads)
        self.name = f"{self.name}, the graph as written"

    def obstacle(self, precision: str) -> str:
        return ""

    @contextmanager
    def open(self, executable: Path) -> Iterator[Run]:
        yield open_graph(executable, self.threads, as_written=True)
