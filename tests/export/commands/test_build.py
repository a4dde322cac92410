"""How ``dgiqa-edge build`` ends: its table, its sentence, the next command, what it keeps in mind. No build is run."""

import json
from pathlib import Path

import pytest

from dgiqa_edge.export.commands import build
from dgiqa_edge.export.stages.outcome import BuildResult, Row
from dgiqa_edge.runtime.commands import cli

ROWS = (Row("fp32", 22 << 20, p50_ms=19.0), Row("int8", 10 << 20, 0.0061, p50_ms=10.0))


@pytest.fixture
def built(bundle_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle that the build is said to have made."""
    result = BuildResult(bundle_dir, ROWS, "a caption", (), None)
    monkeypatch.setattr(build, "_from_checkpoints", lambda args: result)
    return bundle_dir


def test_it_ends_with_a_sentence_and_a_command_that_runs(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build"]) == 0
    *_, sentence, also = capsys.readouterr().out.splitlines()
    said, _, command = sentence.partition(" Next: ")
    assert said == "INT8: 2.2 times smaller, 1.9 times faster, error 0.006: ready."
    assert command == f"dgiqa-edge score {built} photos/"
    assert f"dgiqa-edge bench latency {built};" in also
    assert cli.main(["inspect"]) == 0
    assert capsys.readouterr().err == f"bundle: {built} (the last one built)\n"


def test_what_is_for_a_device_is_built_there_and_not_taken_here(
    built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["build", "--rungs", "int8,fp32", "--backend", "tensorrt", "--no-engine"]) == 0
    assert capsys.readouterr().out.endswith(f"Next, on the device: dgiqa-edge build --from {built}\n")
    assert cli.main(["inspect"]) == 2


def test_json_on_standard_output_stands_alone(built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["build", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["bundle"] == str(built)
    assert err == ""
