"""Nodes that FP16 leaves in FP32 by choice, where it alone loses too much; those whose numbers would not fit are
``precision``'s own.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_SUMS = frozenset({"LayerNormalization", "Softmax", "ReduceMean", "ReduceSum", "GlobalAveragePool", "Sqrt", "Pow"})
# What may stand between the logits' product, the softmax and the product with the values: mask, scale, shape.
_BETWEEN = frozenset({"Add", "Sub", "Mul", "Div", "Where", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Identity"})


def sums(graph: "onnx.GraphProto") -> dict[str, str]:
    """Operators that add up or divide many numbers.

    Returns:
        the reason for each node, by its name.
    """
    return {
        node.name: f"{node.op_type} adds up or divides many numbers" for node in graph.node if node.op_type in _SUMS
    }


def attention(graph: "onnx.GraphProto") -> dict[str, str]:
    """Every attention from query, key and value to its output: two products with a softmax between them.

    Casts to FP32 come to stand right before query, key and value, which TensorRT 11.3 and newer fuse into one FP16
    kernel that accumulates in FP32. Returns as ``sums`` does.
    """
    makers = {output: node for node in graph.node for output in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found: dict[str, str] = {}
    for softmax in graph.node:
        if softmax.op_type != "Softmax":
            continue
        before = _path_to_product(softmax, lambda node: (makers[name] for name in node.input if name in makers))
        after = _path_to_product(softmax, lambda node: iter(readers.get(node.output[0], ())))
        if before and after:
            found.update((node.name, "attention accumulates in FP32") for node in (*before, softmax, *after))
    return found


def _path_to_product(
    node: "onnx.NodeProto", next_to: "Callable[[onnx.NodeProto], Iterator[onnx.NodeProto]]"
) -> "list[onnx.NodeProto]":
    """The nodes from ``node``, without it, to the nearest MatMul, with it; empty where something else comes before."""
    for other in next_to(node):
        if other.op_type == "MatMul":
            return [other]
        if other.op_type in _BETWEEN and (rest := _path_to_product(other, next_to)):
            return [other, *rest]
    return []


ISLANDS = {"sums": sums, "attention": attention}
"""What a rung of the ladder may keep in FP32, by name."""
