"""Tensors whose values are whole levels of the camera frame, shifted and scaled: their grid is known, not calibrated.

A frame's bytes, whatever moves them, and what the graph rounds to whole numbers of that range are levels; a network
that reads ``(level - 128) / 128`` reads a uint8 grid of scale 1/128 and zero point 128, or the int8 grid of zero point
0 that TensorRT asks for, without any rounding.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .graph_tensors import attribute, constant_tensors
from .grids import ActivationGrid

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto, TensorProto

MOVES = ("Reshape", "Slice", "Transpose", "Gather", "Concat", "Squeeze", "Unsqueeze")
"""Their values come out unchanged."""
SIGNED_ZERO = 128


@dataclass(frozen=True)
class Levels:
    """``real = (level - zero) * scale`` with whole levels 0..255."""

    zero: float = 0.0
    scale: float = 1.0

    def grid(self, *, unsigned: bool) -> ActivationGrid | None:
        """The grid that holds these values exactly; None where it has no such zero point."""
        if self.zero != round(self.zero) or not 0 <= self.zero <= 255:
            return None
        if unsigned:
            return ActivationGrid(self.scale, int(self.zero), unsigned=True)
        return ActivationGrid(self.scale, 0, unsigned=False) if self.zero == SIGNED_ZERO else None


def level_tensors(graph: "GraphProto") -> dict[str, Levels]:
    """Every float tensor of the graph that holds levels, by name."""
    import onnx

    constants = constant_tensors(graph)
    pixels = {value.name for value in graph.input if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8}
    # Means of levels lie in their range too; rounded, they are levels again.
    ranged, found = set(pixels), dict.fromkeys(pixels, Levels())
    for node in graph.node:
        given, made = node.input[0] if node.input else "", node.output[0]
        if node.op_type == "Cast" and attribute(node, "to", None) != onnx.TensorProto.FLOAT:
            continue
        if node.op_type in (*MOVES, "Cast"):
            sources = [name for name in node.input if name not in constants]
            if sources and all(name in found and found[name] == found[sources[0]] for name in sources):
                found[made] = found[sources[0]]
            if sources and all(name in ranged for name in sources):
                ranged.add(made)
        elif node.op_type == "MatMul" and _averages(node, ranged, constants):
            ranged.add(made)
        elif node.op_type == "Round" and given in ranged:
            found[made] = Levels()
        elif node.op_type in ("Sub", "Add", "Mul") and given in found:
            number = _number(node, constants)
            if number is not None:
                found[made] = _after(node.op_type, found[given], number)
    return {name: levels for name, levels in found.items() if name not in pixels}


def exact_grids(graph: "GraphProto", *, unsigned: bool) -> dict[str, ActivationGrid]:
    """The grids of those tensors that have one."""
    grids = {name: levels.grid(unsigned=unsigned) for name, levels in level_tensors(graph).items()}
    return {name: grid for name, grid in grids.items() if grid is not None}


def _after(operator: str, levels: Levels, number: float) -> Levels:
    if operator == "Mul":
        return replace(levels, scale=levels.scale * number)
    shift = number / levels.scale
    return replace(levels, zero=levels.zero + shift if operator == "Sub" else levels.zero - shift)


def _number(node: "NodeProto", constants: "dict[str, TensorProto]") -> float | None:
    from onnx import numpy_helper

    if len(node.input) != 2 or node.input[1] not in constants:
        return None
    value = numpy_helper.to_array(constants[node.input[1]])
    return float(value.reshape(())) if value.size == 1 else None


def _averages(node: "NodeProto", ranged: set[str], constants: "dict[str, TensorProto]") -> bool:
    """Whether a product with constants stays in the range of its values: weights that are positive and add up to 1."""
    from onnx import numpy_helper

    for position, axis in ((1, -2), (0, -1)):
        if node.input[position] in constants and node.input[1 - position] in ranged:
            matrix = numpy_helper.to_array(constants[node.input[position]])
            return bool(matrix.min() >= 0.0 and np.allclose(matrix.sum(axis=axis), 1.0, atol=1e-4))
    return False
