"""Nodes without weights between quantized convolutions: they compute in INT8 too, where all that they read is INT8.

Backends fuse a sum whose two inputs and whose output have a grid each (with a convolution, or as one kernel), and an
enlargement whose output has its input's grid costs a copy of bytes. With one of them in float, both of its neighbours
convert.
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from .graph_tensors import attribute

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def carried_nodes(graph: "GraphProto", integer: Collection[str], sums: Collection[str]) -> "list[NodeProto]":
    """Sums of two, and enlargements that repeat values, in graph order.

    Args:
        integer: tensors that every reader takes in INT8.
        sums: outputs of the additions that may compute in INT8.
    """
    known, allowed = set(integer), set(sums)
    found = []
    for node in graph.node:
        if repeats(node):
            carried = node.input[0] in known
        else:
            carried = node.output[0] in allowed and known.issuperset(node.input)
        if carried:
            known.add(node.output[0])
            found.append(node)
    return found


def repeats(node: "NodeProto") -> bool:
    """Whether a node's output holds values of its input and no others."""
    return node.op_type == "Resize" and attribute(node, "mode", b"nearest") == b"nearest"
