"""OpenVINO: executes the portable graph on the CPU, with the options that the native library gives it.

The one module of the runtime that touches the openvino package, which is imported when the first engine is loaded.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.bundle import Bundle
from ..bundle.manifest import EngineRecord
from ..errors import EngineCompatibilityError
from ..ground.error_text import telling_line
from ..ground.extra_packages import install_command
from ..machine.packages import installed
from ..machine.survey import Survey
from .backend import Backend, Capability, can_run, cannot_run, import_package
from .portable_graph import Infer, PortableEngine, check_version, facts_on_processor
from .protocol import EngineOptions, TensorSpec
from .signed_weights import form_for_processor

_DTYPES = {"u8": "uint8", "i8": "int8", "i32": "int32", "i64": "int64", "f16": "float16", "f32": "float32"}


def package_and_version() -> tuple[Any, str]:
    """The package, and its version as requirements write it.

    Raises:
        MachineError: it is not installed, or its libraries are missing.
    """
    package = import_package("openvino", install_command(BACKEND.extra))
    return package, package.__version__.partition("-")[0]


def open_graph(graph: Path, threads: int | None = None) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...], Infer]:
    """A graph's file, compiled for the CPU in the form that its processor computes fastest: inputs, outputs, inference.

    Inner results stay FP32 where the graph says so. Where the batch is open, each number of frames is compiled when it
    first comes, one frame at once: OpenVINO is slow where a length is unknown, and its INT8 passes fail on some.

    Args:
        threads: of one operator; every core where it is ``None``.

    Raises:
        MachineError: openvino is not installed.
        EngineCompatibilityError: it cannot load the graph.
    """
    package, version = package_and_version()
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    form = form_for_processor(graph)
    try:
        core = package.Core()
        read = core.read_model(str(graph)) if form is None else core.read_model(model=form, weights=b"")
        inputs, outputs = (tuple(map(_spec, ports)) for ports in (read.inputs, read.outputs))
        batched = any(None in spec.shape for spec in inputs)

        @functools.cache
        def compiled(rows: int) -> Infer:
            if batched:
                read.reshape({spec.name: [rows, *spec.shape[1:]] for spec in inputs})
            return _infer(core.compile_model(read, "CPU", settings), outputs)

        compiled(1)
    except Exception as error:  # openvino raises plain RuntimeError and its kin
        raise EngineCompatibilityError(f"openvino {version} cannot load {graph}: {telling_line(error)}") from error
    return inputs, outputs, lambda given: compiled(len(given[inputs[0].name]) if batched else 1)(given)


def _infer(compiled: Any, outputs: tuple[TensorSpec, ...]) -> Infer:
    """``outputs``: as they were read; compiled, two that turn out to be one tensor bear the same names."""
    request = compiled.create_infer_request()
    own = [(port, request.get_tensor(port)) for port in compiled.inputs]

    def infer(inputs: Any) -> dict[str, Any]:
        values = request.infer({name: shared(array) for name, array in inputs.items()}, share_inputs=True)
        for port, tensor in own:  # or it and its Python half would hold the caller's frame until the next one
            request.set_tensor(port, tensor)
        request._inputs_data = None
        return {spec.name: values[port] for spec, port in zip(outputs, compiled.outputs, strict=True)}

    return infer


def shared(array: NDArray[Any]) -> NDArray[Any]:
    """The same memory, never marked read-only: OpenVINO, which writes to no input, would copy such an array."""
    if array.flags.writeable:
        return array
    seen = {**array.__array_interface__, "data": (array.ctypes.data, False)}
    return np.asarray(SimpleNamespace(__array_interface__=seen, owner=array))


def load(bundle: Bundle, record: EngineRecord, options: EngineOptions) -> PortableEngine:
    """Compile one graph of a verified bundle.

    Raises:
        MachineError: openvino is not installed.
        EngineCompatibilityError: its version is too old, another provider than ``cpu`` is asked for, or it cannot
            load the graph.
    """
    _, version = package_and_version()
    check_version(BACKEND, version, bundle, record)
    if options.providers != ("cpu",):
        raise EngineCompatibilityError(
            f"the backend openvino runs on the CPU, not on {', '.join(options.providers)}: leave the providers out"
        )
    facts = facts_on_processor(BACKEND, version, bundle, record, options)
    return PortableEngine(record, facts, *open_graph(bundle.path / record.file, options.threads))


def _spec(port: Any) -> TensorSpec:
    shape = tuple(side.get_length() if side.is_static else None for side in port.get_partial_shape())
    dtype = port.get_element_type().get_type_name()
    return TensorSpec(port.get_any_name(), _DTYPES.get(dtype, dtype), shape)


def _capabilities(survey: Survey) -> Iterator[Capability]:
    found = survey.facts["openvino"]
    yield cannot_run("openvino", found.reason) if found.value is None else can_run("openvino")


BACKEND = Backend(
    name="openvino",
    title="OpenVINO",
    extra="openvino",
    packages=("openvino",),
    runs_portable_graphs=True,
    options=("threads",),
    facts=lambda: {"openvino": installed("openvino")},
    capabilities=_capabilities,
    load=load,
)
