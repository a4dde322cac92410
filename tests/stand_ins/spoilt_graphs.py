"""What a builder may make of a graph that it got wrong: functions from ONNX to ONNX, for ``FakeTensorRt``."""

import numpy as np
import onnx
from onnx import numpy_helper


def wrong_weights(content: bytes) -> bytes:
    """The first convolution's weights negated: it parses, builds, runs, and is wrong."""
    model = onnx.load_from_string(content)
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) == 4]
    weights[0].CopyFrom(numpy_helper.from_array(-3 * numpy_helper.to_array(weights[0]), weights[0].name))
    return model.SerializeToString()


def wrong_int8(content: bytes) -> bytes:
    """Wrong weights in INT8 only."""
    graph = onnx.load_from_string(content).graph
    return wrong_weights(content) if any(node.op_type == "QuantizeLinear" for node in graph.node) else content


def no_number(content: bytes) -> bytes:
    """Scales that are not numbers."""
    model = onnx.load_from_string(content)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.ndim == 1:
            tensor.CopyFrom(numpy_helper.from_array(np.full_like(values, np.nan), tensor.name))
    return model.SerializeToString()


def large(content: bytes) -> bytes:
    """More bytes than a small disk holds."""
    return content + bytes(4 << 20)


def no_room_for_fp32(content: bytes) -> bytes | None:
    """None, which says that the GPU's memory is full, of a graph without any reduction."""
    tensors = onnx.load_from_string(content).graph.initializer
    reduced = {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT8}
    return content if any(tensor.data_type in reduced for tensor in tensors) else None
