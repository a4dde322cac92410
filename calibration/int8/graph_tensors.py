"""Reading an ONNX graph: constants, consumers and attributes. Changes nothing."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto


def label(node: "NodeProto") -> str:
    """Name by which a node is known: its own, or its first output's where it has none."""
    return node.name or node.output[0]


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
