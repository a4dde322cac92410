"""What the project's words name is there: files, folders and modules in docstrings, comments and documents; and
docstrings are whole: sentences, with lines that stand where they belong."""

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import PurePosixPath

import house
import pytest

ROOT = house.ROOT
FOLDERS = (*house.ROOMS, "tests", "docs", ".ci")
SLASH_COMMENTS = {".cpp", ".hpp", ".h", ".c", ".cu", ".js", ".css"}
HASH_COMMENTS = {".toml", ".sh", ".cmake", ".in", ".txt", ""}
READ = {".md", ".py", *SLASH_COMMENTS, *HASH_COMMENTS}
# What was true of an older version, what a package index lists, what others wrote, text that is no text.
NOT_READ = {"CHANGELOG.md", "constraints.txt", "tests/vectors", "runtime/watch/dashboard/static/uPlot.iife.min.js"}

ENDINGS = "py|cpp|hpp|h|c|cu|md|toml|sh|cmake|css|js|json|in|safetensors"
FILE = re.compile(rf"(?<![\w./@-])[\w.*{{][\w./*{{}},-]*\.(?:{ENDINGS})\b(?![\w(]|\.\w)")
FROM_THE_ROOT = re.compile(rf"(?<![\w./-])(?:{'|'.join(house.ROOMS)}|tests)/[\w./*{{}},-]*\w")
# ``module.function`` of a neighbour, not ``Class.method``.
NEIGHBOUR = re.compile(r"``((?:[a-z_]\w*\.)+\w+)``")
MODULE = re.compile(r"\bdgiqa_edge(?!\.hp?p?\b)(?:\.\w+)+")

# Names of files that are not in the tree: what programs of ours write, what is somebody else's.
MADE = {
    "bundle.json",
    "golden.safetensors",
    "calibration.json",
    "report.json",
    "report.md",
    "licences.md",
    "state.json",
    "status.json",
    "config.json",
    "front.reference.json",
    "*.reference.json",
    "build",
}
FOREIGN = {
    "cap.cpp": "OpenCV's, as its messages name it",
    "test_settings.h": "LoadGen's settings",
    "version.json": "CUDA's",
    "nvbufsurface.h": "NVIDIA's, of Jetson Linux",
    "model.safetensors": "timm's weights",
    "DGIQA.py": "of DGIQA's published code",
    "single_image_inference.py": "of DGIQA's published code",
    "depth_utils.py": "of DGIQA's published code",
    "dgiqa_edge.h": "the public header, as programs include it",
    "dgiqa_edge.commands": "a group of entry points",
    "dgiqa_edge.inspections": "a group of entry points",
    "dgiqa_edge.peers": "a group of entry points",
}


@cache
def tree() -> frozenset[str]:
    """Every file of the project and every folder above one, from its root."""
    found = {path for path in ROOT.iterdir() if path.is_file()}
    found |= {path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()}
    names = {path.relative_to(ROOT).as_posix() for path in found if "__pycache__" not in path.parts}
    return frozenset(names | {parent.as_posix() for name in names for parent in PurePosixPath(name).parents})


def said(name: str, text: str) -> Iterator[tuple[int, str]]:
    """What a file says to its reader, with the line where it stands: a document's text, docstrings, comments."""
    suffix = PurePosixPath(name).suffix
    if suffix == ".md":
        fenced = False
        for number, line in enumerate(text.splitlines(), 1):
            fenced ^= line.startswith("```")
            # The files in an example are the reader's, but for those that lie in a room.
            yield number, " ".join(FROM_THE_ROOT.findall(line)) if fenced else line
    elif suffix == ".py":
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield from enumerate(
                    (ast.get_docstring(node) or "").splitlines(), node.body[0].lineno if node.body else 1
                )
    elif suffix in SLASH_COMMENTS:
        for comment in re.finditer(r"(?<![:\"])//[^\n]*|/\*(?:.|\n)*?\*/", text):
            yield from enumerate(comment[0].splitlines(), text.count("\n", 0, comment.start()) + 1)
    elif suffix in HASH_COMMENTS:
        for number, line in enumerate(text.splitlines(), 1):
            yield number, "".join(re.findall(r"(?:^|\s)#\s.*", line))


def named(line: str) -> set[str]:
    """Files, folders and modules that a line names: braces spelled out, ``<gpu>`` and ``NAME`` as ``*``.

    What stands between angle brackets with its ``.h`` is the system's.
    """
    line = re.sub(r"<\w+>|\bNAME(?=\b|_)", "*", re.sub(r"<[\w/]+\.h>", "", line))
    found = {match for pattern in (FILE, FROM_THE_ROOT) for match in pattern.findall(line)}
    return {spelled for name in found for spelled in spelled_out(name)} | set(MODULE.findall(line)) - found


def spelled_out(name: str) -> list[str]:
    parts = re.split(r"\{([^{}]*)\}", name)
    return ["".join(chosen) for chosen in itertools.product(*(part.split(",") for part in parts))]


def is_there(name: str, reader: str) -> bool:
    """Whether the reader of a file finds what it names: beside it, from a folder above it, among its includes.

    A test may name its subject as the subject's neighbours do; a document may leave out where its sentence already is.
    """
    if MODULE.fullmatch(name):
        return module_is_there(name.split(".")[1:])
    above = [parent.as_posix() for parent in PurePosixPath(reader).parents]
    places = [*above, *(place.removeprefix("tests/") for place in above)]
    if reader.startswith(house.NATIVE):
        places += [f"{house.NATIVE}/{room}" for room in house.NATIVE_ROOMS]
    wanted = [PurePosixPath(place, name).as_posix() for place in places]
    if reader.endswith(".md"):
        return any(fnmatchcase(f"/{path}", f"*/{name.removeprefix('../')}") for path in tree())
    if "*" in name:
        return any(fnmatchcase(path, one) for one in wanted for path in tree())
    return not tree().isdisjoint(wanted)


def module_is_there(parts: list[str]) -> bool:
    """``runtime.scoring.scorer``, or a name in it."""
    for length in range(len(parts), 0, -1):
        stem = "/".join(parts[:length])
        for file in (f"{stem}.py", f"{stem}/__init__.py"):
            if file in tree():
                text, inside = (ROOT / file).read_text(encoding="utf-8"), parts[length:]
                # A package offers names, a module also what its classes have.
                return len(inside) < (2 if file.endswith("__init__.py") else 3) and all(
                    re.search(rf"\b{name}\b", text) for name in inside
                )
    return False


def missing(reader: str, text: str) -> list[str]:
    """``file:line: name`` of all that a file names and that is not there."""
    return [
        f"{reader}:{number}: {name}"
        for number, line in said(reader, text)
        for name in sorted(named(line))
        if not {name, PurePosixPath(name).name, PurePosixPath(name).parts[0]} & (MADE | FOREIGN.keys())
        and not is_there(name, reader)
    ]


def test_what_docstrings_comments_and_documents_name_is_there():
    found, read = [], 0
    for name in sorted(tree()):
        path = PurePosixPath(name)
        if (ROOT / path).is_dir() or path.suffix not in READ or any(map(path.is_relative_to, NOT_READ)):
            continue
        read += 1
        found += missing(name, (ROOT / path).read_text(encoding="utf-8"))
    assert read > 900
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("reader", "text", "found"),
    [
        ("runtime/gate/gate.py", '"""As in gone.py."""', ["gone.py"]),
        ("runtime/gate/gate.py", '"""As in ``checks.py`` and policy.py, errors.py, watch/sinks/protocol.py."""', []),
        ("runtime/gate/gate.py", "x = 1  # see runtime/gate.py", ["runtime/gate.py"]),
        ("runtime/gate/gate.py", "# ``engines/{protocol,gone}.py``", ["engines/gone.py"]),
        ("runtime/gate/gate.py", "# dgiqa_edge.runtime.scorer.Scorer", ["dgiqa_edge.runtime.scorer.Scorer"]),
        ("runtime/gate/gate.py", "# dgiqa_edge.runtime.scoring.scorer.Scorer, dgiqa_edge.runtime.Scorer", []),
        ("runtime/gate/gate.py", "open('gone.py')", []),
        ("tests/runtime/gate/test_gate.py", "# runtime/gone/ and gate.py, baseline_file.py", ["runtime/gone"]),
        ("README.md", "See `gone.md`.\n```\nuse mine.toml runtime/gone.py\n```", ["gone.md", "runtime/gone.py"]),
        ("runtime/native/src/gate/gate.cpp", "// gone.hpp, gate.hpp, runtime/gate/gate.py", ["gone.hpp"]),
        ("runtime/native/src/gate/CMakeLists.txt", "# gone.cmake\nadd(gate.cpp)", ["gone.cmake"]),
        ("runtime/examples/files.toml", "# benchmarks/results/*-cpu.json and benchmarks/*-gone", ["benchmarks/*-gone"]),
    ],
)  # fmt: skip
def test_the_check_of_names_sees_what_is_not_there(reader, text, found):
    assert [problem.rpartition(": ")[2] for problem in missing(reader, text)] == found


def definitions():
    """Functions and classes of the rooms by name, with the modules that have them."""
    found = {}
    for path in house.python_files():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found.setdefault(node.name, []).append(path.relative_to(ROOT).with_suffix("").as_posix())
    return found


def test_a_name_with_its_module_is_in_that_module():
    """``decision.Tried``: where such a class or function is ours, a module of that name has it, or a package does."""
    homes, wrong = definitions(), []
    for path in house.python_files():
        reader, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        for number, line in said(reader, text) if NEIGHBOUR.search(text) else ():
            for name in NEIGHBOUR.findall(line):
                module, _, last = name.replace(".", "/").rpartition("/")
                places = [f"/{home.removesuffix('/__init__')}" for home in homes.get(last, [])]
                theirs = re.search(rf"\bimport {module.partition('/')[0]}\b", text)
                if places and not theirs and not any(place.endswith(f"/{module}") for place in places):
                    wrong.append(f"{reader}:{number}: {name}, which is in {', '.join(places)}")
    assert not wrong, "\n".join(wrong)


# What is listed hangs: an entry of a section, an item, what follows a colon, an example.
HANGING = re.compile(r":$|^ *(- |\d\. |[\w*, ]+: |>>> |python )|^ {4,}\S")


def flaws(text):
    """``line: what`` of docstrings that say nothing, do not end, or have lines indented without a reason."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (ast.get_docstring(node) or "Absent here.").splitlines()
        first = " ".join(itertools.takewhile(bool, lines))
        line = node.body[0].lineno if node.body else 1
        if len(re.findall(r"\w+", first)) < 2:
            yield f"{line}: one word"
        if first[-1] not in ".:!?)":
            yield f"{line}: no end"
        for number, (above, below) in enumerate(itertools.pairwise(lines), line + 1):
            deeper = len(below) - len(below.lstrip()) > len(above) - len(above.lstrip())
            if above and below and deeper and not HANGING.search(above):
                yield f"{number}: indented"


def test_docstrings_are_whole():
    found = [
        f"{path.relative_to(ROOT)}:{flaw}"
        for path in house.python_files()
        for flaw in flaws(path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('def f():\n    """Begin."""', ["2: one word"]),
        ('"""What it is for"""', ["1: no end"]),
        ('"""What it is for.\n\nIt is long, and its\n    second line hangs.\n"""', ["4: indented"]),
        ('"""What it is for.\n\nArgs:\n    a: this, which\n        takes two lines.\n"""', []),
        ('"""What it is for, in\ntwo lines.\n\n- an item\n  of two lines\n"""', []),
    ],
)
def test_the_check_of_docstrings_sees_flaws(text, found):
    assert list(flaws(text)) == found
