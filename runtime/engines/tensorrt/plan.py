"""A TensorRT plan opened: deserialised, its tensors read by name (TensorRT 8.5 to 11), an execution context made.

Whether the plan fits this machine was decided before (``compatibility.py``); running it is ``engine.py``'s.
"""

from typing import Any

from ...errors import EngineCompatibilityError, MachineError
from ..protocol import TensorSpec
from .inspector import EngineLayers, parse
from .log import Messages

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
    """An open plan. ``where`` names its file and ``rebuild`` the command that makes it anew, for messages."""

    def __init__(
        self, trt: Any, logger: Any, messages: Messages, content: bytes, *, where: str, rebuild: str, host_code: bool
    ) -> None:
        """Deserialise ``content``.

        Args:
            host_code: the plan is version compatible: it carries code of its own that TensorRT must be allowed to run.

        Raises:
            EngineCompatibilityError: TensorRT does not take it, or it has tensors that are not plain device memory.
            MachineError: the GPU has no memory left for it.
        """
        self._trt = trt
        self._where, self._rebuild = where, rebuild
        self.messages = messages
        with messages.during() as said:
            runtime = trt.Runtime(logger)
            if host_code:
                runtime.engine_host_code_allowed = True
            engine = runtime.deserialize_cuda_engine(content)
        if engine is None:
            raise EngineCompatibilityError(
                f"TensorRT {trt.__version__} cannot read {where} ({said.reason()}): rebuild it here with: {rebuild}"
            )
        self._runtime, self._engine = runtime, engine
        names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
        modes = {name: engine.get_tensor_mode(name) for name in names}
        self.inputs = tuple(self._spec(name) for name in names if modes[name] == trt.TensorIOMode.INPUT)
        self.outputs = tuple(self._spec(name) for name in names if modes[name] == trt.TensorIOMode.OUTPUT)
        self.context = self.new_context()

    def new_context(self) -> Any:
        """Another execution context, with device memory of its own.

        Raises:
            MachineError: the GPU has no memory left for it.
        """
        engine = self._engine
        with self.messages.during() as said:
            context = engine.create_execution_context()
        if context is None:
            raise MachineError(
                f"the GPU has no room for {self._where}, which needs {self._context_bytes() / 2**20:.0f} MiB to run "
                f"({said.reason()}): stop other programs that use the GPU, or build a smaller preset"
            )
        return context

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
        """Free in the order that TensorRT wants: context, engine, runtime."""
        self.context = None
        self._engine = None
        self._runtime = None

    def _spec(self, name: str) -> TensorSpec:
        engine, trt = self._engine, self._trt
        shape = tuple(int(side) for side in engine.get_tensor_shape(name))
        dtype = str(engine.get_tensor_dtype(name).name)
        problem = None
        if any(side < 0 for side in shape):
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
        return TensorSpec(name, _DTYPES[dtype], shape)

    def _context_bytes(self) -> int:
        engine = self._engine
        if hasattr(engine, "device_memory_size_v2"):  # from 10.1; the older name went in 11
            return int(engine.device_memory_size_v2)
        return int(engine.device_memory_size)
