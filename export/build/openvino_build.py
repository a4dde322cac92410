"""OpenVINO as a backend to build for: it executes the graph that is written for ONNX Runtime, with nothing to add."""

from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.engines.onnxruntime import BACKEND as ONNX_RUNTIME
from dgiqa_edge.runtime.engines.openvino import BACKEND
from dgiqa_edge.runtime.ground.extra_packages import install_command

from ..ladder.devices.openvino import open_device
from .backends import BuildBackend


def _obstacle() -> str:
    found = BACKEND.facts()[BACKEND.name]
    return "" if found.value is not None else f"OpenVINO is {found.reason}: {install_command(BACKEND.extra)}"


BUILD = BuildBackend(
    BACKEND,
    target_named(ONNX_RUNTIME.name),
    open_device,
    obstacle=_obstacle,
    notes={"fp16": "OpenVINO's CPU computes FP16 nodes in FP32: this file is for GPUs, not for CPU speed"},
)
