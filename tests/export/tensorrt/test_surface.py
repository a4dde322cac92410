"""Whether the lists that the fake is made of are the real package's, where a wheel of that version can be imported.

``TENSORRT_PYTHON`` names an interpreter that has one (a separate environment); without it this one is asked. Importing
TensorRT needs no GPU; nothing here creates an object of it.
"""

import importlib.util
import json
import os
import subprocess
import sys

import pytest
from stand_ins import fake_tensorrt

PROBE = """
import json, sys, tensorrt as trt
surface = json.loads(sys.argv[1])
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


@pytest.fixture(scope="module")
def interpreter():
    named = os.environ.get("TENSORRT_PYTHON")
    if not named and importlib.util.find_spec("tensorrt") is None:
        pytest.skip("no tensorrt package here, and TENSORRT_PYTHON names no interpreter that has one")
    return named or sys.executable


def ask(interpreter, surface):
    finished = subprocess.run(
        [interpreter, "-c", PROBE, json.dumps(surface)], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr[-500:]
    return json.loads(finished.stdout.splitlines()[-1])


def test_the_listed_surface_is_the_installed_packages(interpreter):
    installed = ask(interpreter, {})["version"]
    listed = {entry["name"]: entry for entry in fake_tensorrt.versions()}
    entry = listed.get(installed) or next(
        (entry for name, entry in listed.items() if name.split(".")[:2] == installed.split(".")[:2]), None
    )
    if entry is None:
        pytest.skip(f"TensorRT {installed} is not among the listed versions")
    found = ask(interpreter, {"enums": entry["enums"], "classes": entry["classes"]})
    assert found["missing"] == []


def test_the_version_table_agrees_with_the_installed_package(interpreter):
    from dgiqa_edge.runtime.engines.tensorrt.versions import support_of

    found = ask(interpreter, {})
    support = support_of(found["version"])
    assert support.has_precision_flags == ("FP16" not in found["absent"])
    assert support.version_compatible == ("VERSION_COMPATIBLE" not in found["absent"])
    assert support.optimization_level == found["level"]
    assert (support.typing != "weak") == found["strong"]
    assert support.parser_names_nodes == found["names_nodes"]
    assert support.progress_monitor == found["monitor"]


def test_the_version_table_agrees_with_the_listed_surfaces():
    from dgiqa_edge.runtime.engines.tensorrt.versions import support_of

    for entry in fake_tensorrt.versions():
        support, classes = support_of(entry["name"]), entry["classes"]
        assert support.progress_monitor == ("IProgressMonitor" in classes)
        assert support.progress_monitor == ("progress_monitor" in classes["IBuilderConfig"])


def test_every_listed_version_says_where_it_was_read():
    for entry in fake_tensorrt.versions():
        assert entry["source"]
        assert entry["wheel"] == ("wheel" in entry["source"])
