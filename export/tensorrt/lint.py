"""The rules of TensorRT's ONNX parser, checked on the graph alone: a broken one is named before minutes of building.

A pure reading of the graph: no GPU, no TensorRT. It knows less than the parser, so it never says that a graph will
build. Sources: onnx-tensorrt's operator tables and importers (Cast, QuantizeLinear, DequantizeLinear) of 8.5 to 10.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dgiqa_edge.calibration.int8.graph_tensors import attribute, constant_tensors, consumers, label
from dgiqa_edge.runtime.engines.tensorrt.versions import (
    TITLES,
    TensorRtSupport,
    operator_supported,
    support_of,
)
from dgiqa_edge.runtime.errors import ExportError

from ..frame_graph.batch_axis import batch_of

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

FINDINGS_IN_MESSAGE = 3
_QDQ = ("QuantizeLinear", "DequantizeLinear")
_FLOATS = (1, 10)  # onnx.TensorProto.FLOAT, FLOAT16
_UINT8, _INT8, _INT32 = 2, 3, 6


@dataclass(frozen=True)
class Finding:
    """A rule that a node breaks. ``blocking`` is False where only the parser of that version can tell."""

    node: str
    operator: str
    problem: str
    remedy: str
    blocking: bool = True

    def __str__(self) -> str:
        return f"node {self.node} ({self.operator}): {self.problem}; {self.remedy}"


def check(model: "ModelProto", version: str, flavour: str = "tensorrt") -> tuple[Finding, ...]:
    """Refuse a graph that the parser of a TensorRT cannot take; returns the findings that do not block.

    Raises:
        ExportError: names the first nodes, their operators, and what to do.
    """
    findings = lint(model, version, flavour)
    blocking = [finding for finding in findings if finding.blocking]
    if blocking:
        shown = " | ".join(str(finding) for finding in blocking[:FINDINGS_IN_MESSAGE])
        rest = len(blocking) - FINDINGS_IN_MESSAGE
        release = f"{TITLES[flavour]} {version}"
        raise ExportError(f"{release} cannot parse the graph: {shown}" + (f" | {rest} more" * (rest > 0)))
    return tuple(finding for finding in findings if not finding.blocking)


def lint(model: "ModelProto", version: str, flavour: str = "tensorrt") -> tuple[Finding, ...]:
    """Every rule of the parser of a TensorRT that a node of the graph breaks, in graph order."""
    return tuple(_Lint(model, version, support_of(version, flavour)).findings())


class _Lint:
    def __init__(self, model: "ModelProto", version: str, support: TensorRtSupport) -> None:
        self.model, self.support = model, support
        self.release, self.parser_version = f"{support.title} {version}", support.api_of or version
        self.constants: dict[str, TensorProto] = constant_tensors(model.graph)
        self.readers = consumers(model.graph)
        self.outputs = {value.name for value in model.graph.output}

    def findings(self) -> Iterator[Finding]:
        yield from self._opset()
        yield from self._inputs()
        for node in self.model.graph.node:
            yield from self._operator(node)
            if node.op_type in _QDQ:
                yield from self._quantization(node)
            elif node.op_type == "Cast":
                yield from self._cast(node)
            elif node.op_type == "Resize":
                yield from self._resize(node)

    def _opset(self) -> Iterator[Finding]:
        opset = max((entry.version for entry in self.model.opset_import if entry.domain in ("", "ai.onnx")), default=0)
        if opset > self.support.max_opset:
            problem = f"opset {opset}, {self.release} takes up to {self.support.max_opset}"
            yield Finding("of the whole graph", "opset", problem, "export at opset 17")

    def _inputs(self) -> Iterator[Finding]:
        for value in self.model.graph.input:
            shape = value.type.tensor_type.shape.dim
            if any(dimension.dim_value < 1 for dimension in shape[batch_of(self.model) is not None :]):
                yield Finding(value.name, "input", "its shape is not fixed", "export the graph for one frame size")
            if value.type.tensor_type.elem_type == _UINT8:
                for reader in self.readers.get(value.name, []):
                    if reader.op_type != "Cast" or attribute(reader, "to", 0) not in _FLOATS:
                        problem = f"reads the uint8 input '{value.name}' directly"
                        yield Finding(label(reader), reader.op_type, problem, "cast it to float before anything else")

    def _operator(self, node: "NodeProto") -> Iterator[Finding]:
        if node.domain not in ("", "ai.onnx"):
            yield Finding(
                label(node),
                f"{node.domain}.{node.op_type}",
                "is an operator of another domain, which needs a plugin",
                "write it with standard ONNX operators",
            )
            return
        supported = operator_supported(node.op_type, self.parser_version)
        if supported is False:
            problem = f"{self.release} does not have this operator"
            yield Finding(label(node), node.op_type, problem, "write it with others, or build on a newer TensorRT")
        elif supported is None:
            problem = f"it is not on record whether {self.release} has this operator"
            yield Finding(label(node), node.op_type, problem, "the parser decides", blocking=False)

    def _quantization(self, node: "NodeProto") -> Iterator[Finding]:
        from onnx import TensorProto, numpy_helper

        name, operator = label(node), node.op_type
        if len(node.input) < 3:
            yield Finding(name, operator, "has no zero point", "add an int8 zero point of 0")
            return
        data, scale, zero_point = (self.constants.get(tensor) for tensor in node.input[:3])
        if zero_point is None or scale is None:
            yield Finding(name, operator, "its scale or zero point is not constant", "calibrate statically")
            return
        if zero_point.data_type != _INT8:
            kind = TensorProto.DataType.Name(zero_point.data_type).lower()
            yield Finding(name, operator, f"quantizes to {kind}", "build with --backend tensorrt (int8, zero point 0)")
        elif numpy_helper.to_array(zero_point).any():
            problem = "its zero point is not 0"
            yield Finding(name, operator, problem, "build with --backend tensorrt (symmetric ranges)")
        scales = numpy_helper.to_array(scale)
        if not (scales > 0).all():
            yield Finding(name, operator, "a scale is not positive", "calibrate on photos that are not all alike")
        if scales.size > 1 and data is None and operator == "QuantizeLinear":
            yield Finding(name, operator, "quantizes an activation per channel", "use one scale for the tensor")
        if operator == "DequantizeLinear" and data is not None:
            yield from self._stored_weight(node, data)

    def _stored_weight(self, node: "NodeProto", data: "TensorProto") -> Iterator[Finding]:
        if data.data_type == _INT32:
            yield Finding(label(node), node.op_type, "dequantizes an int32 bias", "keep the bias in float")
        elif data.data_type == _INT8 and not self.support.int8_weights:
            problem = f"reads an int8 weight, which {self.release} cannot store"
            yield Finding(label(node), node.op_type, problem, "prepare the graph for this version (float behind Q/DQ)")

    def _cast(self, node: "NodeProto") -> Iterator[Finding]:
        target = attribute(node, "to", 0)
        if target == _UINT8 and (node.output[0] not in self.outputs or self.readers.get(node.output[0])):
            problem = "makes uint8 inside the graph; TensorRT has uint8 at inputs and outputs only"
            yield Finding(label(node), "Cast", problem, "clip and round in float instead")

    def _resize(self, node: "NodeProto") -> Iterator[Finding]:
        mode = attribute(node, "mode", b"nearest")
        text = mode.decode() if isinstance(mode, bytes) else str(mode)
        if text not in ("nearest", "linear"):
            known = operator_supported("no such operator", self.parser_version) is False
            problem = f"mode '{text}' is not among those on record (nearest, linear)"
            yield Finding(label(node), "Resize", problem, "resize by constant matrices instead", blocking=known)
