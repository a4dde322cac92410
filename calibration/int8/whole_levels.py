"""Levels of the camera frame stay whole numbers in 8 bits for as long as that is exact.

A frame graph casts the frame to float first, which at 3840x2160 costs more than the network. What only moves levels
(a slice, a transposition) moves bytes as well, what is rounded to levels becomes bytes there, and a layer whose grid is
that of the levels reads them as they are. A product of levels with a constant matrix is exact in INT8 where
each of the matrix's columns holds small whole multiples of one number, as the matrices that shrink by area do: the
levels are a grid of step 1, the multiples are 8-bit weights, and their sum is an int32.
"""

from typing import TYPE_CHECKING

import numpy as np

from .exact_grids import MOVES, level_tensors
from .graph_tensors import attribute, constant_tensors, consumers, dequantized, drop_unread, label, stored_weight
from .grids import SIGNED_LEVELS, UNSIGNED_WEIGHT_ZERO

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

EXACT_TO = 3e-7
"""Of a weight, relative to the largest of its column: float32's rounding, and no more."""


def multiples(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Whole multiples int8 of one step per column, and the steps float32; None where there are none so small.

    Args:
        matrix: float32 [rows, columns].
    """
    largest = np.abs(matrix).max(axis=0).astype(np.float64)
    largest[largest == 0] = 1.0
    shares = matrix / largest
    fewest = np.zeros(len(largest), np.int64)  # steps in each column's largest weight
    for count in range(1, SIGNED_LEVELS + 1):
        fits = np.abs(shares * count - np.rint(shares * count)).max(axis=0, initial=0.0) < EXACT_TO * count
        fewest[(fewest == 0) & fits] = count
    if not fewest.all():
        return None
    return np.rint(shares * fewest).astype(np.int8), (largest / fewest).astype(np.float32)


def keep_whole(model: "ModelProto", *, unsigned_weights: bool) -> set[str]:
    """Rewrite ``model`` in place; returns the outputs of the products with levels that became INT8.

    Casts of the uint8 inputs to float move behind what only moves levels; a product with a constant matrix of small
    multiples reads levels and multiples from INT8 grids.
    """
    return _Rewriter(model, unsigned_weights).rewrite()


class _Rewriter:
    def __init__(self, model: "ModelProto", unsigned_weights: bool) -> None:
        self.graph, self.unsigned_weights = model.graph, unsigned_weights
        self.constants = constant_tensors(model.graph)
        self.readers = consumers(model.graph)
        self.outputs = {value.name for value in model.graph.output}
        self.in_front_of: dict[str, list[NodeProto]] = {}  # nodes that are made, by the label of their first reader
        self.products: set[str] = set()
        self.levels = level_tensors(model.graph)

    def rewrite(self) -> set[str]:
        import onnx

        frames = {
            value.name for value in self.graph.input if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
        }
        casts = [
            node
            for node in self.graph.node
            if node.op_type == "Cast"
            and attribute(node, "to", None) == onnx.TensorProto.FLOAT
            and node.input[0] in frames
            and node.output[0] not in self.outputs
        ]
        for cast in casts:
            self._follow(cast.output[0], cast.input[0])
        for node in self.graph.node:
            if node.op_type == "Round" and node.output[0] in self.levels and node.output[0] not in self.outputs:
                self._round(node)
        nodes = [node for node in self.graph.node if not any(node is cast for cast in casts)]
        ordered = [each for node in nodes for each in (*self.in_front_of.get(label(node), ()), node)]
        copies = [type(node).FromString(node.SerializeToString()) for node in ordered]
        del self.graph.node[:]
        self.graph.node.extend(copies)
        drop_unread(self.graph)
        return self.products

    def _follow(self, name: str, levels: str) -> None:
        """Readers of the float tensor ``name`` read ``levels``, its uint8 form, each in its own way."""
        made: dict[str, str] = {}  # by operator: what floats are made of the levels
        for node in self.readers.get(name, []):
            if self._only_moves(node, name):
                moved = node.output[0]
                node.input[0], node.output[0] = levels, f"{moved}/levels"
                self._follow(moved, node.output[0])
                continue
            if (last := self._read_on_their_grid(node)) is not None:
                self._read_levels(last, levels)
                continue
            weights = self._multiples_of(node, name)
            operator = "Cast" if weights is None else "DequantizeLinear"
            if operator not in made:
                made[operator] = self._float(operator, levels, name, node)
            for index, given in enumerate(node.input):
                if given == name:
                    node.input[index] = made[operator]
            if weights is not None:
                self._put_weights(node, *weights)

    def _only_moves(self, node: "NodeProto", name: str) -> bool:
        """Whether it may move the levels of ``name`` instead; an output of the graph stays the floats that it is."""
        once = node.input[0] == name and list(node.input).count(name) == 1
        moves = node.op_type in MOVES and node.op_type != "Concat"
        return moves and once and node.output[0] not in self.outputs

    def _round(self, node: "NodeProto") -> None:
        """Make it the quantization to levels."""
        made, levels = node.output[0], f"{node.output[0]}/levels"
        step, zero = self._constant(f"{made}/scale", np.float32(1)), self._constant(f"{made}/zero", np.uint8(0))
        node.op_type = "QuantizeLinear"
        node.input.extend((step, zero))
        node.output[0] = levels
        self._follow(made, levels)

    def _read_on_their_grid(self, node: "NodeProto") -> "NodeProto | None":
        """The QuantizeLinear to the levels' own grid behind ``node``, where that shifts or scales for nobody else."""
        while node.op_type in ("Sub", "Add", "Mul") and node.output[0] in self.levels:
            readers = self.readers.get(node.output[0], [])
            if len(readers) != 1:
                return None
            node = readers[0]
        from onnx import numpy_helper

        if node.op_type != "QuantizeLinear" or node.input[0] not in self.levels:
            return None
        grid = self.levels[node.input[0]].grid(unsigned=True)
        step, zero = (numpy_helper.to_array(self.constants[constant]) for constant in node.input[1:3])
        same = grid is not None and zero.dtype == np.uint8 and (step, zero) == (grid.scale, grid.zero_point)
        return node if same else None

    def _read_levels(self, quantize: "NodeProto", levels: str) -> None:
        for reader in self.readers.get(quantize.output[0], []):
            for index, given in enumerate(reader.input):
                if given == quantize.output[0]:
                    reader.input[index] = levels

    def _multiples_of(self, node: "NodeProto", name: str) -> tuple[np.ndarray, np.ndarray] | None:
        from onnx import numpy_helper

        if node.op_type != "MatMul" or node.input[0] != name or node.input[1] not in self.constants:
            return None
        matrix = numpy_helper.to_array(self.constants[node.input[1]])
        return multiples(matrix) if matrix.ndim == 2 and matrix.dtype == np.float32 else None

    def _float(self, operator: str, levels: str, name: str, reader: "NodeProto") -> str:
        """A node that makes the floats ``name`` of levels, put in front of their first reader."""
        from onnx import TensorProto, helper

        if operator == "Cast":
            node = helper.make_node(operator, [levels], [name], name=f"{name}/Cast", to=TensorProto.FLOAT)
        else:
            step, zero = self._constant(f"{name}/scale", np.float32(1)), self._constant(f"{name}/zero", np.uint8(0))
            node = helper.make_node(
                operator, [levels, step, zero], [dequantized(name)], name=f"{name}/DequantizeLinear"
            )
        self.in_front_of.setdefault(label(reader), []).append(node)
        return node.output[0]

    def _put_weights(self, node: "NodeProto", whole: np.ndarray, steps: np.ndarray) -> None:
        center, dtype = (UNSIGNED_WEIGHT_ZERO, np.uint8) if self.unsigned_weights else (0, np.int8)
        stored = (whole.astype(np.int16) + center).astype(dtype)
        made, tensors = stored_weight(f"{label(node)}/weight", stored, steps, 1, center)
        self.graph.initializer.extend(tensors)
        self.in_front_of.setdefault(label(node), []).append(made)
        node.input[1] = made.output[0]
        self.products.add(node.output[0])

    def _constant(self, name: str, value: "np.ndarray | np.generic") -> str:
        from onnx import numpy_helper

        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name
