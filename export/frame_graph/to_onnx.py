"""A frame graph as ONNX: exported at opset 17, simplified, checked, and held to the rules every backend can run.

Opset 17 is the highest that TensorRT 8.5 and 8.6 parse and the lowest with LayerNormalization as one operator. The
TorchScript exporter is used because it is the one that writes a true opset 17. What a rule forbids (loops, dynamic
sizes, data-dependent shapes) is refused here, at export, rather than found on a device.
"""

import contextlib
import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.calibration.int8.placement import DEFAULT_SCOPES
from dgiqa_edge.calibration.int8.scopes import network_scopes
from dgiqa_edge.runtime.errors import ExportError
from dgiqa_edge.runtime.ground.atomic import atomic_file
from dgiqa_edge.runtime.ground.error_text import telling_line
from dgiqa_edge.runtime.hashing import Json

if TYPE_CHECKING:
    import onnx
    from torch import Tensor, nn

OPSET = 17

FORBIDDEN_OPS = {
    "Loop": "a loop has no fixed shape",
    "If": "a branch cannot be compiled into one engine",
    "Scan": "a loop has no fixed shape",
    "NonZero": "its output shape depends on the data",
    "SequenceConstruct": "sequences are not tensors",
    "SequenceInsert": "sequences are not tensors",
    "SequenceAt": "sequences are not tensors",
    "SplitToSequence": "sequences are not tensors",
    "ConcatFromSequence": "sequences are not tensors",
    "InstanceNormalization": "TensorRT needs a plugin for it",
}


@dataclass(frozen=True)
class GraphReport:
    """What an exported graph is made of."""

    nodes: int
    nodes_before_simplification: int
    operators: dict[str, int]
    parameters: int
    bytes: int

    def to_json(self) -> dict[str, Json]:
        return asdict(self)


def export_graph(
    module: "nn.Module",
    examples: "Mapping[str, Tensor]",
    outputs: Sequence[str],
    path: Path,
    metadata: Mapping[str, str],
) -> GraphReport:
    """Export ``module`` to ``path``: trace, simplify, name, check, and hold to the rules.

    Args:
        module: a frame graph in eval mode.
        examples: one tensor per input, by the input's name; their shapes become the graph's fixed shapes.
        outputs: names of the outputs, in order.
        path: the .onnx file to write, atomically.
        metadata: key-value pairs stored in the model.

    Raises:
        ExportError: tracing, simplifying or checking failed, or the graph breaks a rule.
    """
    traced = _trace(module, examples, outputs)
    before = len(traced.graph.node)
    model = _simplify(traced)
    _constants_to_initializers(model)
    _name_nodes(model)
    _fix_output_shapes(model)
    model.producer_name = "dgiqa-edge"
    del model.metadata_props[:]
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    check_rules(model)
    return save_checked(model, path, before)


def save_checked(model: "onnx.ModelProto", path: Path, nodes_before: int | None = None) -> GraphReport:
    """Run the ONNX checker with full shape inference on ``model`` and write it to ``path`` atomically.

    Raises:
        ExportError: the model is not valid ONNX.
    """
    import onnx

    with atomic_file(path) as partial:
        onnx.save(model, str(partial))
        try:
            onnx.checker.check_model(str(partial), full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise ExportError(f"{path.name} is not valid ONNX: {telling_line(error)}") from error
        size = partial.stat().st_size
    operators = Counter(node.op_type for node in model.graph.node)
    parameters = sum(_elements(tensor.dims) for tensor in model.graph.initializer)
    nodes = len(model.graph.node)
    return GraphReport(nodes, nodes_before or nodes, dict(operators.most_common()), parameters, size)


def check_rules(model: "onnx.ModelProto") -> None:
    """Refuse what not every backend can run.

    Raises:
        ExportError: a forbidden operator, a dimension without a number, a decomposed LayerNormalization, an operator
            outside the standard set, pixels that are moved before they are cast (TensorRT reads a uint8 input by a
            Cast only), or an opset other than 17. The message names the node.
    """
    from onnx import TensorProto

    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets.get("", 0) != OPSET:
        raise ExportError(f"the graph has opset {opsets.get('', 0)}, not {OPSET}: TensorRT 8.x parses none higher")
    for node in model.graph.node:
        if node.op_type in FORBIDDEN_OPS:
            reason = FORBIDDEN_OPS[node.op_type]
            raise ExportError(f"node {node.name} is a {node.op_type}, which no frame graph may hold: {reason}")
        if node.domain not in ("", "ai.onnx"):
            raise ExportError(
                f"node {node.name} ({node.op_type}) is from {node.domain}: only standard operators travel"
            )
        if node.op_type == "Pow" and "norm" in node.name.lower():
            raise ExportError(
                f"node {node.name} looks like a LayerNormalization taken apart, which overflows in FP16: "
                "keep nn.LayerNorm as one module"
            )
    for value in model.graph.input:
        if value.type.tensor_type.elem_type == TensorProto.UINT8:
            for node in model.graph.node:
                if value.name in node.input and node.op_type != "Cast":
                    raise ExportError(f"node {node.name} reads {value.name} as uint8: cast it to float before all else")
    for value in (*model.graph.input, *model.graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value") or dimension.dim_value < 1:
                raise ExportError(f"axis {axis} of {value.name} has no fixed size: a frame graph has fixed shapes")


def _trace(module: "nn.Module", examples: "Mapping[str, Tensor]", outputs: Sequence[str]) -> "onnx.ModelProto":
    import onnx
    import torch

    try:
        with torch.no_grad(), _quiet_exporter(), tempfile.TemporaryDirectory(prefix="dgiqa-edge-") as folder:
            path = Path(folder) / "traced.onnx"
            torch.onnx.export(
                module,
                tuple(examples.values()),
                str(path),
                input_names=list(examples),
                output_names=list(outputs),
                opset_version=OPSET,
                do_constant_folding=True,
                dynamo=False,
            )
            return onnx.load(str(path))
    except (RuntimeError, ValueError, TypeError) as error:
        raise ExportError(f"tracing {type(module).__name__} failed: {telling_line(error)}") from error


def _simplify(model: "onnx.ModelProto") -> "onnx.ModelProto":
    import onnxsim

    try:
        simplified, sound = onnxsim.simplify(model)
    except (RuntimeError, ValueError) as error:
        raise ExportError(f"onnxsim failed: {telling_line(error)}") from error
    if not sound:
        raise ExportError("onnxsim changed the graph's outputs: report the checkpoint and options you used")
    return simplified


def _name_nodes(model: "onnx.ModelProto") -> None:
    """Give every node a unique name that carries its scope: placement, reports and TensorRT's messages use names.

    The simplifier names the nodes it makes without a scope; such a node gets that of the network it lies in.
    """
    seen: set[str] = set()
    scopes = network_scopes(model.graph, DEFAULT_SCOPES)
    for index, (node, scope) in enumerate(zip(model.graph.node, scopes, strict=True)):
        name = node.name
        if not name or (scope and not name.startswith(scope)):
            name = f"{scope or '/'}{node.op_type}_{index}"
        while name in seen:
            name += "_"
        node.name = name
        seen.add(name)
        del node.metadata_props[:]


def _constants_to_initializers(model: "onnx.ModelProto") -> None:
    """Constants belong to no network (the simplifier shares them between networks), so they are no nodes either."""
    nodes = []
    for node in model.graph.node:
        value = next((attribute.t for attribute in node.attribute if attribute.name == "value"), None)
        if node.op_type == "Constant" and value is not None:
            tensor = model.graph.initializer.add()
            tensor.CopyFrom(value)
            tensor.name = node.output[0]
        else:
            nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _fix_output_shapes(model: "onnx.ModelProto") -> None:
    """Write inferred sizes into outputs that the exporter left symbolic."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    shapes = {value.name: value for value in inferred.graph.output}
    for output in model.graph.output:
        output.CopyFrom(shapes[output.name])


def _elements(dims: Sequence[int]) -> int:
    count = 1
    for size in dims:
        count *= size
    return count


@contextlib.contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Silence the exporter's warnings about Python-side shape arithmetic: fixed shapes are what is wanted here."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
