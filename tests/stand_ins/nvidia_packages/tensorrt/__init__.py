"""TensorRT's Python interface as this project uses it, computing with ONNX Runtime on the CPU.

A plan is a magic word, a line of JSON, and an ONNX graph. Work goes through the fake CUDA runtime's streams and reads
and writes its device memory, so bindings, copies and waiting are put to the test. Strict: an attribute that a version
lacks is not there. ``DGIQA_FAKE_TENSORRT`` sets the version; where ``stand_ins/fake_tensorrt.py`` knows it, its
builder is here too, which takes ``DGIQA_FAKE_PACE`` seconds for a step.
"""

import ctypes
import enum
import json
import os
from typing import Any

import numpy as np
import onnxruntime
from cuda.bindings import runtime as cuda
from stand_ins import fake_tensorrt

__version__ = os.environ.get("DGIQA_FAKE_TENSORRT", "10.3.0")


class TensorIOMode(enum.Enum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class TensorLocation(enum.Enum):
    DEVICE = 0
    HOST = 1


class TensorFormat(enum.Enum):
    LINEAR = 0
    CHW32 = 1


class DataType(enum.Enum):
    FLOAT = "tensor(float)"
    HALF = "tensor(float16)"
    UINT8 = "tensor(uint8)"
    BF16 = "tensor(bfloat16)"


class LayerInformationFormat(enum.Enum):
    ONELINE = 0
    JSON = 1


class ILogger:
    class Severity(enum.IntEnum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2

    def __init__(self) -> None:
        self.constructed = True


class IProfiler:
    def __init__(self) -> None:
        self.constructed = True


class Runtime:
    def __init__(self, logger: ILogger) -> None:
        assert logger.constructed, "the base class must be constructed explicitly"
        self._logger = logger
        self.engine_host_code_allowed = False

    def deserialize_cuda_engine(self, content: bytes) -> "ICudaEngine | None":
        if not content.startswith(fake_tensorrt.MAGIC):
            self._logger.log(ILogger.Severity.WARNING, "about to fail")
            self._logger.log(ILogger.Severity.ERROR, "Magic tag does not match")
            self._logger.log(ILogger.Severity.ERROR, "a consequence")
            return None
        graph, facts = fake_tensorrt.onnx_of(content)
        try:
            onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        except Exception as error:
            self._logger.log(ILogger.Severity.ERROR, f"the plan ends too early: {error}")
            return None
        if facts.get("host_code") and not self.engine_host_code_allowed:
            self._logger.log(ILogger.Severity.ERROR, "host code is not allowed")
            return None
        return ICudaEngine(self._logger, facts, graph)


class ICudaEngine:
    def __init__(self, logger: ILogger, facts: dict[str, Any], graph: bytes) -> None:
        self._logger, self._facts = logger, facts
        self._session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        self._inputs = {node.name: node for node in self._session.get_inputs()}
        self._outputs = {node.name: node for node in self._session.get_outputs()}
        self._nodes = {**self._inputs, **self._outputs}
        setattr(self, "device_memory_size" if int(__version__.split(".")[0]) < 10 else "device_memory_size_v2", 3 << 20)

    @property
    def num_io_tensors(self) -> int:
        return len(self._nodes)

    def get_tensor_name(self, index: int) -> str:
        return list(self._nodes)[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name in self._inputs else TensorIOMode.OUTPUT

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        own = (side if isinstance(side, int) else -1 for side in self._nodes[name].shape)
        return tuple(self._facts.get("shapes", {}).get(name, own))

    def get_tensor_profile_shape(self, name: str, profile: int) -> list[tuple[int, ...]]:
        assert profile == 0, "one profile"
        return [tuple(shape) for shape in self._facts["profile"][name]]

    def get_tensor_dtype(self, name: str) -> DataType:
        return DataType(self._facts.get("dtypes", {}).get(name, self._nodes[name].type))

    def get_tensor_location(self, name: str) -> TensorLocation:
        return TensorLocation[self._facts.get("locations", {}).get(name, "DEVICE")]

    def get_tensor_format(self, name: str) -> TensorFormat:
        return TensorFormat[self._facts.get("formats", {}).get(name, "LINEAR")]

    def create_execution_context(self) -> "IExecutionContext | None":
        if self._facts.get("no_room"):
            self._logger.log(ILogger.Severity.ERROR, "OutOfMemory (no further information)")
            return None
        return IExecutionContext(self)

    def create_engine_inspector(self) -> "EngineInspector":
        return EngineInspector(self)


class EngineInspector:
    def __init__(self, engine: ICudaEngine) -> None:
        self._engine = engine

    def get_engine_information(self, form: LayerInformationFormat) -> str:
        assert form is LayerInformationFormat.JSON
        names = list(self._engine._nodes)
        new = int(__version__.split(".")[0]) >= 11
        io = {"I/O Tensors": [{"Name": name} for name in names]} if new else {"Bindings": names}
        output = (
            {"Name": "score", "DataType": "Float"}
            if new
            else {"Name": "score", "Format/Datatype": "Row major linear FP32"}
        )
        return json.dumps({"Layers": [{"Name": "all", "LayerType": "Myelin", "Outputs": [output]}], **io})


class IExecutionContext:
    made = 0

    def __init__(self, engine: ICudaEngine) -> None:
        IExecutionContext.made += 1
        self._engine = engine
        self._addresses: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._executions = 0
        self.profiler: Any = None

    def set_tensor_address(self, name: str, address: int) -> bool:
        if name not in self._engine._nodes or not cuda.state.has("device", address):
            return False
        self._addresses[name] = address
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        least, _, most = self._engine.get_tensor_profile_shape(name, 0)
        if not all(low <= side <= high for low, side, high in zip(least, shape, most, strict=True)):
            self._engine._logger.log(ILogger.Severity.ERROR, f"{list(shape)} is outside the profile")
            return False
        self._shapes[name] = tuple(shape)
        return True

    def execute_async_v3(self, stream: int) -> bool:
        self._executions += 1
        if "profile" in self._engine._facts and self._shapes.keys() != self._engine._inputs.keys():
            self._engine._logger.log(ILogger.Severity.ERROR, "an input shape was not set")
            return False
        facts, capturing = self._engine._facts, cuda.state.captures(stream)
        if self._addresses.keys() != self._engine._nodes.keys():
            self._engine._logger.log(ILogger.Severity.ERROR, "an address was not set")
            return False
        if (capturing and facts.get("refuses_capture")) or self._executions == facts.get("fails_at"):
            self._engine._logger.log(ILogger.Severity.ERROR, "operation not permitted when stream is capturing")
            return False
        cuda.state.put(stream, self._compute)
        if self.profiler is not None:
            self.profiler.report_layer_time("all", 0.25 * self._executions)
            self.profiler.report_layer_time("unlisted", 0.5)
        return True

    def _compute(self) -> None:
        engine = self._engine
        found = engine._session.run(None, {name: self._array(name) for name in engine._inputs})
        for name, value in zip(engine._outputs, found, strict=True):
            self._array(name)[...] = value + np.asarray(engine._facts.get("shift", 0), value.dtype)

    def _array(self, name: str) -> np.ndarray:
        node = self._engine._nodes[name]
        dtype = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}[node.type]
        rows = {shape[0] for shape in self._shapes.values()}
        shape = [side if isinstance(side, int) else min(rows) for side in node.shape]
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        memory = (ctypes.c_uint8 * size).from_address(self._addresses[name])
        return np.frombuffer(memory, dtype).reshape(shape)


# The builder side of this version; plans have one format in both.
if any(entry["name"] == __version__ for entry in fake_tensorrt.versions()):
    fake = fake_tensorrt.FakeTensorRt(__version__, pace=float(os.environ.get("DGIQA_FAKE_PACE", "0")))
    for _name, _value in vars(fake).items():
        if _name[0].isupper():
            globals().setdefault(_name, _value)
