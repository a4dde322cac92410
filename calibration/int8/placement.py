"""Placement: which nodes of a frame graph compute in INT8, and which tensors must be observed for that.

The policy: layers with weights inside the networks (Conv, MatMul, Gemm) are quantized at their inputs and weights, and
so is what lies between convolutions (``carried_nodes``), for targets that want it; residual additions of transformers,
LayerNorm, Softmax, GELU and attention products stay float, and so does what resizes pictures outside the networks,
unless it is exact in INT8 (``whole_levels.py``). It decides only; ``quantize.py`` rewrites the graph.
"""

import fnmatch
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.errors import CalibrationError

from .graph_tensors import attribute, constant_tensors, consumers, label
from .scopes import network_scopes, node_blocks

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

DEFAULT_SCOPES = ("/depth_net/", "/quality_net/", "/network/")
WEIGHTED_OPS = ("Conv", "MatMul", "Gemm")
CLAMPS = ("Relu", "Clip")
"""A layer that feeds only one of these takes the range of its output: what is cut off needs no grid."""


@dataclass(frozen=True)
class KeptFloat:
    """Leaves nodes in float, and says why.

    Attributes:
        pattern: shell-style, of a node's name, its block (``scopes.py``) or the path of one of its constants.
    """

    pattern: str
    reason: str


KEPT_FLOAT: tuple[KeptFloat, ...] = (
    # Depth Anything V2-S at 252x336, 24 photos held out, ONNX Runtime: correlation 0.990 -> 0.997 (worst photo
    # 0.897 -> 0.983).
    KeptFloat("*/patch_embed/*", "starts the residual stream: its rounding reaches every block; few operations"),
    # The same photos, on top of the first rule: mean depth error 4.0 -> 3.4 grey levels, no latency found.
    KeptFloat("*/depth_head/*output_conv2*", "ends in the depth map: its grid would be the map's only levels"),
    # edge at 640x480, 8 photos held out, ONNX Runtime: mean depth error 2.68 -> 2.63 grey levels, no latency found.
    KeptFloat("*/depth_head/*/Add*", "sums of a decoder whose convolutions are large: nothing gained"),
    # nano at 1280x720, 16 photos held out, ONNX Runtime: score MAE 0.019 -> 0.014, SRCC 0.979 -> 0.994.
    KeptFloat("*/trunk/stem*", "sees the pixels: a small network has no layer to make up for their rounding"),
    # nano finished for INT8, 24 photos held out, ONNX Runtime: score MAE 0.0050 -> 0.0032 at 640x480, 0.0066 -> 0.0047
    # at 1280x720, 0.0106 -> 0.0065 at 1920x1080; no latency found, on ONNX Runtime or OpenVINO.
    KeptFloat("*/trunk/blocks.0/depthwise*", "filters what the stem saw, channel by channel"),
    # nano 2 early in its training, 640x480, calibrated on 16 clean photos: 34 % of 192 degraded copies leave the
    # range of the frame's faults, 26 % that of the cells'. Their mean distance from FP32: 0.0118 -> 0.0113.
    KeptFloat("*/network/head/*", "its grids would end where clean photos do: faults lie beyond; few operations"),
    *(KeptFloat(f"*/faults/{part}/*", "the same") for part in ("whole", "crop", "frame", "cells")),
    # edge at 640x480, 32 photos held out, ONNX Runtime: score MAE 0.0067 -> 0.0049, largest 0.027 -> 0.017, mean depth
    # error 2.73 -> 1.72 grey levels; 0.49 -> 0.54 of FP32's latency.
    KeptFloat("network/blocks.[01]", "their rounding reaches the class token, and all later blocks"),
    KeptFloat("*/faults/MatMul*", "a resampling by constant matrices; few operations"),
)


@dataclass(frozen=True)
class QuantizedNode:
    """One node chosen for INT8.

    Attributes:
        name: the node's name, or its first output where the exporter left it unnamed.
        op_type: Conv, MatMul or Gemm.
        activation: tensor on input 0.
        weight: constant on input 1, float32.
        weight_axis: axis of ``weight`` that counts output channels.
        bias: constant added per output channel (input 2, or the operand of the Add that alone reads a MatMul's
            output), or None.
        bias_reader: output tensor of the node that reads ``bias``.
        output: the node's output tensor.
        output_range: tensor whose range the output takes: the following Relu's output where the node feeds
            only a Relu or Clip, else ``output``.
        rounds_output: whether targets that want it may give the output a grid that every reader takes: convolutions,
            and products that feed only a clamp, since ONNX Runtime fuses such a clamp with a product in float else.
    """

    name: str
    op_type: str
    activation: str
    weight: str
    weight_axis: int
    bias: str | None
    bias_reader: str
    output: str
    output_range: str
    rounds_output: bool


@dataclass(frozen=True)
class Placement:
    """What computes in INT8, in graph order.

    Attributes:
        nodes: the nodes with weights to quantize.
        kept_float: each weighted node left float, and the reason.
        sums: outputs of the additions that compute in INT8 where both addends do.
    """

    nodes: tuple[QuantizedNode, ...]
    kept_float: tuple[tuple[str, str], ...]
    sums: tuple[str, ...] = ()

    @property
    def outputs(self) -> tuple[str, ...]:
        """What the nodes make, in graph order."""
        return tuple(node.output for node in self.nodes)

    def tensors_to_observe(self) -> tuple[str, ...]:
        """Every tensor whose range any target may need, in graph order and without repeats."""
        names: dict[str, None] = {}
        for node in self.nodes:
            names[node.activation] = None
            if node.rounds_output:
                names[node.output_range] = None
        return tuple(names | dict.fromkeys(self.sums))


def place(
    model: "ModelProto",
    *,
    scopes: Sequence[str] = DEFAULT_SCOPES,
    exclude: Sequence[str] = (),
    only: Sequence[str] | None = None,
    op_types: Sequence[str] = WEIGHTED_OPS,
    kept_float: Sequence[KeptFloat] = KEPT_FLOAT,
    narrowest_product: int = 1,
) -> Placement:
    """Choose the nodes of ``model`` that compute in INT8.

    Args:
        scopes: node-name prefixes of the networks; nothing outside them is ever quantized.
        exclude: shell-style patterns of node names to leave float.
        only: patterns of node names to quantize, all others stay float; None means the default, all.
        op_types: operator types to quantize.
        kept_float: the standing exceptions.
        narrowest_product: of the target: MatMul and Gemm with fewer rows or columns of weights stay float.

    Raises:
        CalibrationError: no node lies in the scopes, a pattern matches nothing, or nothing is left to
            quantize.
    """
    graph = model.graph
    blocks = {label(node): block for node, block in zip(graph.node, node_blocks(graph, scopes), strict=True)}
    inside = [node for node, scope in zip(graph.node, network_scopes(graph, scopes), strict=True) if scope is not None]
    if not inside:
        raise CalibrationError(
            f"no node of the graph lies in the scopes {', '.join(scopes)}: export it through FrameGraph, "
            "or name the network's scope"
        )
    _check_patterns(inside, (*exclude, *(only or ())))
    constants = constant_tensors(graph)
    readers = consumers(graph)
    outputs = {output.name for output in graph.output}
    nodes: list[QuantizedNode] = []
    kept: list[tuple[str, str]] = []
    for node in inside:
        if node.op_type not in WEIGHTED_OPS:
            continue
        reason = _reason_for_float(
            node, blocks[label(node)], constants, op_types, exclude, only, kept_float, narrowest_product
        )
        if reason is None:
            nodes.append(_quantized(node, constants, readers, outputs))
        else:
            kept.append((label(node), reason))
    if not nodes:
        raise CalibrationError(f"nothing to quantize: {_summary(kept)}")
    integer = {node.output_range for node in nodes if node.op_type == "Conv"}
    additions = [node for node in inside if node.op_type == "Add" and _standing_rule(label(node), kept_float) is None]
    carried = carried_nodes(graph, integer, [node.output[0] for node in additions])
    return Placement(tuple(nodes), tuple(kept), tuple(node.output[0] for node in carried if node.op_type == "Add"))


def carried_nodes(graph: "GraphProto", integer: Collection[str], sums: Collection[str]) -> "list[NodeProto]":
    """Sums of two, and enlargements that repeat values, in graph order: in INT8 where all that they read is INT8.

    Backends fuse a sum whose two inputs and whose output have a grid each (with a convolution, or as one kernel), and
    an enlargement whose output has its input's grid costs a copy of bytes. With one of them in float, both of its
    neighbours convert.

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


def _reason_for_float(
    node: "NodeProto",
    block: str,
    constants: "dict[str, TensorProto]",
    op_types: Sequence[str],
    exclude: Sequence[str],
    only: Sequence[str] | None,
    kept_float: Sequence[KeptFloat],
    narrowest_product: int,
) -> str | None:
    import onnx

    name = label(node)
    if node.op_type not in op_types:
        return f"{node.op_type} is not among the quantized operators"
    if node.input[1] not in constants:
        return "constant on the left" if node.input[0] in constants else "product of two activations"
    if node.input[0] in constants:
        return "both inputs are constant"
    weight = constants[node.input[1]]
    if weight.data_type != onnx.TensorProto.FLOAT:
        return "weight is not float32"
    if node.op_type != "Conv" and len(weight.dims) != 2:
        return f"weight has {len(weight.dims)} dimensions, not 2"
    if node.op_type == "Gemm" and attribute(node, "transA", 0):
        return "transposed activation"
    if node.op_type == "Gemm" and (attribute(node, "alpha", 1.0), attribute(node, "beta", 1.0)) != (1.0, 1.0):
        return "scaled Gemm (alpha or beta)"
    if node.op_type != "Conv" and min(weight.dims) < narrowest_product:
        return f"weight is narrower than {narrowest_product}"
    if _matches(name, exclude):
        return "excluded by option"
    if only is not None and not _matches(name, only):
        return "not among the nodes asked for"
    names = (block, *_names(node, constants))
    return next((reason for of in names if (reason := _standing_rule(of, kept_float))), None)


def _names(node: "NodeProto", constants: "dict[str, TensorProto]") -> list[str]:
    """A node's name and the paths of its constants: simplifying renames nodes that it writes anew."""
    return [label(node), *("/" + name.replace(".", "/") for name in node.input if name in constants)]


def _standing_rule(name: str, kept_float: Sequence[KeptFloat]) -> str | None:
    """Why a standing rule leaves the node of that name in float; None where none does."""
    return next((rule.reason for rule in kept_float if fnmatch.fnmatchcase(name, rule.pattern)), None)


def _quantized(
    node: "NodeProto",
    constants: "dict[str, TensorProto]",
    readers: "dict[str, list[NodeProto]]",
    graph_outputs: set[str],
) -> QuantizedNode:
    output = node.output[0]
    following = readers.get(output, [])
    feeds_only_clamp = len(following) == 1 and following[0].op_type in CLAMPS and output not in graph_outputs
    bias, bias_reader = _bias(node, constants, following)
    return QuantizedNode(
        name=label(node),
        op_type=node.op_type,
        activation=node.input[0],
        weight=node.input[1],
        weight_axis=_weight_axis(node),
        bias=bias,
        bias_reader=bias_reader,
        output=output,
        output_range=following[0].output[0] if feeds_only_clamp else output,
        rounds_output=node.op_type == "Conv" or feeds_only_clamp,
    )


def _bias(
    node: "NodeProto", constants: "dict[str, TensorProto]", following: "list[NodeProto]"
) -> tuple[str | None, str]:
    output = node.output[0]
    candidates, reader = list(node.input[2:3]), output
    if node.op_type == "MatMul" and len(following) == 1 and following[0].op_type == "Add":
        candidates, reader = [name for name in following[0].input if name != output], following[0].output[0]
    for name in candidates:
        if name in constants:
            return name, reader
    return None, output


def _weight_axis(node: "NodeProto") -> int:
    if node.op_type == "Conv":
        return 0
    return 0 if node.op_type == "Gemm" and attribute(node, "transB", 0) else 1


def _check_patterns(nodes: "list[NodeProto]", patterns: Sequence[str]) -> None:
    names = [label(node) for node in nodes]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise CalibrationError(f"no node is named like {pattern!r}: the pattern would change nothing")


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _summary(kept: list[tuple[str, str]]) -> str:
    if not kept:
        return "the networks hold no Conv, MatMul or Gemm"
    reasons = Counter(reason for _, reason in kept)
    return "; ".join(f"{count} x {reason}" for reason, count in reasons.most_common())
