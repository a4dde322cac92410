"""The machine that a TensorRT engine is built on: asked before minutes of work, and without risking the process."""

import importlib.util
from dataclasses import dataclass
from typing import Any

from dgiqa_edge.runtime.engines.tensorrt.versions import TensorRtSupport, support_of
from dgiqa_edge.runtime.errors import DgiqaEdgeError
from dgiqa_edge.runtime.machine.cuda_probe import probe

from .builder import BuildLog, dla_cores, load_tensorrt
from .configuration import Device

RTX = "tensorrt-rtx"


@dataclass(frozen=True)
class TensorRtMachine:
    """TensorRT and the GPU it builds for; ``trt`` is the ``tensorrt`` package."""

    trt: Any
    version: str
    support: TensorRtSupport
    device: Device

    @property
    def label(self) -> str:
        return f"{self.support.title} {self.version} on {self.device.name} (SM {self.device.sm})"


def obstacle() -> str:
    """Why no engine can be built here, in words; empty where one can, as far as a cheap look tells."""
    if importlib.util.find_spec("tensorrt") is None:
        return "the tensorrt package is not installed"
    found = probe()
    if not found.gpus:
        return f"no NVIDIA GPU was found: {found.problem}"
    try:
        support_of(load_tensorrt().__version__)
    except DgiqaEdgeError as error:
        return str(error)
    return ""


def open_machine() -> TensorRtMachine:
    """Start TensorRT on the first GPU.

    Raises:
        MachineError: TensorRT or a GPU is missing, or the driver does not suffice.
        EngineCompatibilityError: the project does not support this TensorRT.
    """
    trt = load_tensorrt()
    support = support_of(trt.__version__)
    gpu = probe().gpus[0]
    cores = dla_cores(trt, BuildLog())
    return TensorRtMachine(trt, trt.__version__, support, Device(gpu.name, gpu.sm, gpu.integrated, cores))


def open_rtx() -> TensorRtMachine:
    """TensorRT-RTX, which builds on any machine for the RTX GPUs that it supports by default.

    Raises:
        MachineError: it is missing or cannot be loaded.
        EngineCompatibilityError: the project does not support this version.
    """
    trt = load_tensorrt(RTX)
    support = support_of(trt.__version__, RTX)
    return TensorRtMachine(trt, trt.__version__, support, Device("RTX GPUs", ""))
