"""Recentring: what an INT8 encoder moves on average is taken out again where a head subtracts a mean.

A head that reads statistics of an encoder's channels first subtracts their mean over photos. Rounding moves the
statistics of all photos alike to a good part, and that moves all scores to one side. How far is seen on the calibration
photos, and joins the constant that is subtracted: no node is added. It is the bias correction of Nagel et al.,
"Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), at the one place where all errors meet.
"""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError

from .graph_tensors import constant_tensors
from .ranges import Frames, Progress, frame_feed, observing_session
from .scopes import network_scopes

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True)
class Centred:
    """A tensor of which a network subtracts a mean.

    Attributes:
        tensor: float32 [..., *shape of the mean].
        mean: the constant.
    """

    tensor: str
    mean: str


def centred(model: "ModelProto", scopes: Sequence[str]) -> tuple[Centred, ...]:
    """Where the networks in ``scopes`` subtract a constant of more than one value that nothing else reads."""
    graph = model.graph
    constants = constant_tensors(graph)
    read = [name for node in graph.node for name in node.input]
    found = []
    for node, scope in zip(graph.node, network_scopes(graph, scopes), strict=True):
        if node.op_type == "Sub" and scope and node.input[0] not in constants:
            mean = constants.get(node.input[1])
            if mean is not None and np.prod(mean.dims) > 1 and read.count(node.input[1]) == 1:
                found.append(Centred(node.input[0], node.input[1]))
    return tuple(found)


def observe_means(
    model: Path, places: Sequence[Centred], frames: Frames, *, threads: int = 0, progress: Progress | None = None
) -> dict[str, np.ndarray]:
    """Means over ``frames`` of what the constants are subtracted from, float64, by constant.

    Raises:
        CalibrationError: the graph is another one, or there is no frame.
    """
    tensors = [place.tensor for place in places]
    sums: list[np.ndarray] = []
    seen, photos = 0, len(frames) if isinstance(frames, Sized) else 0
    with observing_session(model, tensors, _add_outputs, threads) as session:
        for seen, frame in enumerate(frames, start=1):
            values = [value.astype(np.float64) for value in session.run(tensors, dict(frame_feed(frame)))]
            sums = [before + value for before, value in zip(sums, values, strict=True)] if sums else values
            if progress is not None:
                progress(seen, photos)
    if not seen:
        raise CalibrationError("no calibration frame: means cannot be observed")
    return {place.mean: total / seen for place, total in zip(places, sums, strict=True)}


def recentred(model: "ModelProto", of_float: Mapping[str, np.ndarray], of_int8: Mapping[str, np.ndarray]) -> None:
    """Change the constants of ``model`` in place by how far INT8 moved what they are subtracted from.

    Args:
        of_float: of :func:`observe_means`, of the graph that ``model`` was lowered from.
        of_int8: the same of ``model``.
    """
    from onnx import numpy_helper

    constants = constant_tensors(model.graph)
    for name, before in of_float.items():
        mean = numpy_helper.to_array(constants[name])
        moved = (mean + _as_broadcast(of_int8[name] - before, mean.shape)).astype(mean.dtype)
        constants[name].CopyFrom(numpy_helper.from_array(moved, name))


def recentred_like(model: "ModelProto", other: "ModelProto", scopes: Sequence[str]) -> "ModelProto":
    """A copy of ``model`` that subtracts the means ``other`` does, where both subtract a constant of the same name."""
    result = type(model)()
    result.CopyFrom(model)
    own, others = constant_tensors(result.graph), constant_tensors(other.graph)
    for name in {place.mean for place in centred(other, scopes)} & own.keys():
        own[name].CopyFrom(others[name])
    return result


def _as_broadcast(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Means over the axes along which a constant of that shape is repeated when it meets ``values``."""
    values = values.reshape(-1, *values.shape[values.ndim - len(shape) :]).mean(axis=0)
    return values.mean(axis=tuple(axis for axis, size in enumerate(shape) if size == 1), keepdims=True)


def _add_outputs(model: "ModelProto", tensors: Sequence[str]) -> None:
    from onnx import TensorProto, helper

    known = {output.name for output in model.graph.output}
    model.graph.output.extend(
        helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None) for tensor in tensors if tensor not in known
    )
