"""A frame graph made ready for one TensorRT version, and the facts of it that a builder needs.

Old parsers lack an operator or a way of storing weights; what is rewritten here computes the same numbers. Everything
that needs the onnx package ends here: the builder itself gets bytes and ``GraphFacts``, so that it also runs where
only TensorRT and numpy are installed. Sources: onnx-tensorrt's operator tables and importers of 8.5, 8.6 and 10.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.calibration.int8.graph_tensors import attribute, constant_tensors, label
from dgiqa_edge.calibration.int8.quantize import quantized_outputs
from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.engines.tensorrt.versions import TensorRtSupport, supports
from dgiqa_edge.runtime.errors import ExportError
from dgiqa_edge.runtime.hashing import Json

from ..frame_graph.batch_axis import batch_of

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_SMALL_BYTES = 1024


@dataclass(frozen=True)
class GraphFacts:
    """What a builder must know of a graph without reading ONNX.

    Attributes:
        precision: ``fp32``, ``fp16`` (it has FP16 tensors), ``int8`` (it has Q/DQ).
        has_qdq, has_fp16: what is written in it; both may hold.
        fp32_tensors: names of the float32 tensors that nodes compute and that must not be lowered. Those of quantized
            layers (and of a clamp behind one) are not among them: held to FP32, they could not run in INT8.
        nodes: (name, operator) in graph order, to name the node of a parser error.
        batch: how many frames it takes, where it is not one.
    """

    precision: str
    has_qdq: bool
    has_fp16: bool
    fp32_tensors: frozenset[str]
    nodes: tuple[tuple[str, str], ...]
    batch: BatchRange | None = None

    def to_json(self) -> dict[str, Json]:
        content = asdict(self)
        batch = content.pop("batch")
        return {
            **content,
            "fp32_tensors": sorted(self.fp32_tensors),
            "nodes": [list(node) for node in self.nodes],
            **({"batch": batch} if batch else {}),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "GraphFacts":
        return cls(
            precision=content["precision"],
            has_qdq=content["has_qdq"],
            has_fp16=content["has_fp16"],
            fp32_tensors=frozenset(content["fp32_tensors"]),
            nodes=tuple((name, operator) for name, operator in content["nodes"]),
            batch=BatchRange(**content["batch"]) if "batch" in content else None,
        )


@dataclass(frozen=True)
class ParserGraph:
    """A graph as a parser takes it, ready for the builder.

    Attributes:
        read: gives it as serialized ONNX.
        rewritten: how it differs from the portable graph; for the user.
        remarks: what only that parser can judge; for the log.
    """

    read: Callable[[], bytes]
    facts: GraphFacts
    rewritten: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def facts_of(model: "ModelProto") -> GraphFacts:
    """Read the facts of a graph."""
    import onnx

    types = _element_types(model)
    quantized = quantized_outputs(model)
    computed = {name for node in model.graph.node if node.op_type != "Constant" for name in node.output} - quantized
    has_qdq = any(node.op_type in ("QuantizeLinear", "DequantizeLinear") for node in model.graph.node)
    has_fp16 = any(element == onnx.TensorProto.FLOAT16 for element in types.values())
    return GraphFacts(
        precision="int8" if has_qdq else "fp16" if has_fp16 else "fp32",
        has_qdq=has_qdq,
        has_fp16=has_fp16,
        fp32_tensors=frozenset(name for name in computed if types.get(name) == onnx.TensorProto.FLOAT),
        nodes=tuple((label(node), node.op_type) for node in model.graph.node),
        batch=batch_of(model),
    )


def prepare(model: "ModelProto", support: TensorRtSupport) -> "tuple[ModelProto, tuple[str, ...]]":
    """A copy of ``model`` that the parser of a version takes, and one note per kind of rewriting.

    Raises:
        ExportError: the rewritten graph is not valid ONNX.
    """
    import onnx

    result = onnx.ModelProto()
    result.CopyFrom(model)
    notes = []
    if not support.layer_normalization:
        count = _decompose_layer_normalization(result)
        if count:
            notes.append(f"{count} LayerNormalization written as FP32 arithmetic, which its parser lacks")
    if not support.int8_weights:
        count = _float_weights(result)
        if count:
            notes.append(f"{count} int8 weights stored as float behind Q/DQ, since its parser reads no int8")
    if notes:
        try:
            onnx.checker.check_model(result)
        except onnx.checker.ValidationError as error:
            raise ExportError(f"the graph could not be prepared for TensorRT {support.since}: {error}") from error
    return result, tuple(notes)


def for_every_parser(model: "ModelProto") -> "Iterator[tuple[str, ModelProto, tuple[str, ...]]]":
    """Each distinct form of ``model`` with its notes, and the oldest version that takes it; oldest first.

    Raises:
        ExportError: a rewritten graph is not valid ONNX.
    """
    last: tuple[str, ...] | None = None
    for support in supports():
        graph, notes = prepare(model, support)
        if notes != last:
            yield support.since, graph, notes
        last = notes


def _element_types(model: "ModelProto") -> dict[str, int]:
    """Element type of every tensor; large weights take part by their type alone, so that inference copies none."""
    import onnx

    light = onnx.ModelProto(ir_version=model.ir_version, opset_import=model.opset_import)
    light.graph.name = model.graph.name or "graph"
    light.graph.node.extend(model.graph.node)
    light.graph.input.extend(model.graph.input)
    light.graph.output.extend(model.graph.output)
    for tensor in model.graph.initializer:
        if tensor.ByteSize() < _SMALL_BYTES:
            light.graph.initializer.append(tensor)
        else:
            light.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    inferred = onnx.shape_inference.infer_shapes(light)
    values = (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    return {**types, **{tensor.name: tensor.data_type for tensor in model.graph.initializer}}


def _float_weights(model: "ModelProto") -> int:
    """Turn every ``int8 constant -> DequantizeLinear`` into ``float constant -> Quantize -> Dequantize``.

    The float value is int8 x scale, which quantizes back to the same int8, so the numbers do not change.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    constants = constant_tensors(graph)
    nodes: list[NodeProto] = []
    made: dict[str, str] = {}
    for node in graph.node:
        weight = constants.get(node.input[0]) if node.op_type == "DequantizeLinear" else None
        if weight is None or weight.data_type != TensorProto.INT8:
            nodes.append(node)
            continue
        values = numpy_helper.to_array(weight).astype(np.float32)
        scale = numpy_helper.to_array(constants[node.input[1]])
        axis = attribute(node, "axis", 1) % max(1, values.ndim)
        if scale.ndim == 1 and values.ndim > 0:
            scale = scale.reshape([-1 if index == axis else 1 for index in range(values.ndim)])
        name = f"{node.output[0]}/float"
        graph.initializer.append(numpy_helper.from_array(values * scale, name))
        quantized = f"{node.output[0]}/quantized"
        quantize = helper.make_node(
            "QuantizeLinear", [name, *node.input[1:]], [quantized], name=f"{label(node)}/quantize"
        )
        quantize.attribute.extend(node.attribute)
        made[node.output[0]] = quantized
        node.input[0] = quantized
        nodes += [quantize, node]
    if made:
        _replace_nodes(graph, nodes)
    return len(made)


def _decompose_layer_normalization(model: "ModelProto") -> int:
    """Write every LayerNormalization as means, differences and a root, in FP32 whatever its inputs are."""
    types = _element_types(model)
    constants = constant_tensors(model.graph)
    nodes: list[NodeProto] = []
    count = 0
    for node in model.graph.node:
        if node.op_type != "LayerNormalization":
            nodes.append(node)
            continue
        if len([name for name in node.output if name]) > 1:
            raise ExportError(f"{label(node)} gives its mean or deviation out: TensorRT takes the first output only")
        nodes += _Decomposition(model.graph, node, types, constants).nodes()
        count += 1
    if count:
        _replace_nodes(model.graph, nodes)
    return count


class _Decomposition:
    """The nodes that replace one LayerNormalization."""

    def __init__(
        self, graph: "GraphProto", node: "NodeProto", types: Mapping[str, int], constants: Mapping[str, Any]
    ) -> None:
        from onnx import TensorProto

        self.graph, self.node, self.constants = graph, node, constants
        self.half = types.get(node.output[0]) == TensorProto.FLOAT16
        self.made: list[NodeProto] = []

    def nodes(self) -> "list[NodeProto]":
        node = self.node
        axes = list(range(attribute(node, "axis", -1), 0))
        if not axes:
            raise ExportError(f"{label(node)} counts its axis from the front: export it with a negative axis")
        source = self._add("Cast", [node.input[0]], "float", to=1) if self.half else node.input[0]
        mean = self._add("ReduceMean", [source], "mean", axes=axes, keepdims=1)
        centred = self._add("Sub", [source, mean], "centred")
        squares = self._add("Mul", [centred, centred], "squares")
        variance = self._add("ReduceMean", [squares], "variance", axes=axes, keepdims=1)
        epsilon = self._constant("epsilon", np.float32(attribute(node, "epsilon", 1e-5)))
        deviation = self._add("Sqrt", [self._add("Add", [variance, epsilon], "shifted")], "deviation")
        result = self._add("Div", [centred, deviation], "unit")
        result = self._add("Mul", [result, self._float_constant(node.input[1])], "scaled")
        if len(node.input) > 2 and node.input[2]:
            result = self._add("Add", [result, self._float_constant(node.input[2])], "biased")
        if self.half:
            self._add("Cast", [result], "half", to=10)
        self.made[-1].output[0] = node.output[0]
        return self.made

    def _add(self, operator: str, inputs: list[str], what: str, **attributes: Any) -> str:
        from onnx import helper

        name = f"{label(self.node)}/{what}"
        self.made.append(helper.make_node(operator, inputs, [f"{name}_output"], name=name, **attributes))
        return f"{name}_output"

    def _constant(self, what: str, value: np.ndarray | np.floating[Any]) -> str:
        from onnx import numpy_helper

        name = f"{label(self.node)}/{what}_value"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _float_constant(self, name: str) -> str:
        from onnx import numpy_helper

        if not self.half:
            return name
        if name not in self.constants:
            raise ExportError(f"{label(self.node)} has a scale or bias that is not constant: it cannot be decomposed")
        return self._constant(name.rsplit("/", 1)[-1], numpy_helper.to_array(self.constants[name]).astype(np.float32))


def _replace_nodes(graph: "GraphProto", nodes: "list[NodeProto]") -> None:
    kept = list(nodes)
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in graph.node for name in node.input}
    initializers = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initializers)
