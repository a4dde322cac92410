"""Which network, and which block of it, a graph's nodes belong to, told by the scopes in the exporter's node names.

The simplifier gives nodes that it fuses names of its own (``Gemm_4``); such a node belongs to a network when
the nearest named nodes before and after it both do. Nodes between two networks belong to neither.

A block takes or loses INT8 as a whole: it is finer than a network and coarser than a layer: one transformer block, one
inverted residual, one attention unit. Layers that the simplifier fused and named itself join the block around them.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from .graph_tensors import constant_tensors, label

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

_OUTSIDE = ""
_MEMBER = re.compile(r"(?P<list>.+?)\.\d+(_\d+)?")
_DEPTH = 2


def network_scopes(graph: "GraphProto", scopes: Sequence[str]) -> list[str | None]:
    """Scope of every node of ``graph``, in graph order; None for nodes outside all of them.

    Args:
        graph: sorted topologically, as ONNX demands.
        scopes: name prefixes such as ``/depth_net/``.
    """
    stated = [_stated_scope(node, scopes) for node in graph.node]
    found: list[str | None] = []
    for scope, above, below in _between(graph, stated, unknown=frozenset((_OUTSIDE,))):
        if scope is not None:
            found.append(scope or None)
        else:
            shared = (above & below) - {_OUTSIDE}
            found.append(min(shared) if len(shared) == 1 else None)
    return found


def blocks_of(graph: "GraphProto", placed: Collection[str], scopes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Those of the tensors ``placed`` that nodes make, by block, blocks and tensors in graph order.

    One that no path places anywhere is a block of its own, under its node's name.
    """
    blocks: dict[str, list[str]] = {}
    for node, block in zip(graph.node, node_blocks(graph, scopes), strict=True):
        if node.output and node.output[0] in placed:
            blocks.setdefault(block or label(node), []).append(node.output[0])
    return {block: tuple(outputs) for block, outputs in blocks.items()}


def node_blocks(graph: "GraphProto", scopes: Sequence[str]) -> list[str]:
    """Block of every node in graph order: the scope without slashes, then the block's path; "" outside the scopes."""
    inside = network_scopes(graph, scopes)
    paths = (_path_block(label(node), scope) if scope else "" for node, scope in zip(graph.node, inside, strict=True))
    stated = [path or None for path in paths]
    found = []
    for scope, (block, above, below) in zip(inside, _between(graph, stated, unknown=frozenset()), strict=True):
        found.append((block or _surrounding(*(_within(scope, near) for near in (above, below)))) if scope else "")
    return found


def _stated_scope(node: "NodeProto", scopes: Sequence[str]) -> str | None:
    """The scope in the node's name; ``_OUTSIDE`` for another scope; None where the name tells nothing."""
    name = label(node)
    for scope in scopes:
        if name.startswith(scope):
            return scope
    return _OUTSIDE if name.startswith("/") else None


def _path_block(name: str, scope: str) -> str:
    """Block named in a node's path, "" where it names none: down to the first list member, else two modules deep."""
    if not name.startswith(scope):
        return ""
    modules = name[len(scope) :].split("/")[:-1]
    for index, module in enumerate(modules):
        member = _MEMBER.fullmatch(module)
        if member and index and member["list"] == modules[index - 1]:
            modules = modules[:index]  # a step of a Sequential, which is one block
            break
        if member:
            modules = modules[: index + 1]
            break
    else:
        modules = modules[:_DEPTH]
    return "/".join([scope.strip("/"), *modules]) if modules else ""


def _within(scope: str, blocks: frozenset[str]) -> frozenset[str]:
    """Those of the same network."""
    return frozenset(block for block in blocks if block.startswith(f"{scope.strip('/')}/"))


def _surrounding(above: frozenset[str], below: frozenset[str]) -> str:
    """Block of a node that states none: the one on both sides, else the one it feeds, else the one that feeds it."""
    for candidates in (above & below, below if len(below) == 1 else frozenset(), above, below):
        if candidates:
            return min(candidates)
    return ""


def _between(
    graph: "GraphProto", stated: Sequence[str | None], unknown: frozenset[str]
) -> list[tuple[str | None, frozenset[str], frozenset[str]]]:
    """For every node what it states, and what the nearest nodes state on every path into it and out of it.

    Args:
        unknown: what stands at a path's end where none states anything.
    """
    constants = set(constant_tensors(graph))
    before = _nearest(zip(graph.node, stated, strict=True), constants, unknown, forward=True)
    after = _nearest(zip(reversed(graph.node), reversed(stated), strict=True), constants, unknown, forward=False)
    return list(zip(stated, before, reversed(after), strict=True))


def _nearest(
    nodes: "Iterable[tuple[NodeProto, str | None]]", constants: set[str], unknown: frozenset[str], *, forward: bool
) -> list[frozenset[str]]:
    reached: dict[str, frozenset[str]] = {}
    found = []
    for node, stated in nodes:
        sources, results = (node.input, node.output) if forward else (node.output, node.input)
        if stated is not None:
            mine = frozenset((stated,))
        else:
            mine = frozenset[str]().union(*(reached.get(name, unknown) for name in sources if name not in constants))
        for name in results:
            reached[name] = mine if forward else reached.get(name, frozenset()) | mine
        found.append(mine)
    return found
