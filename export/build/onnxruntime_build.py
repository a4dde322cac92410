"""ONNX Runtime as a backend to build for: it executes the portable graph itself, so there is nothing to add."""

from dgiqa_edge.calibration.int8.targets import target_named
from dgiqa_edge.runtime.engines.onnxruntime import BACKEND

from ..ladder.devices.onnxruntime import open_device
from .backends import BuildBackend

BUILD = BuildBackend(
    BACKEND,
    target_named(BACKEND.name),
    open_device,
    notes={"fp16": "ONNX Runtime's CPU computes FP16 nodes in FP32: this file is for GPUs, not for CPU speed"},
)
