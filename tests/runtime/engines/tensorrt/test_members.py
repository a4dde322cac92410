"""Every member of TensorRT's Python API that our code touches exists in every version we support, or is guarded.

``api.toml`` is the list, with its source. The code is read as text, so that no TensorRT is needed; where the
packages can be imported (``tensorrts.py``) the list is compared with them.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorrts
from places import ROOT

from dgiqa_edge.runtime.engines.tensorrt.versions import support_of

if sys.version_info < (3, 11):
    import tomli as toml
else:
    import tomllib as toml

API = toml.loads(Path(__file__).with_name("api.toml").read_text(encoding="utf-8"))
EXPORT = ROOT / "export" / "tensorrt"
FILES = sorted(
    [*(ROOT / "runtime" / "engines" / "tensorrt").glob("*.py"), EXPORT / "builder.py", EXPORT / "build_watch.py"]
)
# Variables that hold an object of a class, wherever they stand in FILES.
CLASS_OF = {
    "engine": "ICudaEngine",
    "context": "IExecutionContext",
    "inspector": "EngineInspector",
    "runtime": "Runtime",
    "builder": "Builder",
    "network": "INetworkDefinition",
    "config": "IBuilderConfig",
    "profile": "IOptimizationProfile",
    "parser": "OnnxParser",
    "settings": "IRuntimeConfig",
    "cache": "IRuntimeCache",
    "_cache": "IRuntimeCache",
}
RTX = ["rtx"]
RTX_FILE = "just_in_time.py"  # everything in it is reached with TensorRT-RTX alone
CLASSES = {*API["members"], "ILogger"}
OUR_OWN = {("engine.py", "engine")}  # there the word means our own engine
# Members that some version lacks: how the code keeps from touching them there.
GUARDS = {
    "Runtime.engine_host_code_allowed": "only for version-compatible plans, which exist since 8.6",
    "ICudaEngine.device_memory_size": "only where device_memory_size_v2 is missing",
    "ICudaEngine.device_memory_size_v2": "behind hasattr",
    "IBuilderConfig.builder_optimization_level": "the configuration refuses it where the version has none",
    "IBuilderConfig.hardware_compatibility_level": "the configuration refuses it where the version has none",
    "IBuilderConfig.max_aux_streams": "the configuration refuses it where the version has none",
    "IBuilderConfig.int8_calibrator": "the configuration refuses calibrators from 11 on",
    "IBuilderConfig.progress_monitor": "behind hasattr",
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH": "behind hasattr",
}


def uses() -> Iterator[tuple[str, str, int, bool]]:
    """(class or enumeration, member, line, whether it stands behind an ``if``) of every use in FILES."""
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        behind = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If)
            for statement in node.body
            for inner in ast.walk(statement)
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Attribute):
                continue
            owner = owner_of(path.name, node.value)
            if owner:
                yield owner, node.attr, node.lineno, id(node) in behind or path.name == RTX_FILE


def owner_of(file: str, value: ast.expr) -> str | None:
    """What ``value.member`` is a member of: ``trt.X`` of X, a variable of its class; None for anything else."""
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name) and value.value.id == "trt":
        return value.attr
    name = value.id if isinstance(value, ast.Name) else value.attr if isinstance(value, ast.Attribute) else None
    if name is None or (file, name) in OUR_OWN:
        return None
    return CLASS_OF.get(name)


def touched_names() -> set[str]:
    """X of every ``trt.X``."""
    return {
        node.attr
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "trt"
    }


def test_the_files_are_the_ones_that_touch_tensorrt() -> None:
    assert {"plan.py", "engine.py", "log.py", "builder.py"} <= {path.name for path in FILES}
    assert len(list(uses())) > 40


def test_every_name_of_the_package_is_listed() -> None:
    assert touched_names() - {"__version__"} <= CLASSES


def test_every_member_that_is_used_is_listed() -> None:
    unlisted = {
        f"{owner}.{member} (line {line})"
        for owner, member, line, _ in uses()
        if member not in ("__init__", "__members__") and member not in API["members"].get(owner, ())
    }
    assert not unlisted


def test_a_member_that_some_version_lacks_is_guarded() -> None:
    newest = API["read"][-1]
    unguarded = []
    for owner, member, line, behind_if in uses():
        if member in ("__init__", "__members__"):
            continue
        first, last = [*API["members"][owner][member], newest][:2]
        everywhere = first == API["read"][0] and last == newest
        name = f"{owner}.{member}"
        guarded = name in GUARDS or API["members"][owner][member] == RTX
        if not everywhere and not (guarded and (behind_if or name == "ICudaEngine.device_memory_size")):
            unguarded.append(f"{name} (line {line})")
    assert not unguarded


def test_the_number_formats_that_the_runtime_reads_are_listed() -> None:
    from dgiqa_edge.runtime.engines.tensorrt.plan import _DTYPES

    assert set(_DTYPES) == set(API["members"]["DataType"])


def test_the_list_spans_the_versions_that_we_support() -> None:
    for version in API["read"]:
        support_of(version)
    majors = {version.split(".")[0] for version in API["read"]}
    assert majors == {"8", "10", "11"}


PROBE = """
import importlib, json, sys
trt = importlib.import_module(sys.argv[1])
print(json.dumps([trt.__version__, {
    owner: [name for name in names if hasattr(getattr(trt, owner, None), name)]
    for owner, names in json.loads(sys.argv[2]).items()
}]))
"""


@pytest.mark.parametrize("installed", tensorrts.installed())
def test_the_list_agrees_with_an_installed_package(installed: tensorrts.Installed) -> None:
    rtx = installed.flavour == "tensorrt-rtx"
    asked = {
        owner: {name: span for name, span in names.items() if rtx or span != RTX}
        for owner, names in API["members"].items()
    }
    version, found = installed.ask(PROBE, {owner: list(names) for owner, names in asked.items()})
    version = support_of(version, installed.flavour).api_of or version
    expected = {
        owner: [name for name, span in names.items() if span == RTX or within(version, span)]
        for owner, names in asked.items()
    }
    assert found == expected


def within(version: str, span: list[Any]) -> bool:
    """Whether a version lies in a span; 8.6.0 counts as 8.6.1, the release whose source was read."""
    release = lambda text: tuple(int(part) for part in text.split(".")[:2])  # noqa: E731
    return release(span[0]) <= release(version) and (len(span) == 1 or release(version) <= release(span[1]))
