"""What TensorRT-RTX cannot take, asked of its parser by Polygraphy's tool, and as ``inspect`` prints it."""

import json
import re
import shutil
from importlib import metadata

import pytest
from onnx import TensorProto, helper

from dgiqa_edge.export.tensorrt import capability
from dgiqa_edge.export.tensorrt.machine import open_rtx
from dgiqa_edge.runtime.bundle.bundle import build_manifest_files, write_manifest
from dgiqa_edge.runtime.commands import inspect
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.errors import MachineError


@pytest.fixture(scope="module")
def machine():
    pytest.importorskip("tensorrt_rtx_bindings", reason="the extra tensorrt-rtx is not installed here")
    return open_rtx()


@pytest.fixture
def offered(monkeypatch):
    """The entry points of ``setup.py``, whatever is installed."""
    entry = metadata.EntryPoint("capability", f"{capability.__name__}:inspect", inspect.INSPECTIONS)
    monkeypatch.setattr(inspect.metadata, "entry_points", lambda group: [entry])


def chain(*operators):
    """One node after the other, named after their places."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4, 4]) for name in ("x0", f"x{len(operators)}")
    ]
    nodes = [
        helper.make_node(operator, [f"x{place}"], [f"x{place + 1}"], name=f"/network/{place}/{operator}")
        for place, operator in enumerate(operators)
    ]
    return helper.make_model(
        helper.make_graph(nodes, "chain", values[:1], values[1:]), opset_imports=[helper.make_opsetid("", 17)]
    )


def test_a_graph_that_it_takes(machine):
    found = capability.capability_of(chain("Relu", "Sqrt"), machine)
    assert found.supported
    assert found.lines() == [f"TensorRT-RTX {machine.version} takes every node"]


def test_nodes_that_it_cannot_take_are_named_with_a_remedy(machine):
    found = capability.capability_of(chain("Relu", "Unheard", "Unheard", "Relu"), machine)
    assert not found.supported
    headline, *problems = found.lines()
    assert headline == f"TensorRT-RTX {machine.version} cannot take 2 nodes"
    assert "/network/1/Unheard" in problems[0]
    assert "write it with others" in problems[0]


def test_inspect_prints_it(machine, offered, bundle_dir, capsys):
    assert main(["inspect", "--bundle", str(bundle_dir), "--capability"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("fused capability")]
    assert len(rows) == 1
    assert f"TensorRT-RTX {machine.version}" in rows[0]
    assert main(["inspect", "--bundle", str(bundle_dir), "--capability", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["capability"]["fused"]) >= {"supported", "problems", "known"}


def test_a_tool_that_fails_is_told(machine, monkeypatch):
    monkeypatch.setattr(capability, "__name__", "dgiqa_edge.no_such_module")
    with pytest.raises(MachineError, match=r"capability tool failed: .*no_such_module.*\[debug\]"):
        capability.capability_of(chain("Relu"), machine)


def test_without_the_package_it_is_named(offered, bundle_dir, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorrt_rtx_bindings", None)
    assert main(["inspect", "--bundle", str(bundle_dir), "--capability"]) == 4
    assert "[tensorrt-rtx]" in capsys.readouterr().err


def test_an_installation_without_the_export_room_says_so(bundle_dir, capsys, monkeypatch):
    monkeypatch.setattr(inspect.metadata, "entry_points", lambda group: [])
    assert main(["inspect", "--bundle", str(bundle_dir), "--capability"]) == 4
    assert re.search(r"nothing .* offers --capability: .*\[debug\]", capsys.readouterr().err)


def test_a_graph_that_is_none_is_told(machine, offered, bundle_dir, tmp_path, capsys):
    folder = shutil.copytree(bundle_dir, tmp_path / "bundle")
    (folder / "frame_graph.onnx").write_bytes(b"no graph" * 99)
    document = json.loads((folder / "bundle.json").read_text())
    write_manifest(folder, {**document, "files": build_manifest_files(folder)})
    assert main(["inspect", "--bundle", str(folder), "--capability"]) == 3
    assert "frame_graph.onnx is no ONNX graph" in capsys.readouterr().err
