"""``watch reference``: all settings, some of them, or the schema that ships."""

import json

import pytest
from places import ROOT

from dgiqa_edge.runtime.commands.cli import main


def test_one_setting_in_two_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "reference", "gate.frozen.after_s"]) == 0
    assert "  gate.frozen.after_s: number, default 5, 0 to 86400\n      seconds of that;" in capsys.readouterr().out


def test_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "reference"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  bundle: path, required" in lines
    assert sum(line.startswith("  ") and not line.startswith("   ") and ": " in line for line in lines) > 150
    assert max(map(len, lines)) < 220


def test_the_schema_is_the_one_that_ships(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "reference", "--schema"]) == 0
    shipped = (ROOT / "runtime" / "schemas" / "watch.schema.json").read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(shipped)


@pytest.mark.parametrize(
    ("arguments", "problem"), [(["no_such"], "there is no setting"), (["gate", "--schema"], "of the whole file")]
)
def test_what_it_refuses(arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "reference", *arguments]) == 2
    assert problem in capsys.readouterr().err
