"""An ONNX graph to take pieces out of: which nodes compute some tensors from others, and these nodes as a graph.

A piece takes and gives FP32 whatever it is written in: FP16 begins and ends inside, so that one set of arrays goes
through pieces of graphs in any precision.
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.calibration.int8.graph_tensors import attribute, constant_tensors, float_name
from dgiqa_edge.runtime.errors import ExportError

from ..frame_graph.precision import FP16_MAX, fp32_name

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_GIVEN = "given:"
_WIDENED = ":fp32"


@dataclass(frozen=True)
class Cut:
    """A piece as a graph; ``feed`` is what it takes, ``outputs`` what its outputs are called, by tensor."""

    model: "ModelProto"
    feed: Mapping[str, np.ndarray]
    outputs: Mapping[str, str]


class SourceGraph:
    """A whole graph, indexed.

    Attributes:
        makers: index of the node that computes a tensor.
        constants: initializers and values of Constant nodes, as ONNX holds them.
        fixed: tensors that nodes compute from constants alone; a piece that needs one computes it itself.
        types: ONNX's element type of every tensor whose type is known.
    """

    def __init__(self, model: "ModelProto") -> None:
        import onnx

        self.model, self.nodes = model, list(model.graph.node)
        self.constants = constant_tensors(model.graph)
        self.makers = {name: index for index, node in enumerate(self.nodes) for name in node.output if name}
        self.fixed: set[str] = set()
        for node in self.nodes:
            if all(name in self.constants or name in self.fixed for name in node.input if name):
                self.fixed.update(node.output)
        self.inputs = tuple(value.name for value in model.graph.input if value.name not in self.constants)
        self.outputs = tuple(value.name for value in model.graph.output)
        inferred = onnx.shape_inference.infer_shapes(model).graph
        values = {value.name: value.type.tensor_type for value in (*inferred.input, *inferred.output)}
        values |= {value.name: value.type.tensor_type for value in inferred.value_info}
        self.types = {name: value.elem_type for name, value in values.items()}
        self.types |= {name: tensor.data_type for name, tensor in self.constants.items()}
        shapes = {name: [side.dim_value for side in value.shape.dim] for name, value in values.items()}
        self._shapes = {name: shape for name, shape in shapes.items() if all(shape)}
        self._initializers = {tensor.name: tensor for tensor in model.graph.initializer}

    def is_float(self, tensor: str) -> bool:
        """Whether it is FP32 or FP16."""
        return self.types.get(tensor) in (1, 10)  # onnx.TensorProto.FLOAT, FLOAT16

    def is_half(self, tensor: str) -> bool:
        """Whether it is FP16."""
        return self.types.get(tensor) == 10  # onnx.TensorProto.FLOAT16

    def size_bytes(self, tensor: str) -> int:
        """What it takes as FP32; 0 where its shape is not known."""
        return 4 * int(np.prod(self._shapes.get(tensor, [0])))

    def maker(self, tensor: str) -> "NodeProto | None":
        """The node that computes it; None for inputs and initializers."""
        return self.nodes[self.makers[tensor]] if tensor in self.makers else None

    def is_integer_weight(self, tensor: str) -> bool:
        """Whether it is a weight that is stored in 8 bits, as its readers take it; the bias beside it is not."""
        node = self.maker(tensor)
        stored = node.input[0] if node is not None and node.op_type == "DequantizeLinear" else ""
        return self.types.get(stored) in (2, 3) and stored in self.constants  # onnx.TensorProto.UINT8, INT8

    def weight(self, tensor: str) -> np.ndarray:
        """Values of a constant as its readers take them, float."""
        from onnx import numpy_helper

        if tensor in self.constants:
            return numpy_helper.to_array(self.constants[tensor])
        node = self.nodes[self.makers[tensor]]
        stored, scale, zero = (numpy_helper.to_array(self.constants[name]).astype(np.float32) for name in node.input)
        shape = [1] * stored.ndim
        if scale.ndim:
            shape[attribute(node, "axis", 1)] = -1
        return (stored - zero.reshape(shape)) * scale.reshape(shape)

    def reach(self, targets: Iterable[str], given: Callable[[str], bool]) -> tuple[list[int], list[str]]:
        """Nodes that compute ``targets`` from what is ``given``, in graph order, and what of that they read.

        A target is always computed, even where its readers are given it.

        Raises:
            ExportError: an input of the graph is needed and not given.
        """
        waiting = [self.makers[name] for name in targets if name in self.makers]
        found, read = set(waiting), dict[str, None]()
        while waiting:
            for name in self.nodes[waiting.pop()].input:
                if not name or name in self._initializers:
                    continue
                if given(name):
                    read[name] = None
                elif name not in self.makers:
                    raise ExportError(f"the graph needs its input {name}, which is not given")
                elif self.makers[name] not in found:
                    found.add(self.makers[name])
                    waiting.append(self.makers[name])
        return sorted(found), list(read)

    def cut(self, targets: Sequence[str], given: Mapping[str, np.ndarray]) -> Cut:
        """The piece that computes ``targets`` from ``given`` arrays; raises as ``reach``."""
        from onnx import TensorProto, helper

        indices, read = self.reach(targets, given.__contains__)
        nodes, inputs, feed = [], [], {}
        for name in read:
            array, taken = given[name], f"{_GIVEN}{name}"
            if self.is_half(name):
                array = np.clip(array, -FP16_MAX, FP16_MAX)  # what overflowed before is not this piece's fault
                nodes.append(helper.make_node("Cast", [f"{taken}{_WIDENED}"], [taken], to=TensorProto.FLOAT16))
                taken += _WIDENED
            feed[taken] = np.ascontiguousarray(array)
            inputs.append(
                helper.make_tensor_value_info(taken, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            )
        for index in indices:
            node = type(self.nodes[index])()
            node.CopyFrom(self.nodes[index])
            for place, name in enumerate(node.input):
                if name in feed or f"{_GIVEN}{name}" in feed or f"{_GIVEN}{name}{_WIDENED}" in feed:
                    node.input[place] = f"{_GIVEN}{name}"
            nodes.append(node)
        outputs = {name: f"{name}{_WIDENED}" if self.is_half(name) else name for name in targets}
        nodes += [
            helper.make_node("Cast", [name], [widened], to=TensorProto.FLOAT)
            for name, widened in outputs.items()
            if name != widened
        ]
        results = [
            helper.make_tensor_value_info(
                widened, self.types[name] if name == widened else TensorProto.FLOAT, self._shapes.get(name)
            )
            for name, widened in outputs.items()
        ]
        used = set(itertools.chain.from_iterable(node.input for node in nodes))
        weights = [tensor for name, tensor in self._initializers.items() if name in used]
        graph = helper.make_graph(nodes, "piece", inputs, results, weights)
        model = helper.make_model(graph, opset_imports=self.model.opset_import, ir_version=self.model.ir_version)
        return Cut(model, feed, outputs)


def stands_for(candidate: SourceGraph, reference: SourceGraph) -> dict[str, str]:
    """The reference's tensor that each of the candidate's stands for, weights included, in graph order.

    Lowering names what it makes after what it replaces; a weight is known by the node that reads it.
    """
    known: Collection[str] = {*reference.makers, *reference.constants, *reference.inputs}
    names = (*candidate.inputs, *candidate.constants, *candidate.makers)
    found = {name: meant for name in names if (meant := float_name(fp32_name(name))) in known}
    nodes = {node.name: node for node in reference.nodes if node.name}
    for node in candidate.nodes:
        twin = nodes.get(node.name)
        for name, meant in zip(node.input, twin.input if twin is not None else (), strict=False):
            if name not in found and candidate.is_integer_weight(name) and meant in reference.constants:
                found[name] = meant
    return found
