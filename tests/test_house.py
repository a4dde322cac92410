"""The map of the house sees what it must: imports of every form, includes, circles, breaches, stale lines.

And the tests lie as the house does.
"""

import re
import textwrap
from collections.abc import Iterable
from pathlib import PurePosixPath

import draw_house
import house
import pytest


@pytest.fixture
def tree(tmp_path):
    """A small house: ``runtime`` with two folders, ``export`` above it, two C++ rooms."""

    def write(**files):
        for path, text in files.items():
            target = tmp_path / path.replace("__", "/").replace("_dot_", ".")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text))
        return tmp_path

    return write


@pytest.mark.parametrize(
    "line",
    [
        "from ..b.one import x",
        "from ..b import one",
        "from .. import b",
        "from dgiqa_edge.runtime.b.one import x",
        "from dgiqa_edge.runtime.b import one",
        "import dgiqa_edge.runtime.b.one",
        "def f():\n    from ..b import one",
        "if TYPE_CHECKING:\n    from ..b.one import x",
    ],
)
def test_an_import_is_seen_however_it_is_written(tree, line):
    for folder in ("runtime/a", "runtime/b"):
        tree(**{f"{folder}/init.py": ""})
    root = tree(**{"runtime/a/two.py": line, "runtime/b/one.py": "", "runtime/b/init.py": ""})
    (root / "runtime" / "b" / "init.py").rename(root / "runtime" / "b" / "__init__.py")
    edges = house.python_edges(root)
    assert house.children(edges, "runtime")["a"] == {"b"}
    assert house.breaches(edges, {"runtime": {"a": ["b"], "b": []}}) == []
    (broken,) = house.breaches(edges, {"runtime": {"a": [], "b": []}})
    assert broken.startswith("runtime/a/two imports runtime/b/")


def test_another_room_is_seen(tree):
    root = tree(**{"runtime/bad.py": "def f():\n    from dgiqa_edge import export\n", "export/build.py": ""})
    (root / "export" / "__init__.py").write_text("")
    (broken,) = house.breaches(house.python_edges(root), {"": {"runtime": [], "export": ["runtime"]}})
    assert broken == "runtime/bad imports export/__init__: in the house, runtime may not"


def test_an_include_is_seen_beside_the_file_and_from_the_root(tree):
    root = tree(
        **{
            "runtime/native/src/a/one.cpp": '#include "one.hpp"\n#include "b/two.hpp"\n',
            "runtime/native/src/a/one.hpp": "",
            "runtime/native/src/b/two.hpp.in": '#include "dgiqa_edge.h"\n',
            "runtime/native/include/dgiqa_edge.h": "",
        }
    )
    edges = house.native_edges(root)
    assert edges["runtime/native/src/a/one"] == {"runtime/native/src/b/two"}
    assert edges["runtime/native/src/b/two"] == {"runtime/native/include/dgiqa_edge"}


EDGES = {"r/a/x": {"r/b/y"}, "r/b/y": {"r/c"}, "r/c": set()}


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["b/y"], "b": ["c"], "c": []}, []),
        ({"a": ["b/z"], "b": ["c"], "c": []}, ["r/a/x imports r/b/y: in r, a may not"]),
        ({"*": ["c"], "a": ["b"], "b": [], "c": []}, []),
        ({"a": ["b"], "b": ["c"]}, ["r: the table has no line for c"]),
        ({"a": ["b"], "b": ["c"], "c": [], "d": []}, ["r: there is no d"]),
    ],
)
def test_the_table_is_held(table, problems):
    assert house.breaches(EDGES, {"r": table}) == problems


def test_floors_circles_and_loose_modules_are_counted():
    (row,) = (row for row in house.folders(EDGES) if row.path == "r")
    assert (row.modules, row.floors) == (1, 3)
    assert house.circles(EDGES) == []
    assert house.circles({**EDGES, "r/c": {"r/a/x"}}) == [["r/a/x", "r/b/y", "r/c"]]
    assert house.unlisted(EDGES, {}) == ["r"]


def test_the_picture_is_drawn_from_the_house_as_it_is():
    assert draw_house.PICTURE.read_text(encoding="utf-8") == draw_house.picture(house.edges()), "run: make map"


def strays(tests: Iterable[str], modules: Iterable[str]) -> list[str]:
    """Test files that lie elsewhere than what they test: in a folder that the house has not, or apart from the module,
    or folder, of their name. A test of something else, of a folder as a whole, may have any other name there.
    """
    paths = [PurePosixPath(name) for name in modules]
    folders = {folder for path in paths for folder in path.parents}
    places: dict[str, set[PurePosixPath]] = {}
    for path in {*paths, *folders}:
        places.setdefault(path.name.strip("_"), set()).update((path.parent, *([path] if path in folders else [])))
    found = []
    for test in map(PurePosixPath, tests):
        named = places.get(test.stem.removeprefix("test_"), set())
        if test.parent not in folders:
            found.append(f"{test}: there is no folder {test.parent}")
        elif named and test.parent not in named:
            found.append(f"{test}: what it is named after lies in {', '.join(sorted(map(str, named)))}")
    return sorted(found)


def test_tests_lie_where_what_they_test_lies():
    tests = house.ROOT / "tests"
    files = [file.relative_to(tests).as_posix() for room in house.ROOMS for file in (tests / room).rglob("test_*.py")]
    assert len(files) > 200
    assert strays(files, [*house.python_edges(), f"{house.NATIVE}/CMakeLists"]) == []  # the C++ has tests of its own


@pytest.mark.parametrize(
    ("test", "stray"),
    [
        ("r/a/test_x.py", False),
        ("r/a/test_anything_else.py", False),
        ("r/a/test_a.py", False),
        ("r/test_a.py", False),
        ("r/test_main.py", False),
        ("r/test_x.py", True),
        ("r/b/test_x.py", True),
        ("r/a/test_main.py", True),
        ("r/gone/test_z.py", True),
    ],
)
def test_a_stray_test_is_seen(test, stray):
    assert bool(strays([test], ["r/a/x", "r/b/y", "r/__main__"])) == stray


def test_no_test_counts_its_own_way_up():
    """Where it is moved, it would look elsewhere, and most skip where nothing is there: ``places.py`` has the ways."""
    rooms = [house.ROOT / "tests" / room for room in house.ROOMS]
    counting = re.compile(r"__file__\)[\w.()]*\.parents\[")
    assert [file for room in rooms for file in room.rglob("*.py") if counting.search(file.read_text())] == []
