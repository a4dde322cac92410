"""Building a TensorRT engine: the one module that drives TensorRT's builder.

It takes a prepared graph as bytes with its facts, and a configuration that was decided elsewhere; it chooses nothing.
It needs TensorRT and numpy only, no onnx, no torch and no CUDA binding. Sources: the Python API of TensorRT 8.5 to
11, of which 8.5.3 and 8.6.0 were checked by their wheels.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.engines.tensorrt.log import uncollected
from dgiqa_edge.runtime.engines.tensorrt.package import import_tensorrt
from dgiqa_edge.runtime.engines.tensorrt.versions import release_of
from dgiqa_edge.runtime.errors import EngineCompatibilityError, ExportError, MachineError
from dgiqa_edge.runtime.machine.cuda_probe import gpu_count

from .build_watch import BuildWatch, Tell, silent
from .configuration import Configuration
from .errors import build_failure, driver_failure, parser_failure, parser_problems
from .graph import GraphFacts

LOG_LINES = 20_000
# Layers that move or convert numbers but compute none: a precision of their own would only add conversions.
_NOT_ARITHMETIC = {
    "CAST",
    "CONCATENATION",
    "CONSTANT",
    "DEQUANTIZE",
    "GATHER",
    "IDENTITY",
    "QUANTIZE",
    "SHAPE",
    "SHUFFLE",
    "SLICE",
}
_SEVERITIES = ("internal error", "error", "warning", "info")


@dataclass
class BuildLog:
    """What TensorRT said, with seconds since the start: no verbose messages, and lines past a limit only counted.

    ``errors`` are those of the operation that runs, see ``during``.
    """

    start: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    left_out: int = 0

    def add(self, severity: int, text: str) -> None:
        """Take one message; ``severity`` counts as TensorRT's does, 0 worst."""
        if severity >= len(_SEVERITIES):
            return
        if severity <= 1:
            self.errors.append(text)
        if len(self.lines) >= LOG_LINES and severity > 1:
            self.left_out += 1
            return
        self.lines.append(f"[{time.monotonic() - self.start:8.2f} s] {_SEVERITIES[severity]}: {text}")

    @contextmanager
    def during(self) -> Iterator[list[str]]:
        """The errors said while the block runs.

        What came before explains no failure of it: a stored timing cache may log CUDA error 35 and do no harm.
        """
        before, self.errors = self.errors, []
        try:
            yield self.errors
        finally:
            self.errors = before

    def note(self, text: str) -> None:
        """Add a line of our own."""
        self.lines.append(f"[{time.monotonic() - self.start:8.2f} s] dgiqa-edge: {text}")

    def text(self) -> str:
        tail = [f"({self.left_out} more lines left out)"] if self.left_out else []
        return "\n".join([*self.lines, *tail]) + "\n"


@dataclass(frozen=True)
class BuiltEngine:
    """A serialized engine and how it came about.

    Attributes:
        plan: the engine file's content.
        timings: content of the timing cache after the build.
        timing_cache: ``reused``, ``new``, ``none``, or ``replaced`` where the old one was of another device or version.
        constrained_layers: how many layers were held to FP32.
        gpu_fallback: names of layers that the DLA cannot take; empty without a DLA.
    """

    plan: bytes = field(repr=False)
    timings: bytes = field(repr=False)
    timing_cache: str
    layers: int
    constrained_layers: int
    gpu_fallback: tuple[str, ...]
    seconds: float


def load_tensorrt(flavour: str = "tensorrt") -> Any:
    """The package of a flavour. TensorRT ends the process without a driver, which is asked first; TensorRT-RTX's
    builder needs neither a GPU nor a driver.

    Raises:
        MachineError: the package is missing or cannot be loaded, or there is no GPU where one is needed.
    """
    trt = import_tensorrt(flavour)
    if flavour == "tensorrt" and gpu_count() == 0:
        raise MachineError("no NVIDIA GPU was found: TensorRT builds on the GPU that the engine will run on")
    return trt


@uncollected()
def build(
    trt: Any,
    read: Callable[[], bytes],
    facts: GraphFacts,
    configuration: Configuration,
    *,
    log: BuildLog,
    timings: bytes | None = b"",
    calibrator: Any = None,
    threads: int | None = None,
    beat: Tell = silent,
    say: Tell = silent,
) -> BuiltEngine:
    """Build one engine on the current device; minutes, most of them spent timing tactics.

    Args:
        trt: the ``tensorrt`` package, or that of TensorRT-RTX.
        read: gives the graph, serialized, as ``graph.prepare`` made it for this version; called once, and what it
            gives is freed before the engine is built, which takes the most memory.
        timings: content of the timing cache; empty to begin one, None to use none (TensorRT-RTX times nothing).
        calibrator: of ``tensorrt_calibrator``, where the configuration asks for one.
        threads: CPU threads that the builder may use.
        beat, say: are told every second what the builder is at, and what comes of Ctrl-C; see ``BuildWatch``.

    Raises:
        ExportError: the graph cannot be parsed (node, operator and remedy are named) or built.
        MachineError: the driver, the GPU or its memory does not suffice.
        EngineCompatibilityError: this version lacks something the configuration asks for.
    """
    start = time.monotonic()
    release = release_of(trt)
    logger = _logger(trt, log)
    builder = _builder(trt, logger, log)
    if threads is not None:
        builder.max_threads = threads
    network = builder.create_network(_network_flags(trt, configuration))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(read()):
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        raise parser_failure(release, parser_problems(errors, facts.nodes))
    config = builder.create_builder_config()
    _configure(trt, config, configuration)
    if facts.batch is not None and not facts.batch.fixed:
        _add_profile(builder, network, config, facts.batch)
    constrained = _constrain(trt, network, facts.fp32_tensors) if configuration.constrain_fp32 else 0
    fallback = _place_on_dla(trt, network, config, configuration.dla_core)
    if calibrator is not None:
        config.int8_calibrator = calibrator
    origin = "none" if timings is None else _use_timings(config, timings)
    log.note(f"{network.num_layers} layers, {constrained} held to FP32, {len(fallback)} off the DLA; cache {origin}")
    with BuildWatch(trt, config, beat, say).running(), log.during() as errors:
        serialized = builder.build_serialized_network(network, config)
    failure = getattr(calibrator, "failure", None)
    if failure is not None:
        raise failure
    if serialized is None:
        raise build_failure(release, errors)
    return BuiltEngine(
        plan=bytes(serialized),
        timings=b"" if timings is None else bytes(config.get_timing_cache().serialize()),
        timing_cache=origin,
        layers=network.num_layers,
        constrained_layers=constrained,
        gpu_fallback=fallback,
        seconds=round(time.monotonic() - start, 1),
    )


@uncollected()
def dla_cores(trt: Any, log: BuildLog) -> int:
    """DLA cores of the current device; 0 where there are none.

    Raises:
        MachineError: TensorRT cannot start on this machine.
    """
    builder = _builder(trt, _logger(trt, log), log)
    return int(getattr(builder, "num_DLA_cores", 0))


def _logger(trt: Any, log: BuildLog) -> Any:
    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            log.add(int(severity), text)

    return Logger()


def _builder(trt: Any, logger: Any, log: BuildLog) -> Any:
    try:
        return trt.Builder(logger)
    except TypeError:  # its factory returned nothing: CUDA did not start, and 8.6 logs the reason as a mere warning
        raise driver_failure(release_of(trt), [*log.errors, *log.lines]) from None


def _network_flags(trt: Any, configuration: Configuration) -> int:
    members = trt.NetworkDefinitionCreationFlag
    flags = 0
    if hasattr(members, "EXPLICIT_BATCH"):  # needed by 8.x, ignored by 10, gone from 11
        flags |= 1 << int(members.EXPLICIT_BATCH)
    if configuration.strongly_typed:
        flags |= 1 << int(_member(trt, members, "STRONGLY_TYPED"))
    return flags


def _add_profile(builder: Any, network: Any, config: Any, batch: BatchRange) -> None:
    """Any number of frames in the range, tuned for the most."""
    profile = builder.create_optimization_profile()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        sides = tuple(tensor.shape)[1:]
        profile.set_shape(tensor.name, *((rows, *sides) for rows in (batch.least, batch.most, batch.most)))
    if config.add_optimization_profile(profile) < 0:
        raise ExportError(f"TensorRT does not take the batch {batch} for this graph: build it with a fixed --batch")


def _configure(trt: Any, config: Any, configuration: Configuration) -> None:
    for name in configuration.flags:
        config.set_flag(_member(trt, trt.BuilderFlag, name))
    for name in configuration.cleared_flags:
        config.clear_flag(_member(trt, trt.BuilderFlag, name))
    for pool, mib in (("WORKSPACE", configuration.workspace_mib), ("TACTIC_DRAM", configuration.tactic_memory_mib)):
        if mib is not None:
            config.set_memory_pool_limit(_member(trt, trt.MemoryPoolType, pool), mib << 20)
    if configuration.optimization_level is not None:
        config.builder_optimization_level = configuration.optimization_level
    if configuration.aux_streams is not None:
        config.max_aux_streams = configuration.aux_streams
    if configuration.hardware_level is not None:
        config.hardware_compatibility_level = _member(trt, trt.HardwareCompatibilityLevel, configuration.hardware_level)
    if configuration.targets:
        config.num_compute_capabilities = len(configuration.targets)
        for index, name in enumerate(configuration.targets):
            # Where it refuses one it says False, and would build for another GPU.
            if not config.set_compute_capability(_member(trt, trt.ComputeCapability, name), index):
                raise EngineCompatibilityError(f"{release_of(trt)} does not take the target {name}: leave it out")
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    sources = [getattr(trt.TacticSource, name, None) for name in configuration.tactic_sources]
    config.set_tactic_sources(sum(1 << int(source) for source in sources if source is not None))


def _constrain(trt: Any, network: Any, fp32_tensors: frozenset[str]) -> int:
    """Hold the layers that compute FP32 tensors of the graph to FP32; returns how many."""
    count = 0
    for layer in _layers(network):
        outputs = [layer.get_output(index) for index in range(layer.num_outputs)]
        if layer.type.name in _NOT_ARITHMETIC or not any(output.name in fp32_tensors for output in outputs):
            continue
        layer.precision = trt.DataType.FLOAT
        for index, output in enumerate(outputs):
            if output.dtype in (trt.DataType.FLOAT, trt.DataType.HALF):
                layer.set_output_type(index, trt.DataType.FLOAT)
        count += 1
    return count


def _place_on_dla(trt: Any, network: Any, config: Any, core: int | None) -> tuple[str, ...]:
    """Make a DLA core the default device; returns the layers it cannot take."""
    if core is None:
        return ()
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    return tuple(layer.name for layer in _layers(network) if not config.can_run_on_DLA(layer))


def _layers(network: Any) -> Sequence[Any]:
    return [network.get_layer(index) for index in range(network.num_layers)]


def _use_timings(config: Any, timings: bytes) -> str:
    """Give the builder its timing cache; returns where it came from."""
    if timings:
        cache = config.create_timing_cache(timings)
        if cache is not None and config.set_timing_cache(cache, False):
            return "reused"
    config.set_timing_cache(config.create_timing_cache(b""), False)
    return "replaced" if timings else "new"


def _member(trt: Any, enumeration: Any, name: str) -> Any:
    member = getattr(enumeration, name, None)
    if member is None:
        raise EngineCompatibilityError(
            f"{release_of(trt)} has no {enumeration.__name__}.{name}: leave out the option that asks for it, "
            "or use another TensorRT"
        )
    return member
