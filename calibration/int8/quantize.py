"""Rewriting a float ONNX graph with explicit QuantizeLinear and DequantizeLinear nodes.

It follows a placement, observed ranges, and a target; it chooses nothing itself. Weights are stored in 8 bits
with a DequantizeLinear behind them, so the file shrinks and every backend reads the same grids.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError
from dgiqa_edge.runtime.ground.error_text import telling_line

from .exact_grids import exact_grids
from .graph_tensors import constant_tensors, dequantized, stored_weight
from .grids import (
    UNSIGNED_WEIGHT_ZERO,
    ActivationGrid,
    activation_grid,
    quantize_bias,
    quantize_weight,
    weight_scales,
    widen_for_bias,
)
from .placement import CLAMPS, WEIGHTED_OPS, Placement, QuantizedNode, carried_nodes, repeats
from .ranges import TensorRange
from .targets import Target
from .whole_levels import keep_whole

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

CHECKER_LIMIT_BYTES = 2_000_000_000


@dataclass(frozen=True)
class QuantizedModel:
    """The INT8 graph, and the outputs of the nodes with products that compute in INT8."""

    model: "ModelProto"
    products: frozenset[str]


def quantize(
    model: "ModelProto",
    placement: Placement,
    ranges: Mapping[str, TensorRange],
    target: Target,
) -> QuantizedModel:
    """A copy of ``model`` whose placed nodes read their inputs and weights from INT8 grids.

    Args:
        model: float32, opset 13 or newer (per-channel DequantizeLinear); left as it is.
        ranges: of every tensor the placement asks to observe.

    Raises:
        CalibrationError: a range is missing, the placement belongs to another graph, or the result is
            invalid ONNX.
    """
    rewriter = _Rewriter(model, placement, ranges, target)
    result = rewriter.rewrite()
    products = {node.output for node in placement.nodes}
    if target.whole_levels:
        products |= keep_whole(result, unsigned_weights=target.unsigned_weights)
    _check(result)
    return QuantizedModel(result, frozenset(products))


def count_nodes(
    model: "ModelProto", products: Collection[str], half: Collection[str] = frozenset()
) -> dict[str, dict[str, int]]:
    """Nodes with products (Conv, MatMul, Gemm) and those in FP16, by operator: ``{"Conv": {"int8": 3, "fp32": 1}}``.

    Args:
        model: as quantized.
        products: outputs of the nodes that compute in INT8.
        half: names of the nodes that are written in FP16.
    """
    counts: dict[str, dict[str, int]] = {}
    for node in model.graph.node:
        if node.op_type in (*WEIGHTED_OPS, "ConvTranspose") or node.name in half:
            kind = "int8" if node.output[0] in products else "fp16" if node.name in half else "fp32"
            entry = counts.setdefault(node.op_type, {})
            entry[kind] = entry.get(kind, 0) + 1
    return dict(sorted(counts.items()))


def quantized_outputs(model: "ModelProto") -> set[str]:
    """Outputs of the nodes that read dequantized tensors, and of clamps behind them: what Q/DQ makes INT8."""
    dequantized = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    quantized: set[str] = set()
    for node in model.graph.node:
        is_layer = dequantized.intersection(node.input) and node.op_type != "QuantizeLinear"
        if is_layer or (node.op_type in CLAMPS and node.input[0] in quantized):
            quantized.update(node.output)
    return quantized


@dataclass
class _Pair:
    """The quantize/dequantize pair of one tensor, and whether every reader takes the dequantized value."""

    for_all_readers: bool
    grid: ActivationGrid


@dataclass
class _Rewriter:
    model: "ModelProto"
    placement: Placement
    ranges: Mapping[str, TensorRange]
    target: Target
    pairs: dict[str, _Pair] = field(default_factory=dict)
    constants: "dict[str, TensorProto]" = field(default_factory=dict)
    exact: dict[str, ActivationGrid] = field(default_factory=dict)
    new_constants: "dict[str, TensorProto]" = field(default_factory=dict)
    weights: dict[tuple[str, int, bytes], str] = field(default_factory=dict)
    integer_biases: dict[tuple[str, str], str] = field(default_factory=dict)

    def rewrite(self) -> "ModelProto":
        graph = self.model.graph
        self.constants = constant_tensors(graph)
        self.exact = exact_grids(graph, unsigned=self.target.unsigned_activations)
        chosen = {node.output: node for node in self.placement.nodes}
        missing = set(chosen) - {node.output[0] for node in graph.node}
        if missing:
            name = chosen[min(missing)].name
            raise CalibrationError(f"the graph has no node {name}: the placement belongs to another graph")
        self._plan_pairs({output.name for output in graph.output})

        nodes: list[NodeProto] = []
        for name in (value.name for value in graph.input):
            nodes += self._pair_nodes(name)
        for original in graph.node:
            node = type(original)()
            node.CopyFrom(original)
            quantized = chosen.get(original.output[0])
            if quantized is not None:
                nodes += self._quantize_constants(node, quantized)
            self._redirect_inputs(node, quantized)
            nodes.append(node)
            for name in node.output:
                nodes += self._pair_nodes(name)
        return self._assemble(nodes)

    def _plan_pairs(self, graph_outputs: set[str]) -> None:
        for node in self.placement.nodes:
            self._plan_pair(node.activation, for_all_readers=False)
        if not self.target.quantizes_conv_outputs:
            return
        for node in self.placement.nodes:
            if node.rounds_output and node.output_range not in graph_outputs:
                self._plan_pair(node.output_range, for_all_readers=True)
        integer = {name for name, pair in self.pairs.items() if pair.for_all_readers}
        for node in carried_nodes(self.model.graph, integer, self.placement.sums):
            output = node.output[0]
            if repeats(node):
                self.pairs[output] = _Pair(for_all_readers=True, grid=self.pairs[node.input[0]].grid)
            else:
                self._plan_pair(output, for_all_readers=True)

    def _plan_pair(self, tensor: str, *, for_all_readers: bool) -> None:
        if tensor not in self.ranges:
            raise CalibrationError(f"no calibrated range for tensor {tensor}: calibrate this graph again")
        seen = self.ranges[tensor]
        grid = self.exact.get(tensor) or activation_grid(seen.low, seen.high, unsigned=self.target.unsigned_activations)
        planned = self.pairs.get(tensor)
        self.pairs[tensor] = _Pair(for_all_readers or bool(planned and planned.for_all_readers), grid)

    def _redirect_inputs(self, node: "NodeProto", quantized: QuantizedNode | None) -> None:
        for index, name in enumerate(node.input):
            pair = self.pairs.get(name)
            if pair and (pair.for_all_readers or (quantized is not None and index == 0)):
                node.input[index] = dequantized(name)
            elif (node.output[0], name) in self.integer_biases:
                node.input[index] = self.integer_biases[node.output[0], name]

    def _pair_nodes(self, tensor: str) -> "list[NodeProto]":
        from onnx import helper

        if tensor not in self.pairs:
            return []
        grid = self.pairs[tensor].grid
        scale = self._add(f"{tensor}/scale", np.array(grid.scale, np.float32))
        zero = self._add(f"{tensor}/zero_point", np.array(grid.zero_point, grid.dtype))
        integer = f"{tensor}/quantized"
        return [
            helper.make_node("QuantizeLinear", [tensor, scale, zero], [integer], name=f"{tensor}/QuantizeLinear"),
            helper.make_node(
                "DequantizeLinear",
                [integer, scale, zero],
                [dequantized(tensor)],
                name=f"{tensor}/DequantizeLinear",
            ),
        ]

    def _quantize_constants(self, node: "NodeProto", quantized: QuantizedNode) -> "list[NodeProto]":
        weight = self._constant(quantized.weight)
        scales = weight_scales(weight, quantized.weight_axis)
        activation_scale = self.pairs[quantized.activation].grid.scale
        bias = self._integer_bias(quantized, len(scales))
        if bias is not None:
            scales = widen_for_bias(scales, activation_scale, bias)
        added = []
        key = (quantized.weight, quantized.weight_axis, scales.tobytes())
        if key not in self.weights:
            values = quantize_weight(weight, scales, quantized.weight_axis, unsigned=self.target.unsigned_weights)
            name = f"{quantized.name}/weight"
            added.append(self._dequantize_constant(name, values, scales, quantized.weight_axis))
            self.weights[key] = added[-1].output[0]
        node.input[1] = self.weights[key]
        if bias is not None:
            values, bias_scales = quantize_bias(bias, activation_scale, scales)
            added.append(self._dequantize_constant(f"{quantized.name}/bias", values, bias_scales, 0))
            self.integer_biases[quantized.bias_reader, str(quantized.bias)] = added[-1].output[0]
        return added

    def _integer_bias(self, quantized: QuantizedNode, channels: int) -> np.ndarray | None:
        if not self.target.integer_bias or quantized.bias is None:
            return None
        bias = self._constant(quantized.bias)
        # Gemm also takes a bias that varies over rows; only one value per output channel has integer form.
        return bias.reshape(-1) if bias.size == channels and bias.shape[-1] == channels else None

    def _dequantize_constant(self, name: str, values: np.ndarray, scales: np.ndarray, axis: int) -> "NodeProto":
        node, tensors = stored_weight(
            name, values, scales, axis, UNSIGNED_WEIGHT_ZERO if values.dtype == np.uint8 else 0
        )
        self.new_constants.update((tensor.name, tensor) for tensor in tensors)
        return node

    def _constant(self, name: str) -> np.ndarray:
        from onnx import numpy_helper

        if name not in self.constants:
            raise CalibrationError(f"the graph has no constant {name}: the placement belongs to another graph")
        return numpy_helper.to_array(self.constants[name])

    def _add(self, name: str, value: np.ndarray) -> str:
        from onnx import numpy_helper

        self.new_constants[name] = numpy_helper.from_array(value, name)
        return name

    def _assemble(self, nodes: "list[NodeProto]") -> "ModelProto":
        """The new model; float weights that nobody reads any more are never copied."""
        graph = self.model.graph
        read = {name for node in nodes for name in node.input} | {output.name for output in graph.output}
        result = type(self.model)()
        for descriptor, value in self.model.ListFields():
            if descriptor.name != "graph":
                _copy_field(result, descriptor.name, value)
        for descriptor, value in graph.ListFields():
            if descriptor.name not in ("node", "initializer"):
                _copy_field(result.graph, descriptor.name, value)
        result.graph.node.extend(
            node for node in nodes if node.op_type != "Constant" or any(name in read for name in node.output)
        )
        result.graph.initializer.extend(tensor for tensor in graph.initializer if tensor.name in read)
        result.graph.initializer.extend(self.new_constants.values())
        return result


def _copy_field(message: Any, name: str, value: Any) -> None:
    current = getattr(message, name)
    if hasattr(current, "extend"):
        current.extend(value)
    elif hasattr(current, "CopyFrom"):
        current.CopyFrom(value)
    else:
        setattr(message, name, value)


def _check(model: "ModelProto") -> None:
    import onnx

    size = model.ByteSize()
    if size > CHECKER_LIMIT_BYTES:
        raise CalibrationError(f"the INT8 graph has {size} bytes, beyond what one ONNX file holds")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise CalibrationError(
            f"the INT8 graph is not valid ONNX: {telling_line(error)}; please report this"
        ) from error
