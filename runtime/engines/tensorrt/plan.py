"""A plan opened: deserialised, its tensors read by name (TensorRT 8.5 to 11), an execution context made.

Whether the plan fits this machine was decided before (``compatibility.py``); running it is ``engine.py``'s.
"""

import gzip
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...errors import BundleError, EngineCompatibilityError, GpuMemoryError
from ..protocol import TensorSpec
from .inspector import EngineLayers, parse
from .just_in_time import Kernels, check_validity
from .log import Messages, uncollected
from .versions import flavour_of, release_of

PACKED = ".gz"
"""How the name of a compressed plan ends: those of TensorRT-RTX hold CUDA source, and shrink to a third."""
_DTYPES = {
    "UINT8": "uint8",
    "INT8": "int8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "HALF": "float16",
    "FLOAT": "float32",
}


class Plan:
    """An open plan. ``where`` names its file and ``rebuild`` the command that makes it anew, for messages.

    ``captures``: it makes a CUDA graph of its work by itself. ``remark``: what is to be said of it, "" for nothing.
    ``most_rows``: frames that it takes at once where that is open, None where it is fixed.
    """

    def __init__(
        self,
        trt: Any,
        logger: Any,
        messages: Messages,
        *,
        where: str,
        rebuild: str,
        host_code: bool,
        kernels: Path | None,
        cuda_graph: bool,
    ) -> None:
        """Deserialise the file ``where``.

        Args:
            host_code: the plan is version compatible: it carries code of its own that TensorRT must be allowed to run.
            kernels: where TensorRT-RTX keeps what it compiles of it; None: nowhere.
            cuda_graph: whether TensorRT-RTX captures its work.

        Raises:
            BundleError: a compressed plan is not whole.
            EngineCompatibilityError: TensorRT does not take it, or it has tensors that are not plain device memory.
            MachineError: the GPU has no memory left for it, or the machine has to be mended first.
        """
        self._trt = trt
        self._where, self._rebuild = where, rebuild
        self.messages = messages
        self.remark = ""
        compiles = flavour_of(trt) != "tensorrt"
        with uncollected(), messages.during() as said:
            runtime = trt.Runtime(logger)
            if compiles:
                header = self._read(runtime.engine_header_size)
                self.remark = check_validity(trt, runtime, header, said, where=where, rebuild=rebuild)
            if host_code:
                runtime.engine_host_code_allowed = True
            engine = runtime.deserialize_cuda_engine(self._read())
        if engine is None:
            raise EngineCompatibilityError(
                f"{release_of(trt)} cannot read {where} ({said.reason()}): rebuild it here with: {rebuild}"
            )
        self._runtime, self._engine = runtime, engine
        self.kernels = Kernels(engine, kernels) if compiles else None
        self.captures = compiles and cuda_graph
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        modes = {name: engine.get_tensor_mode(name) for name in names}
        self.most_rows: int | None = None
        self.inputs = tuple(self._spec(name) for name in names if modes[name] == trt.TensorIOMode.INPUT)
        self.outputs = tuple(self._spec(name) for name in names if modes[name] == trt.TensorIOMode.OUTPUT)
        self.context = self.new_context(self.captures)

    def new_context(self, captures: bool = False) -> Any:
        """Another execution context, with device memory of its own.

        Raises:
            GpuMemoryError: the GPU has no memory left for it.
        """
        engine = self._engine
        with uncollected(), self.messages.during() as said:
            if self.kernels is None:
                context = engine.create_execution_context()
            else:  # compiled here, and when it runs first
                context = engine.create_execution_context(self.kernels.settings(self._trt, captures))
        if context is None:
            raise GpuMemoryError(
                f"the GPU has no room for {self._where}, which needs {self._context_bytes() / 2**20:.0f} MiB to run "
                f"({said.reason()}): stop other programs that use the GPU, or build a smaller preset"
            )
        return context

    def largest(self, spec: TensorSpec) -> TensorSpec:
        """A tensor as it is for the most frames."""
        return replace(spec, shape=tuple(self.most_rows if side is None else side for side in spec.shape))

    def take_rows(self, context: Any, rows: int) -> None:
        """Set an execution context up for so many frames.

        Raises:
            EngineCompatibilityError: the plan does not take so many.
        """
        for spec in self.inputs if self.most_rows is not None else ():
            with self.messages.during() as said:
                taken = context.set_input_shape(spec.name, (rows, *spec.shape[1:]))
            if not taken:
                raise EngineCompatibilityError(
                    f"{self._where} does not take {rows} frames at once ({said.reason()}): "
                    f"rebuild it here with: {self._rebuild}"
                )

    def attach_profiler(self, context: Any) -> dict[str, list[float]]:
        """From now on the runs of ``context`` add each layer's milliseconds to the mapping that is returned."""
        trt = self._trt
        times: dict[str, list[float]] = {}

        class Profiler(trt.IProfiler):  # type: ignore[misc, name-defined]
            def __init__(self) -> None:
                trt.IProfiler.__init__(self)

            def report_layer_time(self, layer_name: str, ms: float) -> None:
                times.setdefault(layer_name, []).append(ms)

        context.profiler = Profiler()
        return times

    def layers(self) -> EngineLayers:
        """What the inspector says."""
        engine, trt = self._engine, self._trt
        inspector = engine.create_engine_inspector()
        return parse(inspector.get_engine_information(trt.LayerInformationFormat.JSON))

    def close(self) -> None:
        """Free in the order that TensorRT wants: context, what was compiled for it, engine, runtime."""
        self.context = None
        if self.kernels is not None:
            self.kernels.close()
        self._engine = None
        self._runtime = None

    def _read(self, size: int = -1) -> bytes:
        """The plan's first bytes, or all of it."""
        path = Path(self._where)
        try:
            with gzip.open(path) if path.suffix == PACKED else path.open("rb") as stream:
                content: bytes = stream.read(size)
                return content
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise BundleError(
                f"{path} cannot be unpacked ({error}): copy the bundle again, or rebuild it with: {self._rebuild}"
            ) from error

    def _spec(self, name: str) -> TensorSpec:
        engine, trt = self._engine, self._trt
        shape = tuple(int(side) for side in engine.get_tensor_shape(name))
        open_batch = shape[:1] == (-1,)
        if open_batch and engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            _, _, largest = engine.get_tensor_profile_shape(name, 0)
            self.most_rows = int(largest[0])
        dtype = str(engine.get_tensor_dtype(name).name)
        problem = None
        if any(side < 0 for side in shape[open_batch:]):
            problem = f"has the open shape {list(shape)}"
        elif engine.get_tensor_location(name) != trt.TensorLocation.DEVICE:
            problem = "must lie in host memory"
        elif engine.get_tensor_format(name) != trt.TensorFormat.LINEAR:
            problem = f"is laid out as {engine.get_tensor_format(name).name}, not LINEAR"
        elif dtype not in _DTYPES:
            problem = f"has the type {dtype}"
        if problem:
            raise EngineCompatibilityError(
                f"{self._where}: the tensor '{name}' {problem}, which this runtime does not serve: "
                f"rebuild it with: {self._rebuild}"
            )
        return TensorSpec(name, _DTYPES[dtype], (None, *shape[1:]) if open_batch else shape)

    def _context_bytes(self) -> int:
        engine = self._engine
        if hasattr(engine, "device_memory_size_v2"):  # from 10.1; the older name went in 11
            return int(engine.device_memory_size_v2)
        return int(engine.device_memory_size)
