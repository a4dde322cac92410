"""The portable graph for a backend that is not asked here: ONNX Runtime computes it as it is written.

Its latency says nothing about that backend; its fidelity is what a sound engine of that graph should come near.
"""

from . import onnxruntime as onnxruntime_device


def open_device(backend: str, threads: int) -> "PortableDevice":
    """The CPU of this machine in the place of the backend's device.

    Raises:
        MachineError: onnxruntime is not installed.
    """
    return PortableDevice(backend, onnxruntime_device.open_device(threads).version, threads)


class PortableDevice(onnxruntime_device.OnnxRuntimeDevice):
    """See ``protocol.Device``."""

    as_written = True
    timed = False

    def __init__(self, backend: str, version: str, threads: int) -> None:
        super().__init__(version, threads)
        self.backend = backend
        self.name = f"{self.name}, the graph as written"

    def obstacle(self, precision: str, islands: str = "") -> str:
        return ""
