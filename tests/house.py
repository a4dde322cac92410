"""The map of the house: which module imports which, on how many floors, and whether ``house.toml`` allows it.

``python tests/house.py`` (``make map``) prints the table; ``test_architecture.py`` enforces it. Python modules are read
with ``ast``, wherever in the file an import stands; C++ by its ``#include "..."`` lines, header and source as one
unit. The table names, folder by folder, what each of its children may import; ``ground`` is open to all of them.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("runtime", "calibration", "benchmarks", "training", "export")
NATIVE = "runtime/native"
NATIVE_ROOMS = ("include", "src", "tools", "gstreamer")
MOST_MODULES = 14
INIT = "__init__"

Edges = dict[str, set[str]]


@dataclass(frozen=True)
class Folder:
    """One row of the map: modules directly in it, and floors among its children."""

    path: str
    modules: int
    floors: int


def python_files(root: Path = ROOT) -> list[Path]:
    """Every Python module of the rooms; the native runtime has a map of its own."""
    return sorted(
        file for room in ROOMS for file in (root / room).rglob("*.py") if not file.is_relative_to(root / NATIVE)
    )


def python_edges(root: Path = ROOT) -> Edges:
    """Modules by their path without suffix, each with the modules of ours that it imports."""
    names = {file.relative_to(root).with_suffix("").as_posix(): file for file in python_files(root)}
    return {name: set(_imported(name, file, names)) - {name} for name, file in names.items()}


def native_edges(root: Path = ROOT) -> Edges:
    """The same of the C++ sources: a unit is a header with the source of its name, written out or made from an ``.in``.

    An include is looked for beside the file that has it, then where the compiler looks.
    """
    native = root / NATIVE
    units: dict[Path, str] = {}
    for room in NATIVE_ROOMS:
        for file in (native / room).rglob("*"):
            made = file.with_name(file.name.removesuffix(".in"))
            if made.suffix in (".h", ".hpp", ".cpp", ".cu"):
                units[made] = made.relative_to(root).with_suffix("").as_posix()
    edges: Edges = {unit: set() for unit in units.values()}
    for made, unit in units.items():
        file = made if made.exists() else made.with_name(f"{made.name}.in")
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', file.read_text(encoding="utf-8"), re.MULTILINE):
            places = (made.parent / name, *(native / room / name for room in NATIVE_ROOMS))
            found = next((units[place] for place in places if place in units), unit)
            edges[unit] |= {found} - {unit}
    return edges


def _imported(name: str, file: Path, names: Mapping[str, Path]) -> Iterator[str]:
    package = PurePosixPath(name).parent
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for item in node.names:
                yield from _existing([item.name.removeprefix("dgiqa_edge.").replace(".", "/")], names)
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").replace(".", "/")
            if node.level:
                base = package if node.level == 1 else package.parents[node.level - 2]
                module = (base / module).as_posix()
            elif module == "dgiqa_edge" or not module.startswith("dgiqa_edge/"):
                continue
            else:
                module = module.removeprefix("dgiqa_edge/")
            for item in node.names:
                yield from _existing([f"{module}/{item.name}", module], names)


def _existing(candidates: Iterable[str], names: Mapping[str, Path]) -> Iterator[str]:
    for candidate in candidates:
        for path in (candidate, f"{candidate}/{INIT}"):
            if path in names:
                yield path
                return


def breaches(edges: Edges, table: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Every import that the table does not allow, and every child of a listed folder that the table does not know.

    What a child may import is a child of the same folder, or a way further down: ``frames``, ``src/frames``.
    """
    found = set()
    for name, targets in edges.items():
        for target in targets:
            folder, child, other = _meeting(name, target)
            allowed = table.get(folder)
            if allowed is None or INIT in (child, other):
                continue
            way = target[len(folder) + 1 :] if folder else target
            open_to = (*allowed.get("ground", ()), *allowed.get(child, ()))
            if child not in allowed and child not in allowed.get("ground", ()):
                found.add(f"{folder}/{child} is not in the table")
            elif not any(f"{way}/".startswith(f"{own}/") for own in open_to):
                found.add(f"{name} imports {target}: {folder}/{child} may not import {other}")
    return sorted(found)


def _meeting(name: str, target: str) -> tuple[str, str, str]:
    """The innermost folder that holds both, and its child on either way."""
    mine, other = name.split("/"), target.split("/")
    depth = 0
    while depth < min(len(mine), len(other)) - 1 and mine[depth] == other[depth]:
        depth += 1
    return "/".join(mine[:depth]), mine[depth], other[depth]


def circles(edges: Edges) -> list[list[str]]:
    """Groups of modules that import each other (Tarjan's strongly connected components of more than one)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for target in edges[name]:
            if target not in index:
                visit(target)
                low[name] = min(low[name], low[target])
            elif target in stack:
                low[name] = min(low[name], index[target])
        if low[name] == index[name]:
            group = [stack.pop()]
            while group[-1] != name:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for name in sorted(edges):
        if name not in index:
            visit(name)
    return found


def children(edges: Edges, folder: str) -> Edges:
    """A folder's own children, modules and folders, and which of them import which."""
    inside = f"{folder}/" if folder else ""
    found: Edges = {}
    for name, targets in edges.items():
        if not name.startswith(inside) or name == f"{inside}{INIT}":
            continue
        child = name[len(inside) :].partition("/")[0]
        others = found.setdefault(child, set())
        for target in targets:
            if target.startswith(inside) and target != f"{inside}{INIT}":
                others.add(target[len(inside) :].partition("/")[0])
        others.discard(child)
    return found


def floors(graph: Edges) -> int:
    """Modules on the longest way down; 0 for an empty folder. A circle counts as one floor."""
    depth: dict[str, int] = {}

    def of(name: str, above: tuple[str, ...]) -> int:
        if name not in depth:
            below = [of(other, (*above, name)) for other in graph[name] if other not in above]
            depth[name] = 1 + max(below, default=0)
        return depth[name]

    return max((of(name, ()) for name in sorted(graph)), default=0)


def folders(edges: Edges) -> list[Folder]:
    """The map, folder by folder."""
    paths = sorted({parent.as_posix() for name in edges for parent in PurePosixPath(name).parents} - {"."})
    rows = []
    for path in paths:
        loose = sum(PurePosixPath(name).parent.as_posix() == path and not name.endswith(INIT) for name in edges)
        rows.append(Folder(path, loose, floors(children(edges, path))))
    return rows


def main() -> None:
    """Print the map of Python and C++."""
    for title, edges in (("Python", python_edges()), ("C++", native_edges())):
        print(f"{title:<44} modules  floors")
        for row in folders(edges):
            print(f"  {row.path:<42} {row.modules:7}  {row.floors:6}")
        print(f"  circles: {len(circles(edges))}")


if __name__ == "__main__":
    main()
