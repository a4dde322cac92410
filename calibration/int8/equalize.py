"""Channel equalization: what a normalisation or a GELU hands to products is made alike in every channel, before INT8.

A tensor has one grid. In transformers a few channels are tens of times larger than the rest, which then share a handful
of levels. Each channel is divided by a factor, in the constants that make the tensor, and the rows of weights that read
it are multiplied by the same: in float nothing changes, and no node is added. The factors are those of Xiao et al.,
"SmoothQuant" (2022), after Nagel et al. (2019), rounded to powers of two, by which floats divide exactly.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dgiqa_edge.runtime.errors import CalibrationError

from .graph_tensors import attribute, constant_tensors, consumers, drop_unread
from .placement import Placement, QuantizedNode
from .ranges import frame_feed, insert_after_producers, observing_session

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

ACTIVATION_SHARE = 0.5
"""How much of a channel's size goes into the weights: 0 leaves it, 1 makes all channels alike."""
MOST = 3
"""Largest exponent of a factor, and the smallest below zero."""
_FLOOR = 1e-6


@dataclass(frozen=True)
class Equalized:
    """Products that read one tensor, or several that are made by the same constants.

    Attributes:
        tensors: what the products read, float32 [..., channels].
        makers: constants that every channel of them is divided by, float32 [channels] or a scalar.
        weights: of the products, and whether output channels come first.
        channels: how many.
        scalar_readers: outputs of the nodes that read a maker which is a scalar; they get a constant of their own.
        exponents: of two: what each channel is divided by; empty until it is known.
    """

    tensors: tuple[str, ...]
    makers: tuple[str, ...]
    weights: tuple[tuple[str, bool], ...]
    channels: int
    scalar_readers: tuple[str, ...] = ()
    exponents: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """JSON object; the exponents are one text, since a list of them would fill pages."""
        return {**asdict(self), "exponents": " ".join(map(str, self.exponents))}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Equalized":
        """What :meth:`to_json` made of one.

        Raises:
            AttributeError, KeyError, TypeError, ValueError: it is of another kind.
        """
        return cls(
            tensors=tuple(map(str, fields["tensors"])),
            makers=tuple(map(str, fields["makers"])),
            weights=tuple((str(name), bool(turned)) for name, turned in fields["weights"]),
            channels=int(fields["channels"]),
            scalar_readers=tuple(map(str, fields["scalar_readers"])),
            exponents=tuple(map(int, fields["exponents"].split())),
        )


def equalizable(model: "ModelProto", placement: Placement) -> tuple[Equalized, ...]:
    """What can be equalized: tensors that only products in INT8 read, made by constants that nothing else reads."""
    search = _Search(model.graph, placement)
    found: dict[frozenset[str], list[_Made]] = {}
    for made in search.made():
        found.setdefault(made.weights, []).append(made)
    return tuple(group for members in found.values() if (group := search.group(members)) is not None)


def observe_peaks(
    model: Path, groups: Iterable[Equalized], frames: Iterable[np.ndarray], threads: int = 0
) -> dict[str, np.ndarray]:
    """Largest magnitude of each channel of the groups' tensors over ``frames``: float32 [channels] by tensor.

    Raises:
        CalibrationError: a value is not finite, or there is no frame.
    """
    channels = {tensor: group.channels for group in groups for tensor in group.tensors}
    names, peaks = list(channels), dict[str, np.ndarray]()

    def add(proto: "ModelProto", tensors: Iterable[str]) -> None:
        _add_peaks(proto, {tensor: channels[tensor] for tensor in tensors})

    with observing_session(model, names, add, threads) as session:
        for frame in frames:
            for name, peak in zip(
                names, session.run([_peak(name) for name in names], dict(frame_feed(frame))), strict=True
            ):
                if not np.isfinite(peak).all():
                    raise CalibrationError(f"tensor {name} of {model.name} is not finite on a calibration frame")
                peaks[name] = np.maximum(peaks[name], peak) if name in peaks else peak
    if not peaks:
        raise CalibrationError("no calibration frame: channels cannot be equalized")
    return peaks


def balanced(
    model: "ModelProto", groups: Iterable[Equalized], peaks: Mapping[str, np.ndarray]
) -> tuple[Equalized, ...]:
    """The groups with what each of their channels is to be divided by, from what :func:`observe_peaks` saw."""
    from onnx import numpy_helper

    stored, found = constant_tensors(model.graph), []
    for group in groups:
        rows = [_by_row(numpy_helper.to_array(stored[name]), turned) for name, turned in group.weights]
        exponents = _exponents(np.max([peaks[tensor] for tensor in group.tensors], axis=0), rows)
        found.append(replace(group, exponents=tuple(map(int, exponents))))
    return tuple(found)


def equalize(model: "ModelProto", groups: Iterable[Equalized]) -> "ModelProto":
    """A copy of ``model`` that gives the same, with channels of like size; groups of other graphs are passed over."""
    from onnx import ModelProto, numpy_helper

    result = ModelProto()
    result.CopyFrom(model)
    stored = constant_tensors(result.graph)

    def put(name: str, array: np.ndarray) -> None:
        stored[name].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))

    for group in groups:
        if any(name not in stored for name, _ in group.weights):
            continue
        factors = np.exp2(np.array(group.exponents, np.float32))
        for name, turned in group.weights:
            rows = _by_row(numpy_helper.to_array(stored[name]), turned) * factors[:, None]
            put(name, rows.T if turned else rows)
        divided = {maker: numpy_helper.to_array(stored[maker]) / factors for maker in group.makers}
        if group.scalar_readers:
            ((maker, values),) = divided.items()
            own = f"{group.tensors[0]}/equalized"
            result.graph.initializer.append(numpy_helper.from_array(np.asarray(values, np.float32), own))
            _read_instead(result.graph, maker, own, set(group.scalar_readers))
        else:
            for maker, values in divided.items():
                put(maker, values)
    drop_unread(result.graph)
    return result


def _by_row(weight: np.ndarray, turned: bool) -> np.ndarray:
    return weight.T if turned else weight


def _exponents(peaks: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Of two: what each channel is divided by; their mean is near 0."""
    of_weights = np.max([np.abs(rows).max(axis=1) for rows in weights], axis=0)
    sizes = ACTIVATION_SHARE * np.log2(peaks + _FLOOR) - (1.0 - ACTIVATION_SHARE) * np.log2(of_weights + _FLOOR)
    return np.asarray(np.clip(np.round(sizes - sizes.mean()), -MOST, MOST), np.int64)


@dataclass(frozen=True)
class _Made:
    """A node whose output only products read, and what is known of it."""

    node: "NodeProto"
    makers: tuple[str, ...]
    products: tuple[QuantizedNode, ...]
    channels: int

    @property
    def weights(self) -> frozenset[str]:
        return frozenset(product.weight for product in self.products)


class _Search:
    def __init__(self, graph: "GraphProto", placement: Placement) -> None:
        self.graph = graph
        self.constants: dict[str, TensorProto] = constant_tensors(graph)
        self.readers = consumers(graph)
        self.outputs = {output.name for output in graph.output}
        self.products = {product.output: product for product in placement.nodes if product.op_type != "Conv"}

    def made(self) -> Iterator[_Made]:
        """Every node that makes a tensor which only products read."""
        for node in self.graph.node:
            makers = self._makers(node)
            products = self._products(node.output[0], makers[1]) if makers else None
            if makers and products:
                yield _Made(node, makers[0], tuple(products), makers[1] or self._rows(products[0]))

    def group(self, members: list[_Made]) -> Equalized | None:
        """What those that are read by the same weights make together; None where something else reads a constant."""
        first, scalar = members[0], members[0].node.op_type == "Mul"
        products = [product for made in members for product in made.products]
        if any(made.makers != first.makers or made.channels != first.channels for made in members):
            return None
        if any(self._rows(product) != first.channels for product in products):
            return None
        inside = {product.output for product in products}
        inside |= set() if scalar else {made.node.output[0] for made in members}
        shared = sorted(first.weights) + ([] if scalar else list(first.makers))
        if any(node.output[0] not in inside for name in shared for node in self.readers[name]):
            return None
        return Equalized(
            tensors=tuple(dict.fromkeys(product.activation for product in products)),
            makers=first.makers,
            weights=tuple({product.weight: product.weight_axis == 0 for product in products}.items()),
            channels=first.channels,
            scalar_readers=tuple(made.node.output[0] for made in members) if scalar else (),
        )

    def _makers(self, node: "NodeProto") -> tuple[tuple[str, ...], int] | None:
        """Constants by which a node's output is scaled, and its channels where they say it, else 0."""
        if node.op_type == "LayerNormalization" and all(name in self.constants for name in node.input[1:]):
            return tuple(node.input[1:]), math.prod(self.constants[node.input[1]].dims)
        if node.op_type == "Mul":
            scalars = [name for name in node.input if name in self.constants]
            if len(scalars) == 1 and math.prod(self.constants[scalars[0]].dims) == 1:
                return (scalars[0],), 0
        return None

    def _products(self, tensor: str, channels: int) -> list[QuantizedNode] | None:
        """The products that read a tensor, maybe reshaped with its channels kept; None if anything else reads it."""
        if tensor in self.outputs:
            return None
        found: list[QuantizedNode] = []
        for node in self.readers.get(tensor, []):
            product = self.products.get(node.output[0])
            if product is not None and product.activation == tensor:
                found.append(product)
                continue
            behind = self._products(node.output[0], channels) if self._keeps_channels(node, channels) else None
            if behind is None:
                return None
            found += behind
        return found

    def _keeps_channels(self, node: "NodeProto", channels: int) -> bool:
        if node.op_type == "Transpose":
            order = list(attribute(node, "perm", []))
            return bool(order) and order[-1] == len(order) - 1
        if node.op_type != "Reshape" or node.input[1] not in self.constants or not channels:
            return False
        from onnx import numpy_helper

        return bool(numpy_helper.to_array(self.constants[node.input[1]])[-1] == channels)

    def _rows(self, product: QuantizedNode) -> int:
        dims = self.constants[product.weight].dims
        return int(dims[1] if product.weight_axis == 0 else dims[0])


def _read_instead(graph: "GraphProto", old: str, new: str, outputs: set[str]) -> None:
    for node in graph.node:
        if node.output[0] in outputs:
            node.input[:] = [new if name == old else name for name in node.input]


def _peak(tensor: str) -> str:
    return f"{tensor}/observed_peak"


def _add_peaks(proto: "ModelProto", channels: Mapping[str, int]) -> None:
    from onnx import TensorProto, helper, numpy_helper

    added = {}
    for tensor, count in channels.items():
        size, flat, rows = (f"{tensor}/observed_{part}" for part in ("magnitude", "rows_shape", "rows"))
        proto.graph.initializer.append(numpy_helper.from_array(np.array([-1, count], np.int64), flat))
        added[tensor] = [
            helper.make_node("Abs", [tensor], [size], name=size),
            helper.make_node("Reshape", [size, flat], [rows], name=rows),
            helper.make_node("ReduceMax", [rows], [_peak(tensor)], name=_peak(tensor), axes=[0], keepdims=0),
        ]
        proto.graph.output.append(helper.make_tensor_value_info(_peak(tensor), TensorProto.FLOAT, [count]))
    insert_after_producers(proto, added)
