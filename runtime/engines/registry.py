"""Which backend runs which engine file, and whether a loaded engine keeps the manifest's tensor contract."""

import importlib
from collections.abc import Callable, Mapping
from typing import cast

from ..bundle.bundle import Bundle, rebuild_command
from ..bundle.manifest import EngineRecord, Manifest, Requirements
from ..errors import BundleError, EngineCompatibilityError
from ..machine.processor import platform_name
from .protocol import Engine, EngineOptions, TensorSpec

Loader = Callable[[Bundle, EngineRecord, EngineOptions], Engine]

# backend name -> module beside this one with a function `load`: imported only when an engine needs it.
BACKENDS: Mapping[str, str] = {
    "onnxruntime": ".onnxruntime",
    "tensorrt": ".tensorrt.engine",
    "openvino": ".openvino",
}
_TITLES = {"onnxruntime": "ONNX Runtime", "tensorrt": "TensorRT", "openvino": "OpenVINO"}


def load_engine(bundle: Bundle, role: str, backend: str = "auto", options: EngineOptions | None = None) -> Engine:
    """Load one engine of a verified bundle.

    Args:
        bundle: as ``load_bundle`` returned it.
        role: ``fused``, ``depth`` or ``quality``.
        backend: ``auto`` takes the first engine in the manifest that this version has a backend for; ``openvino``
            runs the portable graph where the bundle has no engine for it.
        options: threads, providers, spinning.

    Raises:
        EngineCompatibilityError: no such backend here, or this machine does not meet its requirements.
        MachineError: the backend's package is not installed.
        BundleError: the engine's tensors are not the ones the manifest promises.
    """
    record = _choose(bundle, role, backend)
    if record.requires.platform not in (None, platform_name()):
        raise EngineCompatibilityError(
            f"{bundle.path / record.file} was built for {record.requires.platform}, this machine is "
            f"{platform_name()}: rebuild it here with: {rebuild_command(bundle.manifest)}"
        )
    module = importlib.import_module(BACKENDS[record.backend], __package__)
    engine = cast(Loader, module.load)(bundle, record, options or EngineOptions())
    try:
        _check_contract(bundle, engine)
    except BaseException:
        engine.close()
        raise
    return engine


def _choose(bundle: Bundle, role: str, backend: str) -> EngineRecord:
    records = bundle.engines(role)
    offered = ", ".join(record.backend for record in records) or "none"
    wanted = [record for record in records if backend in ("auto", record.backend)]
    if not wanted and backend == "openvino":
        return _portable_record(bundle, role, backend)
    if not wanted:
        raise EngineCompatibilityError(
            f"{bundle.path} has no '{role}' engine for backend '{backend}' (it has: {offered}): "
            "choose one of those, or build a bundle for it"
        )
    for record in wanted:
        if record.backend in BACKENDS:
            return record
    title = _TITLES.get(wanted[0].backend, wanted[0].backend)
    raise EngineCompatibilityError(
        f"{bundle.path}: this version's runtime has no {title} engine yet (it runs: {', '.join(BACKENDS)}): "
        "build the bundle with --backend onnxruntime"
    )


def _portable_record(bundle: Bundle, role: str, backend: str) -> EngineRecord:
    """The portable graph as an engine of a backend that needs no file of its own."""
    graph = next(graph for graph in bundle.manifest.graphs if graph.role == role)
    return EngineRecord(role, graph.file, backend, Requirements(None, None, None, None))


def _check_contract(bundle: Bundle, engine: Engine) -> None:
    where = bundle.path / engine.record.file
    remedy = f"rebuild it with: {rebuild_command(bundle.manifest)}"
    inputs, outputs = contract(bundle.manifest, engine.record.role)
    for kind, promised, found in (("input", inputs, engine.inputs), ("output", outputs, engine.outputs)):
        by_name = {spec.name: spec for spec in found}
        if by_name.keys() != {spec.name for spec in promised}:
            raise BundleError(
                f"{where} has the {kind}s {sorted(by_name)}, "
                f"expected {sorted(spec.name for spec in promised)}: {remedy}"
            )
        for spec in promised:
            fixed = tuple(side for side in spec.shape if side is not None)
            if not by_name[spec.name].accepts(spec.dtype, fixed):
                raise BundleError(
                    f"{where}: {kind} '{spec.name}' is {by_name[spec.name]}, the manifest promises {spec}: {remedy}"
                )


def contract(manifest: Manifest, role: str) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs that the engine of a role must have (frame graph contract, fused or split)."""
    frame = TensorSpec("frame", "uint8", (1, manifest.frame.height, manifest.frame.width, 3))
    depth = TensorSpec("depth", "uint8", (1, *manifest.geometry.depth_output))
    scores = (
        TensorSpec("score", "float32", (1,)),
        TensorSpec("crop_scores", "float32", (1, manifest.geometry.view_count)),
    )
    if role == "depth":
        return (frame,), (depth,)
    if role == "quality":
        return (frame, depth), scores
    return (frame,), (*scores, depth)
