"""A graph as consecutive pieces of one block each, and what has to be kept from one piece for those after it.

Pieces are computed one after the other from what earlier ones left, so that of a large graph only one piece's tensors,
and those that cross its border, are held at a time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dgiqa_edge.calibration.int8.graph_tensors import label
from dgiqa_edge.calibration.int8.placement import CLAMPS, DEFAULT_SCOPES
from dgiqa_edge.calibration.int8.quantize import quantized_outputs
from dgiqa_edge.calibration.int8.scopes import node_blocks

from .source_graph import SourceGraph, stands_for

if TYPE_CHECKING:
    from onnx import NodeProto

MOST_BYTES = 128 * 2**20
"""Of a piece's tensors as FP32."""


@dataclass(frozen=True)
class Piece:
    """Consecutive nodes of one block ("" outside the networks).

    Attributes:
        tensors: all that the piece computes, by the reference's names.
        carried: those that later pieces take, and the graph's outputs.
        last_use: of what earlier pieces left, what no later piece takes.
    """

    block: str
    tensors: tuple[str, ...]
    carried: tuple[str, ...]
    last_use: tuple[str, ...]


class Pair:
    """A reference graph and a candidate that computes the same tensors in its own way, cut at the same tensors.

    Attributes:
        stands: the reference's tensor that each of the candidate's stands for.
        twins: the candidate's tensor that stands for each of the reference's, as other pieces take it.
        blocks: their names, in graph order.
    """

    def __init__(self, reference: SourceGraph, candidate: SourceGraph, *, rounds_convolutions: bool = False) -> None:
        """Index both; ``rounds_convolutions``: all readers of an INT8 Conv take it rounded (``Target``)."""
        self.reference, self.candidate = reference, candidate
        self._readers: dict[str, list[NodeProto]] = {}
        for node in candidate.nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        if candidate is reference:
            self.stands = {name: name for name in (*reference.inputs, *reference.constants, *reference.makers)}
        else:
            self.stands = stands_for(candidate, reference)
        # The first of a tensor's twins is itself, before its readers round it; of a Conv that rounds, the last is.
        rounded = quantized_outputs(candidate.model) if rounds_convolutions else set()
        self.twins: dict[str, str] = {}
        self._copies: dict[str, list[str]] = {}  # of a weight: a network that runs twice has each in INT8 twice
        for name, meant in self.stands.items():
            if name in candidate.constants or candidate.is_integer_weight(name):
                self._copies.setdefault(meant, []).append(name)
            maker = candidate.maker(self.twins.setdefault(meant, name))
            if maker is not None and maker.op_type in ("Conv", *CLAMPS) and rounded.intersection(maker.output):
                self.twins[meant] = name
        blocks = node_blocks(reference.model.graph, DEFAULT_SCOPES)
        self.blocks = tuple(dict.fromkeys(filter(None, blocks)))
        readers = {name: index for index in reversed(range(len(blocks))) for name in reference.nodes[index].input}
        self._node_of = {**reference.makers, **{name: readers[name] for name in reference.constants if name in readers}}
        self._block_of_node = blocks
        self._index = {node.name: index for index, node in enumerate(reference.nodes) if node.name}
        # What only one graph has (the frame's levels as floats, where the other keeps bytes) begins inside a piece.
        self._computed = ({*reference.makers, *reference.inputs} - reference.fixed).intersection(self.stands.values())
        self.pieces = self._pieces(blocks)
        first = {name: piece.tensors[0] for piece in self.pieces for name in piece.tensors}
        self._weights: dict[str, list[str]] = {}
        for name in filter(reference.is_float, reference.constants.keys() & self._node_of.keys()):
            reader = next((made for made in reference.nodes[self._node_of[name]].output if made in first), None)
            if reader is not None:
                self._weights.setdefault(first[reader], []).append(name)

    def where(self, tensor: str) -> tuple[str, str, str, str]:
        """Node, operator and block of a tensor of the candidate, and the block that makes it.

        Of a weight, and of a tensor that was rounded to INT8, the node is the first that reads it: for its sake it is.
        """
        made = index = self.position(tensor)
        if self.kind(tensor)[0] == "int8" and not self.starts_a_piece(tensor):
            names = [node.name for node in self._readers.get(tensor, ())]
            index = next((self._index[name] for name in names if name in self._index), made)
        node = self.reference.nodes[index]
        return label(node), node.op_type, self._block_of_node[index], self._block_of_node[made]

    def position(self, tensor: str) -> int:
        """Place in graph order of what makes a tensor of the candidate, or first reads it, for a weight."""
        return self._node_of[self.stands[tensor]]

    def weights(self, piece: Piece) -> list[tuple[str, str]]:
        """Float weights that the piece is the first to read: each of the candidate's, and the reference's."""
        return [
            (name, meant) for meant in self._weights.get(piece.tensors[0], ()) for name in self._copies.get(meant, ())
        ]

    def kind(self, tensor: str) -> tuple[str, np.ndarray | None]:
        """What a tensor of the candidate is held to, and the weight whose rounding it has to bear."""
        node = self.candidate.maker(tensor)
        if node is not None and node.op_type == "DequantizeLinear":
            return "int8", None
        for name in node.input if node is not None else ():
            if self.candidate.is_integer_weight(name):
                return "int8", self.candidate.weight(name)
        touched = (tensor, *(node.input if node is not None else ()))  # a cast to FP32 gives what FP16 left of it
        return ("fp16" if any(map(self.candidate.is_half, touched)) else "fp32"), None

    def is_judged(self, tensor: str) -> bool:
        """Whether a tensor of the candidate is float; that of a cast, or of a weight, is what it was made from."""
        node = self.candidate.maker(tensor)
        return (
            node is not None
            and self.candidate.is_float(tensor)
            and not self.candidate.is_integer_weight(tensor)
            and self.stands[tensor] not in self.reference.constants
        )

    def coarsest(self, piece: Piece) -> str:
        """What the whole piece is held to: the coarsest of its tensors."""
        kinds = {self.kind(name)[0] for name in piece.tensors if name in self.candidate.makers}
        return next(kind for kind in ("int8", "fp16", "fp32") if kind in kinds or kind == "fp32")

    def starts_a_piece(self, tensor: str) -> bool:
        """Whether a piece of the candidate may be given this tensor: rounding belongs to the piece that reads it."""
        node = self.candidate.maker(tensor)
        return node is None or node.op_type not in ("QuantizeLinear", "DequantizeLinear")

    def _pieces(self, blocks: list[str]) -> tuple[Piece, ...]:
        runs = self._runs(blocks)
        piece_of = {name: number for number, (_, tensors) in enumerate(runs) for name in tensors}
        taken: set[str] = set(self.reference.outputs)
        pieces: list[Piece] = []
        for number in reversed(range(len(runs))):
            block, tensors = runs[number]
            carried = tuple(name for name in tensors if name in taken)
            before = self._takes(carried, piece_of, number)
            pieces.append(Piece(block, tensors, carried, tuple(name for name in before if name not in taken)))
            taken |= before
        return tuple(reversed(pieces))

    def _takes(self, carried: tuple[str, ...], piece_of: Mapping[str, int], number: int) -> set[str]:
        """What both graphs read of earlier pieces to compute the tensors of a piece, by the reference's names."""

        def earlier(name: str) -> bool:
            return name in self._computed and piece_of.get(name, -1) < number

        _, read = self.reference.reach(carried, earlier)
        twins = [self.twins[name] for name in carried if name in self.twins]
        _, lowered = self.candidate.reach(
            twins,
            lambda name: name in self.stands and earlier(self.stands[name]) and self.starts_a_piece(name),
        )
        return {*read, *(self.stands[name] for name in lowered)}

    def _runs(self, blocks: list[str]) -> list[tuple[str, tuple[str, ...]]]:
        runs: list[tuple[str, list[str]]] = []
        size = 0
        for node, block in zip(self.reference.nodes, blocks, strict=True):
            made = [name for name in node.output if name]
            if self.reference.fixed.issuperset(made):
                continue
            own = sum(map(self.reference.size_bytes, made))
            if not runs or runs[-1][0] != block or size + own > MOST_BYTES:
                runs.append((block, []))
                size = 0
            runs[-1][1].extend(made)
            size += own
        return [(block, tuple(tensors)) for block, tensors in runs]
