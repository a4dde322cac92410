"""What TensorRT's builder says of the engine that it made: every layer, with the numbers that go in and out.

With detailed verbosity it prints the whole engine among its verbose messages, so that fusion and precision can be
judged where no GPU is; the JSON of a finished plan, which takes one, is the runtime's to read. The dialect is that of
TensorRT-RTX 1.7, as it was seen; what is not understood is an error, since a layer left out would be a wrong count.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dgiqa_edge.runtime.errors import EngineCompatibilityError

from .builder import BuildLog
from .graph import GraphFacts

_TITLE = "Layers:\n"
_LAYER = re.compile(
    r"Name: (?P<name>.*?), LayerType: (?P<kind>\w+), Inputs: \[(?P<inputs>.*?)\], Constants: \[.*?\], "
    r"Outputs: \[(?P<outputs>.*?)\], TacticName: .*?, StreamId: \d+,(?: EventId: \d+,)? Metadata: (?P<nodes>.*)"
)
_TENSOR = re.compile(r"Dimensions: \[([-\d,]*)\].*?Datatype: (\w+)")
_NODE = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
_TYPES = {
    "Float": ("FP32", 4),
    "Half": ("FP16", 2),
    "BFloat16": ("BF16", 2),
    "Int8": ("INT8", 1),
    "UInt8": ("UINT8", 1),
    "Bool": ("BOOL", 1),
    "Int32": ("INT32", 4),
    "Int64": ("INT64", 8),
}
# Kinds of layer that hold one convolution or matrix product; other kernels name such a node for a part of it only.
_PRODUCT_KINDS = {"correlation", "gemm", "runtime_fusion"}
_FUSED_ATTENTION = "gemm_mha"
PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


@dataclass
class LayerLog(BuildLog):
    """A build log that keeps the warnings apart, and the layer report, which is one of the verbose messages."""

    warnings: list[str] = field(default_factory=list)
    layers: str = field(default="", repr=False)

    def add(self, severity: int, text: str) -> None:
        if text.startswith(_TITLE):
            self.layers = text
        elif severity == 2:
            self.warnings.append(text)
        super().add(severity, text)


@dataclass(frozen=True)
class Tensor:
    """What a layer reads or writes: its number format and its size."""

    kind: str
    size_bytes: int


@dataclass(frozen=True)
class Layer:
    """One layer of an engine. ``nodes``: names of the ONNX nodes that the builder made it of."""

    name: str
    kind: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    nodes: tuple[str, ...]

    @property
    def reads_int8(self) -> bool:
        return any(tensor.kind == "INT8" for tensor in self.inputs)

    @property
    def writes_int8(self) -> bool:
        return any(tensor.kind == "INT8" for tensor in self.outputs)


@dataclass(frozen=True)
class LayerCounts:
    """What an engine's layers come to.

    Attributes:
        layers: all of them, synchronization left out.
        attentions, fused_attentions: softmax nodes of the graph, and those in one kernel with both of their products.
        products: layers that hold convolutions or matrix products, by what they read: INT8, FP16, FP32.
        int8_nodes: convolutions and matrix products of the graph that run in INT8.
        lone_qdq: layers that round to INT8 or back beside no INT8 product: they cost time and accuracy for nothing.
        moved_bytes: activations that all layers read and write.
    """

    layers: int
    attentions: int
    fused_attentions: int
    products: dict[str, int]
    int8_nodes: int
    lone_qdq: tuple[str, ...]
    moved_bytes: int


def parse(text: str) -> tuple[Layer, ...]:
    """The layers of a report, in order; those that only synchronize streams are left out.

    Raises:
        EngineCompatibilityError: a line is of another dialect.
    """
    lines = [line for line in text.splitlines() if ", LayerType: " in line]
    if not lines:
        raise EngineCompatibilityError("the builder printed no layers: this TensorRT has another layer report")
    return tuple(layer for layer in map(_layer, lines) if layer.kind not in ("signal", "wait"))


def count(layers: tuple[Layer, ...], facts: GraphFacts) -> LayerCounts:
    """Count what decides an engine's speed; ``facts`` are those of the graph that it was built from."""
    operators = dict(facts.nodes)
    products: Counter[str] = Counter()
    fused: set[str] = set()
    int8_nodes = 0
    for layer in layers:
        if _FUSED_ATTENTION in layer.name:  # kernels that pad for it name its nodes too
            fused.update(node for node in layer.nodes if operators.get(node) == "Softmax")
        if layer.kind in _PRODUCT_KINDS:
            kind = layer.inputs[0].kind
            products[kind] += 1
            int8_nodes += sum(kind == "INT8" and operators.get(node) in PRODUCTS for node in layer.nodes)
    return LayerCounts(
        layers=len(layers),
        attentions=sum(operator == "Softmax" for operator in operators.values()),
        fused_attentions=len(fused),
        products=dict(sorted(products.items())),
        int8_nodes=int8_nodes,
        lone_qdq=tuple(_lone(layers, operators)),
        moved_bytes=sum(tensor.size_bytes for layer in layers for tensor in (*layer.inputs, *layer.outputs)),
    )


def _lone(layers: tuple[Layer, ...], operators: dict[str, str]) -> Iterator[str]:
    for layer in layers:
        if layer.kind in _PRODUCT_KINDS or layer.writes_int8:
            continue
        # The name spells the steps of a kernel; one that only begins to quantize scales and clips, and does not round.
        rounds = "Roun" in layer.name and any(operators.get(node) == "QuantizeLinear" for node in layer.nodes)
        if layer.reads_int8 or rounds:
            yield layer.name


def _layer(line: str) -> Layer:
    match = _LAYER.fullmatch(line)
    if match is None:
        raise EngineCompatibilityError(f"the builder's layer report has a line of another form: {line[:200]}")
    return Layer(
        name=match["name"],
        kind=match["kind"],
        inputs=tuple(_tensors(match["inputs"])),
        outputs=tuple(_tensors(match["outputs"])),
        nodes=tuple(_NODE.findall(match["nodes"])),
    )


def _tensors(text: str) -> Iterator[Tensor]:
    for dimensions, kind in _TENSOR.findall(text):
        if kind not in _TYPES:
            raise EngineCompatibilityError(f"the builder's layer report has the unknown number format {kind}")
        if "-" in dimensions:
            raise EngineCompatibilityError("the layers of an open batch have no size: build the bundle without --batch")
        name, size = _TYPES[kind]
        yield Tensor(name, size * math.prod(int(side) for side in dimensions.split(",") if side))
