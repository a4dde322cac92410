"""Whether the lists that the fake is made of are the real packages', where some can be imported (``tensorrts.py``).

Importing TensorRT needs no GPU; nothing here creates an object of it.
"""

from typing import Any

import pytest
import tensorrts
from stand_ins import fake_tensorrt

from dgiqa_edge.runtime.engines.tensorrt.versions import support_of

PROBE = """
import importlib, json, sys
trt = importlib.import_module(sys.argv[1])
surface = json.loads(sys.argv[2])
print(json.dumps({
    "version": trt.__version__,
    "missing": [f"{owner}.{name}" for kind in surface.values() for owner, names in kind.items() for name in names
                if not hasattr(getattr(trt, owner, None), name)],
    "absent": sorted(name for name in ("FP16", "VERSION_COMPATIBLE") if not hasattr(trt.BuilderFlag, name)),
    "level": hasattr(trt.IBuilderConfig, "builder_optimization_level"),
    "strong": hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"),
    "names_nodes": hasattr(trt.ParserError, "node_name"),
    "monitor": hasattr(trt.IBuilderConfig, "progress_monitor") and hasattr(trt, "IProgressMonitor"),
}))
"""


@pytest.fixture(scope="module", params=tensorrts.installed())
def installed(request: pytest.FixtureRequest) -> tensorrts.Installed:
    return request.param


def test_the_listed_surface_is_the_installed_packages(installed: tensorrts.Installed) -> None:
    entry = listed(installed)
    found = installed.ask(PROBE, {"enums": entry["enums"], "classes": entry["classes"]})
    assert found["missing"] == []


def listed(installed: tensorrts.Installed) -> dict[str, Any]:
    """The list of the installed release."""
    version = installed.ask(PROBE, {})["version"]
    release = (support_of(version, installed.flavour).api_of or version).split(".")[:2]
    for entry in fake_tensorrt.versions():
        if entry["name"].split(".")[:2] == release:
            return entry
    return pytest.skip(f"TensorRT {version} is not among the listed versions")


def test_the_version_table_agrees_with_the_installed_package(installed: tensorrts.Installed) -> None:
    found = installed.ask(PROBE, {})
    support = support_of(found["version"], installed.flavour)
    assert support.has_precision_flags == ("FP16" not in found["absent"])
    if installed.flavour == "tensorrt":  # TensorRT-RTX has the flag, and not the lean runtime that it needs
        assert support.version_compatible == ("VERSION_COMPATIBLE" not in found["absent"])
    assert support.optimization_level == found["level"]
    assert (support.typing != "weak") == found["strong"]
    assert support.parser_names_nodes == found["names_nodes"]
    assert support.progress_monitor == found["monitor"]


def test_the_version_table_agrees_with_the_listed_surfaces() -> None:
    for entry in fake_tensorrt.versions():
        support, classes = support_of(entry["name"]), entry["classes"]
        assert support.progress_monitor == ("IProgressMonitor" in classes)
        assert support.progress_monitor == ("progress_monitor" in classes["IBuilderConfig"])


def test_every_listed_version_says_where_it_was_read():
    for entry in fake_tensorrt.versions():
        assert entry["source"]
        assert entry["wheel"] == ("wheel" in entry["source"])
