"""The one maker of ONNX Runtime sessions: for the engine, the build, calibration, training and benchmarks.

The one module that touches the onnxruntime package, which is imported when the first session is made.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import EngineCompatibilityError
from ..ground.error_text import telling_line
from ..ground.extra_packages import install_command
from .backend import import_package
from .protocol import Spinning
from .signed_weights import form_for_processor

CPU = "CPUExecutionProvider"
DISABLED_OPTIMIZERS = "WeightBiasQuantization"
"""It would quantize the weights of a float Conv between Q/DQ pairs, which a graph holds where a build kept it."""
_ERRORS_ONLY = 3  # its warnings speak of graph details that a user of the bundle cannot mend


def onnxruntime_package() -> Any:
    """The package.

    Raises:
        MachineError: it is not installed, or its libraries are missing.
    """
    return import_package("onnxruntime", install_command("cpu"))


def open_session(
    graph: Path,
    *,
    threads: int | None = None,
    providers: Sequence[str] = (CPU,),
    spinning: Spinning = True,
    as_written: bool = False,
    optimized: bool = False,
    optimized_to: Path | None = None,
    arena: bool = True,
    in_order: bool = False,
    profile: Path | None = None,
    on_devices: tuple[Sequence[Any], Mapping[str, str]] | None = None,
) -> Any:
    """An ``InferenceSession`` of a graph's file.

    Args:
        threads: of one operator; every core where it is ``None`` or 0.
        providers: ONNX Runtime's names, first choice first.
        spinning: idle threads burn CPU for a lower latency; with ``"in runs"`` only while a run lasts, so that the
            sessions of a process do not take the cores from each other.
        as_written: computes Q/DQ nodes one by one instead of in ONNX Runtime's integer kernels: what a graph for
            another backend says must not be judged by kernels that backend has not got (on x86 without VNNI,
            int8 x uint8 saturates). Otherwise a processor with integer dot products gets int8 weights.
        optimized: the graph was written by ``optimized_to`` on this processor: nothing is left to optimize.
        optimized_to: where the graph is written as it was optimized for this processor.
        arena: keeps memory for the next run, all that it ever held at once; off, runs are slower and take less.
        in_order: runs nodes in the order of the file. ONNX Runtime's own order is that of the outputs, in which a graph
            with an output at every tensor holds them all at once.
        profile: the start of the profile's path.
        on_devices: devices of a plug-in provider with its options; it takes the place of ``providers``.

    Raises:
        MachineError: onnxruntime is not installed.
        EngineCompatibilityError: it cannot load the graph.
    """
    runtime = onnxruntime_package()
    options = runtime.SessionOptions()
    levels = runtime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_DISABLE_ALL if optimized else levels.ORT_ENABLE_ALL
    if optimized_to is not None:
        options.optimized_model_filepath = str(optimized_to)
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = threads or 0
    options.log_severity_level = _ERRORS_ONLY
    options.enable_cpu_mem_arena = arena
    if in_order:
        options.execution_order = runtime.ExecutionOrder.PRIORITY_BASED
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spinning else "0")
    options.add_session_config_entry("session.force_spinning_stop", "1" if spinning == "in runs" else "0")
    options.add_session_config_entry("optimization.disable_specified_optimizers", DISABLED_OPTIMIZERS)
    if as_written:
        options.add_session_config_entry("session.disable_quant_qdq", "1")
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    own_kernels = on_devices is None and list(providers) == [CPU] and not (as_written or optimized)
    signed = form_for_processor(graph) if own_kernels else None
    try:
        if on_devices is not None:
            options.add_provider_for_devices(*on_devices)
            return runtime.InferenceSession(str(graph), options)
        return runtime.InferenceSession(signed or str(graph), options, providers=list(providers))
    except Exception as error:  # onnxruntime raises a dozen unrelated classes
        raise EngineCompatibilityError(
            f"onnxruntime {runtime.__version__} cannot load {graph}: {telling_line(error)}"
        ) from error
