"""One exit code per fault, whichever bench meets it: 2 usage, 3 bad input, 4 the machine."""

import argparse
import importlib
import json

import numpy as np
import pytest

from dgiqa_edge.benchmarks.commands import bench
from dgiqa_edge.benchmarks.report.document import write_report
from dgiqa_edge.runtime.commands import cli
from dgiqa_edge.runtime.commands.cli import actions_of, command_modules

MEASURING = ("latency", "throughput", "accuracy", "soak", "peers", "native", "selfcheck")
READING = ("compare", "table", "report")
SHORTEST = {
    "latency": ["--duration", "0.1", "--driver", "loop"],
    "throughput": ["--duration", "0.1"],
    "accuracy": ["--no-baselines", "--degradations", "none"],
    "soak": ["--minutes", "0.01"],
    "peers": [],
    "native": ["--starts", "1"],
    "selfcheck": ["--runs", "1", "--duration", "5"],
}


@pytest.fixture
def given(bundle_dir, rated, tmp_path):
    """Arguments of each kind that would do, and paths to put something wrong in."""
    photos, table = rated

    def arguments(kind, bundle=bundle_dir, photos=photos, mos=table, out=tmp_path / "out.json"):
        if kind in READING:
            return [kind, *map(str, [bundle] * (2 if kind == "compare" else 1)), "--json", str(out)]
        inputs = {
            "accuracy": ["--photos", str(photos), "--mos", str(mos)],
            "native": ["--photo", str(photos)],
        }.get(kind, ["--photos", str(photos)])
        return [kind, "--bundle", str(bundle), *inputs, *SHORTEST[kind], "--json", str(out)]

    return arguments


def run(arguments, capsys):
    code = cli.main(["bench", *arguments])
    captured = capsys.readouterr()
    return code, captured.err


def damaged(folder, bundle_dir):
    file = folder / "damaged"
    file.mkdir()
    (file / "bundle.json").write_text((bundle_dir / "bundle.json").read_text()[:200])
    return file


@pytest.mark.parametrize("fault", ["missing", "damaged", "a file", "empty folder"])
@pytest.mark.parametrize("kind", MEASURING)
def test_a_bad_bundle_is_bad_input(kind, fault, given, bundle_dir, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("dgiqa_edge.benchmarks.native.comparison.find_tool", lambda tool: tmp_path)
    path = tmp_path / "bundle"
    if fault == "damaged":
        path = damaged(tmp_path, bundle_dir)
    elif fault == "a file":
        path.write_text("x")
    elif fault == "empty folder":
        path.mkdir()
    code, words = run(given(kind, bundle=path), capsys)
    assert (code, len(words.splitlines())) == (3, 1), words


@pytest.mark.parametrize("fault", ["missing", "no photo", "unreadable"])
@pytest.mark.parametrize("kind", [kind for kind in MEASURING if kind != "native"])
def test_photos_that_are_not_there_are_bad_input(kind, fault, given, tmp_path, capsys):
    folder, table = tmp_path / "none", tmp_path / "mos.csv"
    table.write_text("file,mos\n0.png,0.2\n1.png,0.4\n")
    if fault != "missing":
        folder.mkdir()
    if fault == "unreadable":
        for name in ("0.png", "1.png"):
            (folder / name).write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    code, words = run(given(kind, photos=folder, mos=table), capsys)
    assert code == 3, words
    assert "internal error" not in words


def test_a_photo_of_bench_native_that_is_not_there_is_bad_input(given, tmp_path, capsys, monkeypatch):
    from dgiqa_edge.benchmarks.native import comparison as native_comparison

    monkeypatch.setattr(native_comparison, "native", lambda tool: native_comparison.Candidate("C++", 1.0, print))
    monkeypatch.setattr(native_comparison, "find_tool", lambda tool: tmp_path)
    code, words = run(given("native", photos=tmp_path / "none.jpg"), capsys)
    assert (code, len(words.splitlines())) == (3, 1), words


@pytest.mark.parametrize("fault", ["missing", "not json", "another document", "newer", "wrong schema", "a folder"])
@pytest.mark.parametrize("kind", READING)
def test_a_bad_report_is_bad_input(kind, fault, given, make_report, tmp_path, capsys):
    path = tmp_path / "report.json"
    report = make_report(np.full(100, 5.0))
    content = {
        "not json": "{",
        "another document": json.dumps({"kind": "x"}),
        "newer": json.dumps({**report, "schema_version": 99}),
        "wrong schema": json.dumps({**report, "latency": 3}),
    }
    if fault == "a folder":
        path.mkdir()
    elif fault in content:
        path.write_text(content[fault])
    arguments = given(kind, bundle=path) if kind != "table" else [kind, str(path)]
    code, words = run(arguments, capsys)
    assert (code, len(words.splitlines())) == (3, 1), words


@pytest.mark.parametrize(
    "content", ["", "file,mos\n", "photo,score\na,1\n", "file,mos\n0.png,x\n", "file,mos\n0.png,1,2\n"]
)
def test_a_bad_table_of_ratings_is_bad_input(content, given, tmp_path, capsys):
    table = tmp_path / "bad.csv"
    table.write_text(content)
    code, words = run(given("accuracy", mos=table), capsys)
    assert (code, len(words.splitlines())) == (3, 1), words


def test_a_bad_accuracy_document_is_bad_input(given, make_report, tmp_path, capsys):
    report, other = tmp_path / "report.json", tmp_path / "other.json"
    write_report(report, make_report(np.full(100, 5.0)))
    other.write_text("{}")
    for arguments in (given("latency"), given("report", bundle=report)):
        for path in (other, tmp_path / "none.json"):
            code, words = run([*arguments, "--accuracy", str(path)], capsys)
            assert (code, len(words.splitlines())) == (3, 1), words


@pytest.mark.parametrize("kind", [*MEASURING, "compare", "report"])
def test_an_output_that_cannot_be_written_is_the_machines(kind, given, tmp_path, capsys):
    blocker = tmp_path / "blocker"
    blocker.write_text("a file where a folder would have to be")
    code, words = run(given(kind, out=blocker / "out.json"), capsys)
    assert (code, len(words.splitlines())) == (4, 1), words


def valued_options():
    """Every option of every command that takes a value, with its command's words."""

    def walk(parser, words):
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, below in action.choices.items():
                    yield from walk(below, [*words, name])
            elif action.nargs != 0 and action.option_strings:
                yield [*words, action.option_strings[-1]]

    for name, path in command_modules().items():
        module = importlib.import_module(path)
        for word, command in {"": module, **actions_of(module)}.items():
            parser = argparse.ArgumentParser()
            command.configure(parser)
            yield from walk(parser, [name, *filter(None, [word])])


def test_a_blank_value_of_any_option_is_wrong_usage(capsys, monkeypatch):
    """What an unset variable of a script leaves: ``--fail-on ""`` turned the gate off."""
    options, modules = list(valued_options()), command_modules()
    monkeypatch.setattr(cli, "command_modules", lambda: modules)  # looks through all packages
    assert len(options) > 80
    for *words, option in options:
        for arguments in ([option, ""], [option, " , "], [f"{option}="]):
            code = cli.main([*words, *arguments])
            assert code == 2, (words, arguments)
            assert capsys.readouterr().err == (
                f"dgiqa-edge: error: {option} is empty (an unset variable?): give it a value, or leave it out "
                "# docs/troubleshooting.md#configurationerror\n"
            )


def test_every_kind_is_in_these_tables():
    assert {*MEASURING, *READING} == set(bench.KINDS)
