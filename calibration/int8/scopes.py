"""Which nodes of a graph belong to which network, told by the scopes in the exporter's node names.

The simplifier gives nodes that it fuses names of its own (``Gemm_4``); such a node belongs to a network when
the nearest named nodes before and after it both do. Nodes between two networks belong to neither.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from .graph_tensors import constant_tensors, label

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_OUTSIDE = ""


def network_scopes(graph: "GraphProto", scopes: Sequence[str]) -> list[str | None]:
    """Scope of every node of ``graph``, in graph order; None for nodes outside all of them.

    Args:
        graph: sorted topologically, as ONNX demands.
        scopes: name prefixes such as ``/depth_net/``.
    """
    stated = [_stated_scope(node, scopes) for node in graph.node]
    constants = set(constant_tensors(graph))
    before = _nearest(zip(graph.node, stated, strict=True), constants, forward=True)
    after = _nearest(zip(reversed(graph.node), reversed(stated), strict=True), constants, forward=False)
    found: list[str | None] = []
    for scope, above, below in zip(stated, before, reversed(after), strict=True):
        if scope is not None:
            found.append(scope or None)
        else:
            shared = (above & below) - {_OUTSIDE}
            found.append(min(shared) if len(shared) == 1 else None)
    return found


def _stated_scope(node: "NodeProto", scopes: Sequence[str]) -> str | None:
    """The scope in the node's name; ``_OUTSIDE`` for another scope; None where the name tells nothing."""
    name = label(node)
    for scope in scopes:
        if name.startswith(scope):
            return scope
    return _OUTSIDE if name.startswith("/") else None


def _nearest(
    nodes: "Iterable[tuple[NodeProto, str | None]]", constants: set[str], *, forward: bool
) -> list[frozenset[str]]:
    """Scopes of the nearest named nodes on every path into (``forward``) or out of each node."""
    reached: dict[str, frozenset[str]] = {}
    found = []
    for node, scope in nodes:
        sources, results = (node.input, node.output) if forward else (node.output, node.input)
        if scope is not None:
            mine = frozenset((scope,))
        else:
            mine = frozenset().union(*(reached.get(name, {_OUTSIDE}) for name in sources if name not in constants))
        for name in results:
            reached[name] = mine if forward else reached.get(name, frozenset()) | mine
        found.append(mine)
    return found
