"""Which backends there are, which of them runs which engine file, and whether a loaded engine keeps its contract."""

import importlib
from collections.abc import Iterable

from ..bundle.bundle import Bundle, build_here_command, rebuild_command
from ..bundle.manifest import EngineRecord, Manifest, Requirements
from ..errors import BundleError, ConfigurationError, EngineCompatibilityError, MachineError
from ..machine import survey as surveying
from ..machine.packages import installed
from ..machine.processor import platform_name
from ..machine.survey import Survey
from .backend import Backend, Capability
from .protocol import Engine, EngineOptions, TensorSpec

AUTO = "auto"

# One line a backend, in the order of preference: the module beside this one that declares it as BACKEND.
_MODULES = (
    "tensorrt.backend",
    "tensorrt.rtx_backend",
    "onnxruntime",
    "openvino",
)

BACKENDS: tuple[Backend, ...] = tuple(importlib.import_module(f".{name}", __package__).BACKEND for name in _MODULES)


def choices() -> list[str]:
    """What may be asked for as a backend."""
    return [AUTO, *_names(BACKENDS)]


def portable() -> list[Backend]:
    """The backends that any bundle can be run on."""
    return [backend for backend in BACKENDS if backend.runs_portable_graphs]


def heeding(option: str) -> str:
    """Titles of the backends that heed one of ``EngineOptions``, for helps."""
    return ", ".join(backend.title for backend in BACKENDS if option in backend.options)


def survey() -> Survey:
    """The machine, and what is installed of each backend; never raises."""
    return surveying.survey({name: fact for backend in BACKENDS for name, fact in backend.facts().items()})


def capabilities(found: Survey) -> list[Capability]:
    """What can run on a surveyed machine, backend by backend; what cannot included."""
    return [capability for backend in BACKENDS for capability in backend.capabilities(found)]


def load_engine(bundle: Bundle, role: str, backend: str = AUTO, options: EngineOptions | None = None) -> Engine:
    """Load one engine of a verified bundle.

    Args:
        bundle: as ``load_bundle`` returned it.
        role: ``fused``, ``depth`` or ``quality``.
        backend: ``auto`` takes the backend that the bundle prefers for its portable graph, or the next that runs
            it, is installed and can be loaded; in a bundle that prefers none of them, the first engine of the manifest
            that this version has a backend for. A backend that runs portable graphs can be asked for with any bundle.
        options: threads, providers, spinning.

    Raises:
        ConfigurationError: there is no backend of that name.
        EngineCompatibilityError: the bundle has no engine for it, or this machine does not meet its requirements.
        MachineError: the backend's package is not installed, or cannot be loaded.
        BundleError: the engine's tensors are not the ones the manifest promises.
    """
    options = options or EngineOptions()
    names = _in_order(bundle, options.providers) if backend == AUTO else [backend]
    for name in names[:-1]:
        try:
            return _load(bundle, role, name, options)
        except MachineError:  # its package is there and its libraries are not
            continue
    return _load(bundle, role, names[-1], options)


def _load(bundle: Bundle, role: str, backend: str, options: EngineOptions) -> Engine:
    runner, record = _choose(bundle, role, backend)
    if record.requires.platform not in (None, platform_name()):
        raise EngineCompatibilityError(
            f"{bundle.path / record.file} was built for {record.requires.platform}, this machine is "
            f"{platform_name()}: rebuild it here with: {rebuild_command(bundle)}"
        )
    engine = runner.load(bundle, record, options)
    try:
        _check_contract(bundle, engine)
    except BaseException:
        engine.close()
        raise
    return engine


def choose(
    bundle: Bundle, role: str, asked: str = AUTO, providers: tuple[str, ...] = EngineOptions.providers
) -> tuple[Backend, EngineRecord]:
    """The backend that is to run a role's engine, and the record that it loads; arguments as ``load_engine`` has them.

    Raises:
        ConfigurationError: there is no backend of that name.
        EngineCompatibilityError: the bundle has no engine for it.
    """
    return _choose(bundle, role, _in_order(bundle, providers)[0] if asked == AUTO else asked)


def _choose(bundle: Bundle, role: str, asked: str) -> tuple[Backend, EngineRecord]:
    if asked not in choices():
        raise ConfigurationError(f"there is no backend {asked!r}: give one of {', '.join(choices())}")
    records = bundle.engines(role)
    offered = ", ".join(record.backend for record in records) or "none"
    wanted = [backend for backend in BACKENDS if asked in (AUTO, backend.name)]
    for record in records:
        for backend in wanted:
            if backend.name == record.backend:
                return backend, record
    if asked == AUTO:
        raise EngineCompatibilityError(
            f"{bundle.path}: this version's runtime has no backend for its '{role}' engines ({offered}): run its "
            f"portable graph with --backend {' or '.join(_names(portable()))}"
        )
    if not wanted[0].runs_portable_graphs:
        build_here = build_here_command(bundle, asked)
        raise EngineCompatibilityError(
            f"{bundle.path} has no '{role}' engine for backend '{asked}' (it has: {offered}): "
            + (f"build it here with: {build_here}" if build_here else "choose one of those, or build a bundle for it")
        )
    graph = next(graph for graph in bundle.manifest.graphs if graph.role == role)
    return wanted[0], EngineRecord(role, graph.file, asked, Requirements(None, None, None, None))


def _in_order(bundle: Bundle, providers: tuple[str, ...]) -> list[str]:
    """What ``auto`` comes to: the backend that the build took, then the others that run its portable graph.

    Those alone that are installed and heed the providers. Where there are none, or the build took one that is not known
    here to run portable graphs, it comes to the manifest's own engines: ``auto``.
    """
    preferred = bundle.manifest.preferred_backend
    if preferred not in _names(portable()):
        return [AUTO]
    elsewhere = providers != EngineOptions.providers
    able = [
        backend
        for backend in portable()
        if (not elsewhere or "providers" in backend.options) and installed(*backend.packages).value is not None
    ]
    return _names(sorted(able, key=lambda backend: backend.name != preferred)) or [AUTO]


def _names(backends: Iterable[Backend]) -> list[str]:
    return [backend.name for backend in backends]


def _check_contract(bundle: Bundle, engine: Engine) -> None:
    where = bundle.path / engine.record.file
    remedy = f"rebuild it with: {rebuild_command(bundle)}"
    inputs, outputs = contract(bundle.manifest, engine.record.role)
    for kind, promised, found in (("input", inputs, engine.inputs), ("output", outputs, engine.outputs)):
        by_name = {spec.name: spec for spec in found}
        if by_name.keys() != {spec.name for spec in promised}:
            raise BundleError(
                f"{where} has the {kind}s {sorted(by_name)}, "
                f"expected {sorted(spec.name for spec in promised)}: {remedy}"
            )
        for spec in promised:
            # No side is 0 long: an open one that is promised has to be open.
            if not by_name[spec.name].accepts(spec.dtype, tuple(side or 0 for side in spec.shape)):
                raise BundleError(
                    f"{where}: {kind} '{spec.name}' is {by_name[spec.name]}, the manifest promises {spec}: {remedy}"
                )


def contract(manifest: Manifest, role: str) -> tuple[tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Inputs and outputs that the engine of a role must have (frame graph contract, fused or split).

    The first side is the batch, None where it is open.
    """
    rows = manifest.batch.most if manifest.batch.fixed else None
    frame = TensorSpec("frame", "uint8", (rows, manifest.frame.height, manifest.frame.width, 3))
    depth = TensorSpec("depth", "uint8", (rows, *manifest.geometry.depth_output))
    quality = [
        TensorSpec("score", "float32", (rows,)),
        TensorSpec("crop_scores", "float32", (rows, manifest.geometry.view_count)),
    ]
    if manifest.faults is not None:
        count = len(manifest.faults.names)
        quality.append(TensorSpec("faults", "float32", (rows, count)))
        quality.append(TensorSpec("coverage", "float32", (rows, *manifest.faults.grid, count)))
    if role == "depth":
        return (frame,), (depth,)
    if role == "quality":
        return (frame, depth), tuple(quality)
    return (frame,), (*quality, depth)
