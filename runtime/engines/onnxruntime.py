"""ONNX Runtime: executes the portable graph on the CPU, or on a GPU through its CUDA, TensorRT and RTX providers."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from ..bundle.bundle import Bundle
from ..bundle.manifest import EngineRecord
from ..errors import EngineCompatibilityError
from ..ground.cache_folder import cache_path
from ..hashing import Json
from ..machine.fact import Fact
from ..machine.packages import import_or_reason, imported
from ..machine.processor import DOT_PRODUCTS, processor
from ..machine.survey import Survey
from ..version import VERSION
from . import plugin_provider
from .backend import Backend, Capability, can_run, cannot_run
from .optimized_graph import content_sha256, discard, optimized_graph
from .portable_graph import PortableEngine, check_version, facts_on_processor
from .protocol import EngineOptions, TensorSpec
from .session import CPU, onnxruntime_package, open_session

PROVIDERS = {
    "cpu": CPU,
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    plugin_provider.SHORT: plugin_provider.NAME,
}
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
}
_UNREAD = (".json", ".npz", ".safetensors", ".log", ".txt", ".md")
"""Files of a bundle that no graph reads."""


def load(bundle: Bundle, record: EngineRecord, options: EngineOptions) -> PortableEngine:
    """Create a session for one engine file of a verified bundle.

    Raises:
        MachineError: onnxruntime is not installed.
        EngineCompatibilityError: its version is too old, a provider is missing, or it cannot load the graph.
    """
    runtime = onnxruntime_package()
    check_version(BACKEND, runtime.__version__, bundle, record)
    on_devices = None
    if plugin_provider.SHORT in options.providers:
        on_devices = plugin_provider.options_for_devices(runtime, options.providers, options.cache_folder)
    providers = _provider_names(runtime, options.providers, [] if on_devices is None else [plugin_provider.NAME])
    open_graph = partial(
        open_session,
        threads=options.threads,
        providers=providers,
        spinning=options.allow_spinning,
        as_written=bundle.manifest.precision.target != BACKEND.name,
        on_devices=on_devices,
    )
    graph = bundle.path / record.file
    kept = None
    if providers == [CPU]:
        folder = options.cache_folder or cache_path("optimized")
        if folder is not None:
            identity = _identity(runtime, bundle, record)
            kept = optimized_graph(graph, identity, folder, lambda file: open_graph(graph, optimized_to=file))
    session = None
    if kept is not None:
        try:
            session = open_graph(kept, optimized=True)
        except EngineCompatibilityError:  # whole, and still nothing that this ONNX Runtime takes
            discard(kept)
            kept = None
    session = session or open_graph(graph)
    # A provider whose libraries are missing is left out with a mere warning: a GPU must not become a CPU.
    absent = [name for name in providers if name not in session.get_providers()]
    if absent:
        raise EngineCompatibilityError(
            f"onnxruntime could not start {absent[0]} on this machine (driver or CUDA libraries missing?): "
            "repair them, or use the provider 'cpu'"
        )
    facts = facts_on_processor(BACKEND, runtime.__version__, bundle, record, options)
    facts["providers"] = list(options.providers)
    if kept is not None:
        facts["optimized_sha256"] = content_sha256(kept)
    if options.providers[0] != "cpu":
        facts["device"] = options.providers[0]
    outputs = tuple(_spec(node) for node in session.get_outputs())
    names = [spec.name for spec in outputs]
    return PortableEngine(
        record,
        facts,
        tuple(_spec(node) for node in session.get_inputs()),
        outputs,
        lambda inputs: dict(zip(names, session.run(names, inputs), strict=True)),
    )


def _identity(runtime: Any, bundle: Bundle, record: EngineRecord) -> dict[str, Json]:
    """Everything that ONNX Runtime's optimized graph depends on."""
    return {
        "tool_version": VERSION,
        "onnxruntime": [runtime.__version__, runtime.get_build_info()],
        "processor": [processor().model, processor().features_digest],
        "graph": record.file,
        # A graph may keep its weights in files beside it; it reads no golden frames, and no reports of this build.
        "files": {name: file.sha256 for name, file in bundle.manifest.files.items() if not name.endswith(_UNREAD)},
        "target": bundle.manifest.precision.target,
    }


def _provider_names(runtime: Any, wanted: tuple[str, ...], registered: list[str]) -> list[str]:
    installed = [*runtime.get_available_providers(), *registered]
    available = [short for short, name in PROVIDERS.items() if name in installed]
    for short in wanted:
        if short not in available:
            raise EngineCompatibilityError(
                f"onnxruntime {runtime.__version__} has no provider '{short}' here (available: "
                f"{', '.join(available)}): choose one of these, or install onnxruntime-gpu"
            )
    # Nodes that a GPU provider cannot take run on the CPU, so it always closes the list.
    return [PROVIDERS[short] for short in dict.fromkeys([*wanted, "cpu"])]


def _spec(node: Any) -> TensorSpec:
    shape = tuple(side if isinstance(side, int) else None for side in node.shape)
    return TensorSpec(node.name, _DTYPES.get(node.type, node.type), shape)


def _facts() -> Mapping[str, Fact]:
    return {
        "onnxruntime": imported("onnxruntime"),
        "onnxruntime_providers": _built_with(),
        "onnxruntime_ep_tensorrt_rtx": plugin_provider.version(),
    }


def _built_with() -> Fact:
    """The providers that the installed package was built with; a GPU one may still lack its libraries."""
    module = import_or_reason("onnxruntime")
    if isinstance(module, Fact):
        return module
    short = {name: key for key, name in PROVIDERS.items()}
    return Fact([short.get(name, name) for name in module.get_available_providers()])


def _capabilities(survey: Survey) -> Iterator[Capability]:
    installed = survey.facts["onnxruntime"]
    if installed.value is None:
        yield cannot_run("onnxruntime (cpu)", installed.reason)
        return
    features = survey.facts["cpu_features"].value
    notes = ["FP16 graphs run, but the CPU computes them in FP32"]
    if isinstance(features, list) and not set(DOT_PRODUCTS).intersection(map(str, features)):
        notes.append("this CPU has no INT8 dot products (VNNI, dotprod): measure whether INT8 is faster here")
    yield can_run("onnxruntime (cpu)", notes=notes)
    providers = survey.facts["onnxruntime_providers"].value
    for provider in ("cuda", "tensorrt"):
        name = f"onnxruntime ({provider})"
        if not isinstance(providers, list) or provider not in providers:
            yield cannot_run(name, f"this onnxruntime {installed.value} was built without it")
        elif not survey.cuda.gpus:
            yield cannot_run(name, survey.cuda.problem)
        else:
            yield can_run(name, notes=["its CUDA libraries are tried on first use"])
    plugin, name = survey.facts["onnxruntime_ep_tensorrt_rtx"], f"onnxruntime ({plugin_provider.SHORT})"
    reason = plugin.reason if plugin.value is None else "" if survey.cuda.gpus else survey.cuda.problem
    note = "it takes RTX GPUs, and is registered and tried on first use"
    yield cannot_run(name, reason) if reason else can_run(name, notes=[note])


BACKEND = Backend(
    name="onnxruntime",
    title="ONNX Runtime",
    extra="cpu",
    packages=("onnxruntime", "onnxruntime-gpu"),
    runs_portable_graphs=True,
    options=("threads", "providers", "allow_spinning", "cache_folder"),
    facts=_facts,
    capabilities=_capabilities,
    load=load,
    opens_cheaply=True,
)
