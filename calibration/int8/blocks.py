"""Blocks: the parts of a network that take or lose INT8 together, told by the paths in the exporter's node names.

A block is finer than a scope (``scopes.py`` tells networks apart) and coarser than a layer: one transformer block, one
inverted residual, one attention unit. Layers that the simplifier fused and named itself join the block around them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from .graph_tensors import constant_tensors, label
from .placement import Placement
from .scopes import network_scopes

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

_MEMBER = re.compile(r"(?P<list>.+?)\.\d+(_\d+)?")
_DEPTH = 2


def blocks_of(model: "ModelProto", placement: Placement, scopes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Output tensors of the placed nodes by block, blocks and outputs in graph order.

    A placed node that no path places anywhere is a block of its own, under its name.
    """
    placed = {node.output for node in placement.nodes}
    blocks: dict[str, list[str]] = {}
    for node, block in zip(model.graph.node, node_blocks(model.graph, scopes), strict=True):
        if node.output and node.output[0] in placed:
            blocks.setdefault(block or label(node), []).append(node.output[0])
    return {block: tuple(outputs) for block, outputs in blocks.items()}


def node_blocks(graph: "GraphProto", scopes: Sequence[str]) -> list[str]:
    """Block of every node in graph order: the scope without slashes, then the block's path; "" outside the scopes."""
    inside = network_scopes(graph, scopes)
    stated = [_path_block(label(node), scope) if scope else "" for node, scope in zip(graph.node, inside, strict=True)]
    constants = set(constant_tensors(graph))
    before = _nearest(zip(graph.node, stated, strict=True), constants, forward=True)
    after = _nearest(zip(reversed(graph.node), reversed(stated), strict=True), constants, forward=False)
    found = []
    for scope, block, above, below in zip(inside, stated, before, reversed(after), strict=True):
        found.append((block or _surrounding(*(_within(scope, near) for near in (above, below)))) if scope else "")
    return found


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


def _nearest(nodes: "Iterable[tuple[NodeProto, str]]", constants: set[str], *, forward: bool) -> list[frozenset[str]]:
    """Blocks of the nearest nodes that state one, on every path into (``forward``) or out of each node."""
    reached: dict[str, frozenset[str]] = {}
    found = []
    for node, block in nodes:
        sources, results = (node.input, node.output) if forward else (node.output, node.input)
        mine = frozenset((block,)) if block else _union(reached, (name for name in sources if name not in constants))
        for name in results:
            reached[name] = mine if forward else reached.get(name, frozenset()) | mine
        found.append(mine)
    return found


def _union(reached: Mapping[str, frozenset[str]], names: Iterable[str]) -> frozenset[str]:
    return frozenset[str]().union(*(reached.get(name, frozenset()) for name in names))
