"""A reference and a candidate, piece by piece: what diverges of its own accord, and what a mixture of both gives.

Every piece of the candidate starts from the reference's values, so that a tensor is judged by what its own layer does
and never by what an earlier one did to it. A mixture carries on with its own values, as an engine does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dgiqa_edge.runtime.errors import ExportError

from .expectation import Distance, distance
from .pieces import Pair, Piece
from .runners import Executor

Values = dict[str, np.ndarray]
Tick = Callable[[int, int], None]


@dataclass(frozen=True)
class Judgement:
    """How far one tensor lies from the reference, and how far its precision explains.

    Attributes:
        tensor: by the reference's name.
        node, operator, block: what makes it; for a weight and for what was rounded to INT8, what reads it.
        made_in: the block that makes it.
        kind: what it is held to: ``fp32``, ``fp16``, ``int8``.
        weight: it is one, and no photo has a part in it.
    """

    tensor: str
    node: str
    operator: str
    block: str
    made_in: str
    kind: str
    weight: bool
    distance: Distance


@dataclass(frozen=True)
class Walk:
    """Two graphs that compute the same tensors, what runs each, and the arrays that both start from."""

    pair: Pair
    reference: Executor
    candidate: Executor
    inputs: Mapping[str, np.ndarray]

    def outputs(self, kept: Callable[[str], bool], given: Mapping[str, np.ndarray]) -> Values:
        """The graph's outputs for what is ``given``, where the blocks that are ``kept`` are the reference's and all
        others the candidate's.

        Raises:
            DgiqaEdgeError: a piece cannot be run.
        """
        values: Values = {name: given[name] for name in self.pair.reference.inputs}
        for piece in self.pair.pieces:
            values |= self._exact(piece, values) if kept(piece.block) else self._lowered(piece, values)
            _forget(values, piece)
        return {name: values[name] for name in self.pair.reference.outputs}

    def tensor_by_tensor(self, tick: Tick) -> Iterator[Judgement]:
        """Every tensor of the candidate, each computed from the reference's values, in graph order."""
        pair, values = self.pair, dict(self.inputs)
        for number, piece in enumerate(pair.pieces, 1):
            exact = self._exact(piece, values, marked=True)
            values |= exact
            given = {name: values[meant] for name, meant in pair.stands.items() if meant in values}
            chosen = [name for name in pair.candidate.makers if pair.stands.get(name) in exact and pair.is_judged(name)]
            found = self.candidate.run(pair.candidate.cut(chosen, given))
            weights = {name: pair.reference.weight(meant) for name, meant in pair.weights(piece)}
            for name in sorted([*weights, *chosen], key=pair.position):
                if name in weights:
                    yield self._judged(name, weights[name], pair.candidate.weight(name), weight=True)
                else:
                    yield self._judged(name, exact[pair.stands[name]], found[name])
            for name in exact.keys() - set(piece.carried):
                del values[name]
            _forget(values, piece)
            tick(number, len(pair.pieces))

    def block_by_block(self, tick: Tick) -> Iterator[Judgement]:
        """What the pieces leave, each computed in one: its inner tensors are not marked, and so may be fused.

        Of a piece that diverges, every tensor is marked then, and the first that does stands for it; where none does
        any more, what the piece left does.
        """
        pair, values = self.pair, dict(self.inputs)
        for number, piece in enumerate(pair.pieces, 1):
            kind = pair.coarsest(piece)
            exact = self._exact(piece, values, marked=True)
            judged = self._all_judged(piece.carried, exact, self._lowered(piece, values), kind)
            if any(one.distance.diverges for one in judged):
                inner = self._all_judged(piece.tensors, exact, self._lowered(piece, values, list(exact)), kind)
                judged = [one for one in (*inner, *judged) if one.distance.diverges][:1]
            yield from judged
            values |= {name: exact[name] for name in piece.carried}
            _forget(values, piece)
            tick(number, len(pair.pieces))

    def _exact(self, piece: Piece, values: Values, *, marked: bool = False) -> Values:
        """What the reference makes of a piece: what later ones take, and all floats where it is ``marked``."""
        graph = self.pair.reference
        inner = [name for name in piece.tensors if graph.is_float(name) and name in self.pair.twins] if marked else []
        return self.reference.run(graph.cut(list(dict.fromkeys([*inner, *piece.carried])), values))

    def _lowered(self, piece: Piece, values: Values, targets: Sequence[str] | None = None) -> Values:
        """What the candidate makes of a piece, by the reference's names; a backend may give equal tensors only once."""
        pair, names = self.pair, piece.carried if targets is None else targets
        lost = [name for name in names if name not in pair.twins]
        if lost:
            raise ExportError(
                f"the graph has no tensor {lost[0]} of the reference: give the graph that it was made from"
            )
        given = {
            name: values[meant] for name, meant in pair.stands.items() if meant in values and pair.starts_a_piece(name)
        }
        found = self.candidate.run(pair.candidate.cut([pair.twins[name] for name in names], given))
        return {name: found[pair.twins[name]] for name in names if pair.twins[name] in found}

    def _all_judged(self, names: Sequence[str], exact: Values, found: Values, kind: str) -> list[Judgement]:
        floats = [name for name in names if name in found and self.pair.reference.is_float(name)]
        return [self._judged(self.pair.twins[name], exact[name], found[name], kind=kind) for name in floats]

    def _judged(
        self, name: str, exact: np.ndarray, found: np.ndarray, *, kind: str | None = None, weight: bool = False
    ) -> Judgement:
        held_to, rounded = (kind, None) if kind else self.pair.kind(name)
        compared = distance(held_to, exact, found, rounded, constant=weight)
        return Judgement(self.pair.stands[name], *self.pair.where(name), held_to, weight, compared)


def _forget(values: Values, piece: Piece) -> None:
    for name in piece.last_use:
        values.pop(name, None)
