"""A backend is known to its own files and to one line of a registry: no other module decides by its name."""

import ast
import re

import house
import pytest

from dgiqa_edge.export.options import build_options
from dgiqa_edge.runtime.engines.registry import BACKENDS

NAMES = {backend.name for backend in BACKENDS}
MODULES = {name.replace("-", "_") for name in NAMES}

# Where a name may decide something: what a backend's own files are, and where one line lists it.
OWN = {
    **{rf"runtime/engines/{name}(\.py|/)": "its engine and declaration" for name in MODULES},
    **{rf"export/ladder/devices/{name}\.py": "its device" for name in MODULES},
    **{rf"export/build/{name}_build\.py": "its part of a build" for name in MODULES},
    **{rf"export/(options/)?{name}(_options\.py|/)": "its options and its builder" for name in MODULES},
    r"runtime/engines/registry\.py": "the runtime's registry",
    r"runtime/ground/extra_packages\.py": "names of extras, some of which are those of backends",
    r"export/triton/config\.py": "the backends of another program, some of which have the same names",
    r"export/options/build_options\.py": "the registry of a build",
}


def names_in(node):
    return {leaf.value for leaf in ast.walk(node) if isinstance(leaf, ast.Constant) and leaf.value in NAMES}


def deciding(node):
    """The parts of a node whose value picks a way: what is compared, looked up, matched, or listed to choose from."""
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.Dict):
        return [key for key in node.keys if isinstance(key, ast.Constant)]
    if isinstance(node, ast.Subscript):
        return [node.slice]
    if isinstance(node, ast.MatchValue):
        return [node.value]
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return [leaf for leaf in node.elts if isinstance(leaf, ast.Constant)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "startswith"):
        return node.args[:1]
    return []


def decisions(source):
    """``line: name`` of every backend's name that decides something."""
    for node in ast.walk(ast.parse(source)):
        for part in deciding(node):
            yield from (f"{node.lineno}: {name}" for name in sorted(names_in(part)))


def test_no_module_decides_by_a_backends_name_but_its_own():
    found = []
    for file in house.python_files():
        path = file.relative_to(house.ROOT).as_posix()
        if not any(re.match(own, path) for own in OWN):
            found += [f"{path}:{line}" for line in decisions(file.read_text(encoding="utf-8"))]
    assert found == [], "ask the backend's declaration (runtime/engines/backend.py, export/build/backends.py)"


def test_no_message_sends_to_one_backend_by_name():
    """Another may be the way out: ``registry.portable()`` and ``build_options.BACKENDS`` know which there are."""
    named = re.compile(rf"--backend ({'|'.join(NAMES)})\b")
    found = [
        path
        for path in (file.relative_to(house.ROOT).as_posix() for file in house.python_files())
        if not any(re.match(own, path) for own in OWN) and named.search((house.ROOT / path).read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("if backend == 'openvino': pass", True),
        ("if backend in ('auto', 'openvino'): pass", True),
        ("TITLES = {'openvino': 'OpenVINO'}", True),
        ("facts['openvino']", True),
        ("facts.get('openvino')", True),
        ("CHOICES = ['auto', 'openvino']", True),
        ("match backend:\n    case 'openvino': pass", True),
        ("record = EngineRecord(role, file, 'openvino')", False),
        ("entry = {'backend': 'openvino'}", False),
        ("'''openvino runs the portable graph'''", False),
    ],
)
def test_the_check_sees_what_decides_and_nothing_else(source, seen):
    assert bool(list(decisions(source))) == seen


def test_a_build_is_for_backends_that_the_runtime_knows():
    assert set(build_options.BACKENDS) <= NAMES
