"""The map of the house: which module imports which, on how many floors, and whether ``house.toml`` allows it.

``python tests/house.py`` (``make map``) prints the table; ``test_architecture.py`` enforces it. Python modules are
read with ``ast``, wherever in the file an import stands; C++ by its ``#include "..."`` lines, where header and source
are one unit. The table names, folder by folder, what each of its children may import.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_name("house.toml")
ROOMS = ("runtime", "calibration", "benchmarks", "training", "export")
NATIVE = "runtime/native"
NATIVE_ROOMS = ("include", "src", "tools", "gstreamer")
MOST_MODULES = 14
INIT = "__init__"
OPEN_TO_ALL = "*"

Edges = dict[str, set[str]]
Table = Mapping[str, Mapping[str, list[str]]]


@dataclass(frozen=True)
class Folder:
    """One row of the map: modules directly in it, and floors among its children."""

    path: str
    modules: int
    floors: int


def table() -> Table:
    """``house.toml``."""
    if sys.version_info < (3, 11):
        import tomli as toml
    else:
        import tomllib as toml
    content: Table = toml.loads(TABLE.read_text(encoding="utf-8"))
    return content


def python_files(root: Path = ROOT) -> list[Path]:
    """Every Python module of the rooms; the native runtime has a map of its own."""
    return sorted(
        file for room in ROOMS for file in (root / room).rglob("*.py") if not file.is_relative_to(root / NATIVE)
    )


@cache
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


def edges(root: Path = ROOT) -> Edges:
    """Both."""
    return {**python_edges(root), **native_edges(root)}


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
            elif module.partition("/")[0] != "dgiqa_edge":
                continue
            else:
                module = module.removeprefix("dgiqa_edge").lstrip("/")
            for item in node.names:
                yield from _existing([f"{module}/{item.name}".lstrip("/"), module], names)


def _existing(candidates: Iterable[str], names: Mapping[str, Path]) -> Iterator[str]:
    for candidate in candidates:
        for path in (candidate, f"{candidate}/{INIT}"):
            if path in names:
                yield path
                return


def breaches(edges: Edges, table: Table) -> list[str]:
    """Every import that the table does not allow, every child that it does not know, and every line without a child.

    What a child may import is a child of the same folder, or a way further down: ``frames``, ``src/frames``.
    """
    found = set()
    for folder, allowed in table.items():
        here, inside = children(edges, folder), f"{folder}/" if folder else ""
        found |= {f"{folder}: the table has no line for {child}" for child in here.keys() - allowed.keys()}
        found |= {f"{folder}: there is no {name}" for name in allowed.keys() - here.keys() - {OPEN_TO_ALL}}
        ground = allowed.get(OPEN_TO_ALL, [])
        for name, targets in edges.items():
            child, _, below = name.removeprefix(inside).partition("/")
            if not name.startswith(inside) or (not below and child == INIT):
                continue
            open_to = [*allowed.get(child, ()), *([] if child in ground else ground), child]
            for target in targets:
                way = target.removeprefix(inside)
                if not target.startswith(inside) or way == INIT:
                    continue
                if not any(f"{way}/".startswith(f"{own}/") for own in open_to):
                    found.add(f"{name} imports {target}: in {folder or 'the house'}, {child} may not")
    return sorted(found)


def unlisted(edges: Edges, table: Table) -> list[str]:
    """Folders with folders in them that the table has no part for."""
    nested = {path.parent.parent.as_posix() for path in map(PurePosixPath, edges) if len(path.parts) > 2}
    return sorted(nested - table.keys())


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
    """Print the map."""
    found = edges()
    print(f"{'folder':<44} modules  floors")
    for row in folders(found):
        if row.modules or row.floors > 1:
            print(f"{row.path:<44} {row.modules:7}  {row.floors:6}")
    print(f"circles: {len(circles(found))}, imports that the table does not allow: {len(breaches(found, table()))}")


if __name__ == "__main__":
    main()
