"""Which backend a build is for: what ``--backend auto`` comes to on this machine, and why."""

import importlib.util

from dgiqa_edge.runtime.cuda_probe import gpu_count
from dgiqa_edge.runtime.errors import EngineCompatibilityError

TENSORRT_BUILDER_AVAILABLE = False
"""The TensorRT builder is not part of this version; an engine from it would be a claim without evidence."""


def choose(backend: str) -> tuple[str, str]:
    """The backend to build for, and the sentence that says why.

    Raises:
        EngineCompatibilityError: TensorRT was asked for and cannot be had.
    """
    obstacle = _tensorrt_obstacle()
    if backend == "tensorrt":
        if obstacle:
            raise EngineCompatibilityError(f"cannot build for TensorRT: {obstacle}; use --backend onnxruntime")
        return "tensorrt", "TensorRT, as asked"
    if backend == "onnxruntime":
        return "onnxruntime", "ONNX Runtime, as asked"
    if obstacle:
        return "onnxruntime", f"ONNX Runtime ({obstacle})"
    return "tensorrt", "TensorRT (it and a GPU are there)"


def _tensorrt_obstacle() -> str:
    if not TENSORRT_BUILDER_AVAILABLE:
        return "this version of dgiqa-edge has no TensorRT builder yet"
    if importlib.util.find_spec("tensorrt") is None:
        return "the tensorrt package is not installed"
    if gpu_count() == 0:
        return "no NVIDIA GPU was found"
    return ""
