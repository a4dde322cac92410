"""Which backend a build is for: what ``--backend auto`` comes to on this machine, and why."""

from dgiqa_edge.runtime.errors import EngineCompatibilityError

from ..tensorrt import machine


def choose(backend: str, *, engine: bool = True) -> tuple[str, str]:
    """The backend to build for, and the sentence that says why.

    Args:
        engine: whether an engine is to be built; the portable graph for TensorRT can be written anywhere.

    Raises:
        EngineCompatibilityError: a TensorRT engine was asked for and cannot be had here.
    """
    if backend == "onnxruntime":
        return "onnxruntime", "ONNX Runtime, as asked"
    if backend == "tensorrt" and not engine:
        return "tensorrt", "TensorRT, the portable graph only, as asked"
    obstacle = machine.obstacle()
    if backend == "tensorrt":
        if obstacle:
            raise EngineCompatibilityError(
                f"cannot build a TensorRT engine: {obstacle}; build on the device, or write the portable graph with "
                "--no-engine, or use --backend onnxruntime"
            )
        return "tensorrt", "TensorRT, as asked"
    if obstacle:
        return "onnxruntime", f"ONNX Runtime ({obstacle})"
    return "tensorrt", "TensorRT (it and a GPU are there)"
