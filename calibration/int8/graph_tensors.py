"""Reading an ONNX graph: constants, consumers and attributes; and dropping what nobody reads."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto


_DEQUANTIZED = "/dequantized"


def label(node: "NodeProto") -> str:
    """Name by which a node is known: its own, or its first output's where it has none."""
    return node.name or node.output[0]


def dequantized(tensor: str) -> str:
    """Name of the float tensor that a DequantizeLinear makes of ``tensor``'s integers."""
    return f"{tensor}{_DEQUANTIZED}"


def float_name(tensor: str) -> str:
    """The float tensor that a dequantized one stands for; any other name as it is."""
    return tensor.removesuffix(_DEQUANTIZED)


def stored_weight(
    name: str, values: np.ndarray, scales: np.ndarray, axis: int, center: int
) -> "tuple[NodeProto, list[TensorProto]]":
    """The DequantizeLinear of a constant in integers, and the tensors that it reads: values, scales, zero points.

    Args:
        values: in the integer type that is stored.
        scales: float32, one per channel along ``axis``.
        center: the integer that stands for zero.
    """
    from onnx import helper, numpy_helper

    parts = {"quantized": values, "scale": scales, "zero_point": np.full(scales.shape, center, values.dtype)}
    tensors = [numpy_helper.from_array(part, f"{name}/{key}") for key, part in parts.items()]
    node = helper.make_node(
        "DequantizeLinear",
        [tensor.name for tensor in tensors],
        [dequantized(name)],
        name=f"{name}/DequantizeLinear",
        axis=axis,
    )
    return node, tensors


def attribute(node: "NodeProto", name: str, default: Any) -> Any:
    """Value of a node's attribute, ``default`` where it is not set."""
    import onnx

    for candidate in node.attribute:
        if candidate.name == name:
            return onnx.helper.get_attribute_value(candidate)
    return default


def constant_tensors(graph: "GraphProto") -> "dict[str, TensorProto]":
    """Initializers and the values of Constant nodes, by tensor name."""
    constants = {initializer.name: initializer for initializer in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            value = attribute(node, "value", None)
            if value is not None:
                constants[node.output[0]] = value
    return constants


def consumers(graph: "GraphProto") -> "dict[str, list[NodeProto]]":
    """Nodes that read each tensor."""
    found: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            found.setdefault(name, []).append(node)
    return found


def drop_unread(graph: "GraphProto") -> None:
    """Remove nodes and constants whose values reach no output."""
    read = {output.name for output in graph.output}
    for index in reversed(range(len(graph.node))):
        if read.isdisjoint(graph.node[index].output):
            del graph.node[index]
        else:
            read.update(graph.node[index].input)
    for index in reversed(range(len(graph.initializer))):
        if graph.initializer[index].name not in read:
            del graph.initializer[index]
