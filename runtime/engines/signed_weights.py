"""The other form of a quantized graph's weights: int8 around 0 instead of uint8 around 128, the very same numbers.

On x86 without VNNI, ONNX Runtime's kernels for uint8 x int8 add two products in 16 bits and saturate without a word, so
graphs for a CPU are written with uint8 weights, which are exact everywhere. Where a processor has integer dot products
the kernels for int8 weights are exact too, and faster; OpenVINO's integer kernels take int8 weights only. One file
serves all: the forms differ in the top bit of each weight
and in the data type, so both are changed in the bytes of the file, which keeps its length (numbers of
fields: ``onnx.proto``; the rest is protobuf's wire format).
"""

import mmap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..machine.processor import processor

Span = tuple[int, int]

_GRAPH, _NODE, _INITIALIZER = 7, 1, 5  # of ModelProto, GraphProto
_INPUT, _OPERATOR = 1, 4  # of NodeProto
_DATA_TYPE, _NAME, _RAW_DATA, _LOCATION = 2, 8, 9, 14  # of TensorProto
_UINT8, _INT8 = 2, 3  # TensorProto.DataType
_VARINT, _LENGTH_DELIMITED, _FIXED_BYTES = 0, 2, {1: 8, 5: 4}  # wire types
_CENTER = b"\x80"
_FLIP_TOP_BIT = bytes(value ^ 0x80 for value in range(256))


def form_for_processor(graph: Path) -> bytes | None:
    """The form of a graph's file that this machine's processor computes fastest; ``None``: the file as it is."""
    return with_signed_weights(graph) if processor().dot_products else None


def with_signed_weights(graph: Path) -> bytes | None:
    """A graph's file with its weights in int8; ``None`` where no weight is in uint8 (or the file is no graph).

    Weights are constants behind a DequantizeLinear with 128 at every zero point, if nothing else reads either.
    """
    try:
        with graph.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as data:
            pairs = _weights_with_centers(data)
            for tensor in (tensor for pair in pairs for tensor in pair):
                data[tensor.data_type] = _INT8
                data[slice(*tensor.values)] = data[slice(*tensor.values)].translate(_FLIP_TOP_BIT)
            return data[:] if pairs else None
    except (OSError, ValueError, IndexError):
        return None  # who opens the file as it is says what is wrong with it


@dataclass
class _Tensor:
    """Where a constant's data type and raw values stand in the file."""

    name: bytes = b""
    data_type: int = 0
    values: Span = (0, 0)


@dataclass
class _Node:
    operator: bytes = b""
    inputs: list[bytes] = field(default_factory=list)


def _weights_with_centers(data: mmap.mmap) -> list[tuple[_Tensor, _Tensor]]:
    nodes: list[_Node] = []
    tensors: dict[bytes, _Tensor] = {}
    for number, graph in _fields(data, (0, len(data))):
        for kind, span in _fields(data, graph) if number == _GRAPH else ():
            if kind == _NODE:
                nodes.append(_node(data, span))
            elif kind == _INITIALIZER:
                tensor = _tensor(data, span)
                tensors[tensor.name] = tensor
    readers = Counter(name for node in nodes for name in node.inputs)
    pairs = []
    for node in nodes:
        if node.operator == b"DequantizeLinear" and len(node.inputs) == 3:
            values, center = tensors.get(node.inputs[0]), tensors.get(node.inputs[2])
            if values and center and readers[values.name] == readers[center.name] == 1:
                centers = data[slice(*center.values)]
                unsigned = data[values.data_type] == data[center.data_type] == _UINT8
                if unsigned and centers and centers == _CENTER * len(centers) and values.values[1]:
                    pairs.append((values, center))
    return pairs


def _node(data: mmap.mmap, span: Span) -> _Node:
    node = _Node()
    for number, (start, end) in _fields(data, span):
        if number == _INPUT:
            node.inputs.append(data[start:end])
        elif number == _OPERATOR:
            node.operator = data[start:end]
    return node


def _tensor(data: mmap.mmap, span: Span) -> _Tensor:
    tensor = _Tensor()
    for number, (start, end) in _fields(data, span):
        if number == _NAME:
            tensor.name = data[start:end]
        elif number == _DATA_TYPE:
            tensor.data_type = start
        elif number == _RAW_DATA:
            tensor.values = start, end
        elif number == _LOCATION:
            raise ValueError("values in files beside the graph are found by its path only")
    return tensor


def _fields(data: mmap.mmap, span: Span) -> Iterator[tuple[int, Span]]:
    """Number of each field of a message, and where its value stands."""
    at, end = span
    while at < end:
        tag, at = _varint(data, at)
        start, wire_type = at, tag & 7
        if wire_type == _VARINT:
            _, at = _varint(data, at)
        elif wire_type == _LENGTH_DELIMITED:
            length, start = _varint(data, at)
            at = start + length
        else:
            at += _FIXED_BYTES.get(wire_type, end)
        if at > end:
            raise ValueError("a field reaches beyond its message")
        yield tag >> 3, (start, at)


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    """The number that starts at ``at``, seven bits a byte, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
