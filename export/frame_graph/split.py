"""The layouts: a finished fused frame graph as it is, or ``split`` into a depth engine and a quality engine.

The cut comes last, after precision was written into the graph, so both layouts hold the same nodes and give the same
numbers. It lies at the depth map: the depth half gives it out as uint8, the quality half takes it in, from this frame
or an earlier one.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from dgiqa_edge.runtime.bundle.batch import BatchRange
from dgiqa_edge.runtime.errors import ExportError

from .batch_axis import open_axis

if TYPE_CHECKING:
    import onnx

# What may lie between the depth map and its output: the same numbers in another shape or number format.
_SAME_NUMBERS = {"Cast", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze"}


def graphs_of_layout(graph: Path, layout: str, batch: BatchRange) -> "dict[str, onnx.ModelProto]":
    """The graphs by role that a finished fused graph of one frame makes, for a batch.

    Raises:
        ExportError: it cannot be split, or cannot take a batch.
    """
    import onnx

    fused = onnx.load(str(graph))
    roles = {"fused": fused} if layout == "fused" else dict(zip(("depth", "quality"), split(fused), strict=True))
    return {role: open_axis(model, batch) for role, model in roles.items()}


def split(fused: "onnx.ModelProto") -> "tuple[onnx.ModelProto, onnx.ModelProto]":
    """Cut ``fused`` at the depth map.

    Returns:
        the depth graph (frame -> depth) and the quality graph (frame, depth -> all other outputs); ``depth`` is uint8
        [1, h, w] in both.

    Raises:
        ExportError: the graph has no depth map, or its score does not read it, as where depth and score come from one
            network.
    """
    import onnx
    from onnx import TensorProto, helper

    levels, depth_shape = _levels(fused)
    depth = _extract(fused, ["frame"], ["depth"])
    others = [value.name for value in fused.graph.output if value.name != "depth"]
    quality = _extract(fused, ["frame", levels], others)
    inputs = {value.name: value for value in quality.graph.input}
    quality.graph.input.remove(inputs[levels])
    quality.graph.input.append(helper.make_tensor_value_info("depth", TensorProto.UINT8, depth_shape))
    shape = helper.make_tensor("depth_levels_shape", TensorProto.INT64, [4], [1, 1, *depth_shape[1:]])
    quality.graph.initializer.append(shape)
    entry = [
        helper.make_node("Cast", ["depth"], ["depth_float"], name="/depth_levels/Cast", to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["depth_float", shape.name], [levels], name="/depth_levels/Reshape"),
    ]
    nodes = [*entry, *quality.graph.node]
    del quality.graph.node[:]
    quality.graph.node.extend(nodes)
    for half in (depth, quality):
        onnx.checker.check_model(half)
    return depth, quality


def _levels(fused: "onnx.ModelProto") -> tuple[str, list[int]]:
    """The float tensor [1, 1, h, w] both halves share, and the shape of the ``depth`` output."""
    producers = {name: node for node in fused.graph.node for name in node.output}
    outputs = {value.name: value for value in fused.graph.output}
    if "depth" not in outputs:
        raise ExportError("the frame graph has no depth output: it cannot be split")
    read_by_score = _read_for(outputs.keys() - {"depth"}, producers)
    name = "depth"
    while name not in read_by_score:
        node = producers.get(name)
        if node is None or node.op_type not in _SAME_NUMBERS:
            raise ExportError("the score does not read the depth map: this is one network, it has only --layout fused")
        name = node.input[0]
    return name, [dimension.dim_value for dimension in outputs["depth"].type.tensor_type.shape.dim]


def _read_for(names: Iterable[str], producers: "Mapping[str, onnx.NodeProto]") -> set[str]:
    """Every tensor that is read to compute ``names``."""
    read: set[str] = set()
    waiting = list(names)
    while waiting:
        node = producers.get(waiting.pop())
        fresh = [] if node is None else [name for name in node.input if name not in read]
        read.update(fresh)
        waiting += fresh
    return read


def _extract(model: "onnx.ModelProto", inputs: list[str], outputs: list[str]) -> "onnx.ModelProto":
    """The part of ``model`` between ``inputs`` and ``outputs``."""
    import onnx

    inferred = onnx.shape_inference.infer_shapes(model)
    part = onnx.utils.Extractor(inferred).extract_model(inputs, outputs)
    part.producer_name = model.producer_name
    for entry in model.metadata_props:
        part.metadata_props.add(key=entry.key, value=entry.value)
    return part
