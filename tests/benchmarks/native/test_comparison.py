"""`bench native`: real Python processes; the native side is the built tool where there is one, else a stand-in."""

import json
import stat
from dataclasses import replace

import pytest

from dgiqa_edge.benchmarks.native import comparison as native_comparison
from dgiqa_edge.benchmarks.native.comparison import find_tool, native, python
from dgiqa_edge.runtime.commands.cli import main
from dgiqa_edge.runtime.engines.onnxruntime import BACKEND
from dgiqa_edge.runtime.errors import MachineError

FIGURES = {
    "library": {"backends": ["tensorrt", "onnxruntime"]},
    "startup": {"first_verdict_ms": 70.0},
    "latency_ms": {"total": {"p50": 1.5}},
    "peak_rss_mib": 40.0,
}


@pytest.fixture
def tool(tmp_path):
    """Stands in for dgiqa-edge-native: keeps its arguments, prints figures of its form."""
    file = tmp_path / "dgiqa-edge-native"
    file.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/calls\necho '{json.dumps(FIGURES)}'\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_all_runtimes_take_turns_on_one_frame(bundle_dir, tool, tmp_path, capsys):
    out = tmp_path / "native.json"
    counts = ["--frames", "3", "--warmup", "1", "--starts", "2", "--threads", "1"]
    assert main(["bench", "native", "--bundle", str(bundle_dir), "--tool", str(tool), *counts, "--json", str(out)]) == 0
    document = json.loads(out.read_text())
    assert document["rows"]["native, onnxruntime"]["p50_ms"] == 1.5
    ours = document["rows"]["Python, onnxruntime"]
    assert ours["first_verdict_ms"] > ours["p50_ms"] > 0
    assert ours["peak_rss_mib"] > 30
    assert ours["installed_mib"] > 50
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "info --json"
    assert len(calls) == 3
    assert calls[1].endswith("--backend onnxruntime --frames 3 --warmup 1")
    assert "first verdict ms" in capsys.readouterr().out


def test_a_missing_tool_says_how_to_build_it(tmp_path):
    with pytest.raises(MachineError, match="make native"):
        find_tool(tmp_path / "none")


def test_a_failing_process_is_an_error_with_its_words(tool, tmp_path):
    candidate = native(tool)
    tool.write_text("#!/bin/sh\necho 'error: no such bundle' >&2\nexit 3\n")
    load = native_comparison.Load(tmp_path, tmp_path / "x.png", 1, 1, 0)
    with pytest.raises(MachineError, match="ended with 3: error: no such bundle"):
        candidate.run(load)


def test_builds_that_cannot_be_told_apart_or_run_nothing(bundle_dir, tool, capsys):
    twice = ["--tool", str(tool), "--tool", str(tool)]
    assert main(["bench", "native", "--bundle", str(bundle_dir), *twice]) == 2
    assert "same backend" in capsys.readouterr().err
    tool.write_text("""#!/bin/sh\necho '{"library": {"backends": ["tensorrt"]}}'\n""")
    with pytest.raises(MachineError, match="without a CPU backend"):
        native(tool)


def test_a_backend_that_is_not_installed_is_not_measured():
    assert python(replace(BACKEND, packages=("absent-backend",))) == "absent-backend is not installed"
