"""Each benchmark that is run as a module has help, which names that very module, and keeps what it found."""

import importlib
import json
from pathlib import Path

import pytest
from places import ROOT

from dgiqa_edge.benchmarks.program import keep, program, table

PROGRAMS = {
    str(path.relative_to(ROOT / "benchmarks").with_suffix("")).replace("/", ".")
    for path in (ROOT / "benchmarks").rglob("*.py")
    if "guarded(main" in path.read_text(encoding="utf-8")
}


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_its_help_names_the_command_that_it_is(name, capsys):
    module = importlib.import_module(f"dgiqa_edge.benchmarks.{name}")
    with pytest.raises(SystemExit) as ended:
        module.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.split()[1:4] == ["python", "-m", f"dgiqa_edge.benchmarks.{name.removesuffix('.__main__')}"]
    assert module.__doc__ in shown


def test_a_table_is_markdown():
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


@pytest.mark.parametrize(("bundle", "given"), [(True, ["--bundle", "made"]), (False, []), (None, [])])
def test_a_bundle_is_asked_for_where_it_is_needed(bundle, given, capsys):
    parser = program("cameras.one", "What it does.", bundle)
    args = parser.parse_args(given)
    assert getattr(args, "bundle", None) == (Path("made") if bundle else None)
    if bundle:
        with pytest.raises(SystemExit):
            parser.parse_args([])


def test_figures_are_kept_where_asked(tmp_path):
    keep(None, {"figure": 1.5})
    keep(tmp_path / "figures.json", {"figure": 1.5})
    assert [json.loads(file.read_text()) for file in tmp_path.iterdir()] == [{"figure": 1.5}]
