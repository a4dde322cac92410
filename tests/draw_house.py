"""The picture of the house, ``docs/house.svg``, drawn from the imports: ``make map`` makes it, a test compares it.

A panel is a folder; its rows are floors, and what stands in a row imports only from rows below it. A box names a
folder, with how many modules are in it, or a module; pointing at it tells what it says of itself.
"""

import ast
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import house

PICTURE = house.ROOT / "docs" / "house.svg"
PANELS = (
    ("export", "training"),
    ("benchmarks", "calibration"),
    ("runtime", "runtime/watch"),
    ("runtime/engines", "runtime/native/src"),
)
GAP, ROW, TITLE, PAD = 16, 38, 30, 10
LETTER = 8.2
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2733 } .title { font-weight: 600; font-size: 15px }
.floor { fill: #7b8794; font-size: 11px } .panel { fill: #f5f7fa; stroke: #cbd2d9 }
.folder { fill: #d6e4f0; stroke: #5b87ad }
.module { fill: #ffffff; stroke: #9aa5b1 } .count { fill: #52606d; font-size: 11px }
"""


def floors_of(edges: house.Edges, folder: str) -> list[list[str]]:
    """A folder's children, the highest floor first; what nothing of ours supports stands on the lowest."""
    graph = house.children(edges, folder)
    depth: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((floor(other) for other in graph[name]), default=0)
        return depth[name]

    for name in graph:
        floor(name)
    return [sorted(name for name in graph if depth[name] == level) for level in range(max(depth.values()), 0, -1)]


def words_of(path: Path) -> str:
    """The first sentence of a module's or package's documentation; empty where it is C++."""
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").split("\n\n")[0] if file.exists() else ""


def picture(edges: house.Edges) -> str:
    """The whole SVG."""
    floors = {folder: floors_of(edges, folder) for row in PANELS for folder in row}
    needed = {folder: max(_width(edges, folder, line) for line in rows) for folder, rows in floors.items()}
    whole = max(sum(needed[folder] + GAP for folder in row) + GAP for row in PANELS)
    svg = Element("svg", xmlns="http://www.w3.org/2000/svg")
    SubElement(svg, "style").text = STYLE
    y = float(GAP)
    for row in PANELS:
        height = TITLE + ROW * max(len(floors[folder]) for folder in row) + PAD
        wider = (whole - GAP - sum(needed[folder] + GAP for folder in row)) / len(row)
        x = float(GAP)
        for folder in row:
            _panel(svg, edges, folder, floors[folder], (x, y, needed[folder] + wider, height))
            x += needed[folder] + wider + GAP
        y += height + GAP
    svg.set("viewBox", f"0 0 {whole:.0f} {y:.0f}")
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _label(edges: house.Edges, path: str) -> tuple[str, int]:
    inside = [name for name in edges if name.startswith(f"{path}/") and not name.endswith(house.INIT)]
    return path.rpartition("/")[2], len(inside)


def _width(edges: house.Edges, folder: str, line: list[str]) -> float:
    return sum(_box_width(edges, f"{folder}/{name}") + PAD for name in line) + 3 * PAD


def _box_width(edges: house.Edges, path: str) -> float:
    name, count = _label(edges, path)
    return LETTER * (len(name) + (3 if count else 0)) + 2 * PAD


def _panel(
    svg: Element,
    edges: house.Edges,
    folder: str,
    rows: list[list[str]],
    place: tuple[float, float, float, float],
) -> None:
    x, y, width, height = place
    _rectangle(svg, "panel", x, y, width, height)
    _text(svg, "title", x + PAD, y + 20, f"{folder}/")
    for level, line in enumerate(rows):
        top = y + TITLE + ROW * level
        _text(svg, "floor", x + PAD, top + 19, str(len(rows) - level))
        left = x + 3 * PAD
        for name in line:
            path = f"{folder}/{name}"
            shown, count = _label(edges, path)
            box = SubElement(svg, "g")
            SubElement(box, "title").text = words_of(house.ROOT / path)
            wide = _box_width(edges, path)
            _rectangle(box, "folder" if count else "module", left, top, wide, ROW - PAD)
            _text(box, "", left + PAD, top + 19, shown)
            if count:
                _text(box, "count", left + wide - PAD - 12, top + 19, str(count))
            left += wide + PAD


def _rectangle(parent: Element, kind: str, *place: float) -> None:
    numbers = {name: f"{value:.0f}" for name, value in zip(("x", "y", "width", "height"), place, strict=True)}
    SubElement(parent, "rect", {"class": kind, "rx": "4", **numbers})


def _text(parent: Element, kind: str, x: float, y: float, words: str) -> None:
    SubElement(parent, "text", {**({"class": kind} if kind else {}), "x": f"{x:.0f}", "y": f"{y:.0f}"}).text = words


if __name__ == "__main__":
    PICTURE.write_text(picture(house.edges()), encoding="utf-8")
