"""The machine that a TensorRT engine is built on: asked before minutes of work, and without risking the process."""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dgiqa_edge.runtime.engines.tensorrt.compatibility import target_words
from dgiqa_edge.runtime.engines.tensorrt.versions import MODULES, TensorRtSupport, support_of
from dgiqa_edge.runtime.errors import DgiqaEdgeError
from dgiqa_edge.runtime.ground.extra_packages import install_command
from dgiqa_edge.runtime.machine.cuda_probe import probe

from ..options.tensorrt_options import RTX
from .builder import BuildLog, dla_cores, load_tensorrt
from .configuration import Device


@dataclass(frozen=True)
class TensorRtMachine:
    """TensorRT and the GPU it builds for; ``trt`` is the ``tensorrt`` package."""

    trt: Any
    version: str
    support: TensorRtSupport
    device: Device

    @property
    def label(self) -> str:
        where = f"on {self.device.name} (SM {self.device.sm})" if self.device.sm else f"for {self.device.name}"
        return f"{self.support.title} {self.version} {where}"


def obstacle(flavour: str = "tensorrt") -> str:
    """Why no engine can be built here, in words; empty where one can, as far as a cheap look tells."""
    module = MODULES[flavour]
    if importlib.util.find_spec(module) is None:
        remedy = "" if flavour == "tensorrt" else f" ({install_command(flavour)})"  # JetPack brings TensorRT's
        return f"the {module} package is not installed{remedy}"
    found = probe()
    if flavour == "tensorrt" and not found.gpus:
        return f"no NVIDIA GPU was found: {found.problem}"
    try:
        support_of(load_tensorrt(flavour).__version__, flavour)
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


def open_rtx(targets: Iterable[str] = ()) -> TensorRtMachine:
    """TensorRT-RTX, which builds on any machine for ``targets``, or for the RTX GPUs that it supports by default.

    Raises:
        MachineError: it is missing or cannot be loaded.
        EngineCompatibilityError: the project does not support this version.
    """
    trt = load_tensorrt(RTX)
    support = support_of(trt.__version__, RTX)
    return TensorRtMachine(trt, trt.__version__, support, Device(target_words(targets) or "RTX GPUs", ""))
