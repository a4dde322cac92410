"""FP16 written into the graph: half-precision networks between explicit casts, with FP32 islands where range demands.

Only nodes inside the network scopes are lowered; pre- and post-processing stay FP32, since their numbers (pixel
positions, 0..255 levels) do not fit half precision. A node whose inputs or outputs came near FP16's largest number on
the calibration photos becomes an FP32 island. ONNX Runtime's CPU computes FP16 nodes in FP32, so equal outputs there
prove nothing about range: the observed ranges are the proof.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.calibration.int8.graph_tensors import drop_unread
from dgiqa_edge.calibration.int8.quantize import quantized_outputs
from dgiqa_edge.calibration.int8.scopes import network_scopes
from dgiqa_edge.runtime.errors import ExportError
from dgiqa_edge.runtime.hashing import Json

if TYPE_CHECKING:
    import onnx

FP16_MAX = 65504.0
HEADROOM = 4.0
"""Observed magnitudes times this must stay below ``FP16_MAX``: calibration photos never show the worst frame."""

_FLOAT, _FLOAT16 = 1, 10  # onnx.TensorProto.FLOAT, FLOAT16
_HALF, _TO_HALF, _TO_FLOAT = "__half", "__fp16", "__fp32"  # a tensor computed in FP16, and casts of tensors

# Inputs that stay FP32 whatever the node computes in (ONNX operator schemas).
_FIXED_FLOAT_INPUTS = {"Resize": {1, 2}, "DequantizeLinear": {1}, "QuantizeLinear": {1}}
_QDQ = {"QuantizeLinear", "DequantizeLinear"}


@dataclass(frozen=True)
class HalfReport:
    """What became FP16 (names of nodes) and how many nodes stayed FP32, with the reason for each island."""

    lowered: frozenset[str]
    fp32_nodes: int
    islands: dict[str, str]
    largest_magnitude: float
    underflowed_weights: int
    nodes: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def fp16_nodes(self) -> int:
        return len(self.lowered)

    def to_json(self) -> dict[str, Json]:
        content = asdict(self)
        del content["nodes"], content["lowered"]
        return {"fp16_nodes": self.fp16_nodes, **content}


def to_fp16(
    model: "onnx.ModelProto",
    scopes: Sequence[str],
    absmax: Mapping[str, float],
    *,
    kept: Mapping[str, str] | None = None,
) -> "tuple[onnx.ModelProto, HalfReport]":
    """Lower the networks of an FP32 frame graph to FP16; inputs and outputs of the graph keep their types.

    Args:
        model: a simplified FP32 graph, or one with Q/DQ, whose INT8 layers stay as they are: TensorRT wants a
            DequantizeLinear right before the layer, and a clamp right behind it. It is not changed.
        scopes: node-name prefixes of the networks.
        absmax: largest magnitude of each float tensor inside the scopes, observed on calibration photos.
        kept: nodes that stay FP32 by choice, with the reason for each (``islands``).

    Raises:
        ExportError: no node lies in a scope, a range is missing, or an observed value is not finite.
    """
    import onnx

    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    types = _float_tensors(result)
    inside = _names_inside(result, scopes)
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == _FLOAT}
    quantized, kept = quantized_outputs(model), kept or {}
    islands: dict[str, str] = {}
    lowered: set[str] = set()
    largest = 0.0
    for node in graph.node:
        if node.name not in inside or node.op_type in _QDQ or not any(name in types for name in node.output):
            continue
        if quantized.intersection(node.output):
            continue
        reason, magnitude = _range_verdict(node, types, weights, absmax)
        reason = reason or kept.get(node.name, "")
        if reason:
            islands[node.name] = reason
        else:
            lowered.add(node.name)
            largest = max(largest, magnitude)
    underflowed = _Lowering(result, lowered, types, weights).apply()
    per_operator: dict[str, Counter[str]] = {}
    for node in model.graph.node:
        kind = "fp16" if node.name in lowered else "fp32"
        per_operator.setdefault(node.op_type, Counter())[kind] += 1
    report = HalfReport(
        lowered=frozenset(lowered),
        fp32_nodes=len(model.graph.node) - len(lowered),
        islands=islands,
        largest_magnitude=largest,
        underflowed_weights=underflowed,
        nodes={operator: dict(counts) for operator, counts in sorted(per_operator.items())},
    )
    return result, report


def fp32_name(tensor: str) -> str:
    """The FP32 graph's tensor that one of a lowered graph stands for; a name that this module never gave as it is."""
    for suffix in (_TO_HALF, _TO_FLOAT, _HALF):
        tensor = tensor.removesuffix(suffix)
    return tensor


def tensors_to_observe(model: "onnx.ModelProto", scopes: Sequence[str]) -> list[str]:
    """Every float tensor that enters or leaves a node inside the scopes: what FP16 would have to hold."""
    inside, types = _names_inside(model, scopes), _float_tensors(model)
    names = (
        name
        for node in model.graph.node
        if node.name in inside
        for name in (*node.input, *node.output)
        if name in types
    )
    return list(dict.fromkeys(names))


def _names_inside(model: "onnx.ModelProto", scopes: Sequence[str]) -> set[str]:
    """Names of the nodes inside the networks.

    Raises:
        ExportError: there is none.
    """
    found = network_scopes(model.graph, scopes)
    inside = {node.name for node, scope in zip(model.graph.node, found, strict=True) if scope}
    if not inside:
        raise ExportError(f"no node lies in {', '.join(scopes)}: FP16 would change nothing")
    return inside


def _range_verdict(
    node: "onnx.NodeProto",
    types: set[str],
    weights: Mapping[str, "onnx.TensorProto"],
    absmax: Mapping[str, float],
) -> tuple[str, float]:
    """The reason to keep ``node`` in FP32 ("" if none) and its largest magnitude."""
    from onnx import numpy_helper

    largest = 0.0
    for name in (*node.input, *node.output):
        if name in weights:
            array = numpy_helper.to_array(weights[name])
            magnitude = float(np.abs(array).max()) if array.size else 0.0
        elif name in types:
            if name not in absmax:
                raise ExportError(f"no observed range for tensor {name} (node {node.name}): observe the graph again")
            magnitude = absmax[name]
            if not np.isfinite(magnitude):
                raise ExportError(f"tensor {name} of node {node.name} is not finite in FP32: check the checkpoint")
        else:
            continue
        if magnitude * HEADROOM > FP16_MAX:
            return f"{name} reaches {magnitude:.4g}, over a {HEADROOM:g}th of FP16's range", magnitude
        largest = max(largest, magnitude)
    return "", largest


def _float_tensors(model: "onnx.ModelProto") -> set[str]:
    """Names of all FP32 tensors that nodes produce or the graph takes in."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    values = (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
    constants = {tensor.name for tensor in model.graph.initializer}
    return {value.name for value in values if value.type.tensor_type.elem_type == _FLOAT} - constants


class _Lowering:
    """Rewrites one graph: FP16 copies of weights, and a cast wherever a tensor crosses the precision border."""

    def __init__(
        self,
        model: "onnx.ModelProto",
        lowered: set[str],
        types: set[str],
        weights: dict[str, "onnx.TensorProto"],
    ) -> None:
        self.graph = model.graph
        self.lowered = lowered
        self.types = types
        self.weights = weights
        self.half_weights: dict[str, str] = {}
        self.casts: dict[tuple[str, int], str] = {}
        self.underflowed = 0

    def apply(self) -> int:
        """Rewrite the graph in place; returns how many non-zero weights became zero."""
        outputs = {value.name for value in self.graph.output}
        half = {
            name for node in self.graph.node if node.name in self.lowered for name in node.output if name in self.types
        }
        old_nodes = list(self.graph.node)
        del self.graph.node[:]
        for node in old_nodes:
            if node.name in self.lowered:
                self._lower(node, half)
            else:
                for index, name in enumerate(node.input):
                    if name in half:
                        node.input[index] = self._cast(name, f"{name}{_HALF}", _FLOAT)
            # A graph output keeps its name and type: the FP16 tensor takes another name, a cast restores the output.
            renamed = {name: f"{name}{_HALF}" for name in node.output if name in half}
            for index, name in enumerate(node.output):
                if name in renamed:
                    node.output[index] = renamed[name]
            self.graph.node.append(node)
            for name, half_name in renamed.items():
                if name in outputs:
                    self._append_cast(half_name, name, _FLOAT)
        del self.graph.value_info[:]
        drop_unread(self.graph)
        return self.underflowed

    def _lower(self, node: "onnx.NodeProto", half: set[str]) -> None:
        fixed = _FIXED_FLOAT_INPUTS.get(node.op_type, set())
        for index, name in enumerate(node.input):
            if index in fixed:
                continue
            if name in self.weights:
                node.input[index] = self._half_weight(name)
            elif name in half:
                node.input[index] = f"{name}{_HALF}"
            elif name in self.types:
                node.input[index] = self._cast(name, name, _FLOAT16)
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i == _FLOAT:
                attribute.i = _FLOAT16
            elif attribute.name == "value" and attribute.t.data_type == _FLOAT:
                attribute.t.CopyFrom(self._half_tensor(attribute.t, attribute.t.name))

    def _cast(self, name: str, source: str, to: int) -> str:
        key = (name, to)
        if key not in self.casts:
            target = f"{name}{_TO_HALF if to == _FLOAT16 else _TO_FLOAT}"
            self._append_cast(source, target, to)
            self.casts[key] = target
        return self.casts[key]

    def _append_cast(self, source: str, target: str, to: int) -> None:
        from onnx import helper

        self.graph.node.append(helper.make_node("Cast", [source], [target], name=f"/cast/{target}", to=to))

    def _half_weight(self, name: str) -> str:
        if name not in self.half_weights:
            tensor = self._half_tensor(self.weights[name], f"{name}{_HALF}")
            self.graph.initializer.append(tensor)
            self.half_weights[name] = tensor.name
        return self.half_weights[name]

    def _half_tensor(self, tensor: "onnx.TensorProto", name: str) -> "onnx.TensorProto":
        from onnx import numpy_helper

        full = numpy_helper.to_array(tensor)
        half = full.astype(np.float16)
        self.underflowed += int(np.count_nonzero((half == 0) & (full != 0)))
        return numpy_helper.from_array(half, name)
