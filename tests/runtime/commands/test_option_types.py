"""Options of every command: numbers with bounds, outputs that are tried before the work, no bare int, float or Path."""

import argparse
import ast
import importlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from places import ROOT

from dgiqa_edge.runtime.commands import option_types
from dgiqa_edge.runtime.commands.cli import actions_of, command_modules
from dgiqa_edge.runtime.commands.json_output import add_json_option, json_output
from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.ground.limits import MOST_COUNT, MOST_SECONDS

ROOMS = ("runtime", "calibration", "export", "benchmarks", "training")
BARE = {"int", "float", "Path", "complex"}
TRIED = (option_types.output_file, option_types.output_folder, option_types.output_place, json_output)
ODD_NUMBERS = ["nan", "inf", "-inf", "-1", "0", "1e308", "1e999", "9" * 30, "9" * 5000, "", " ", "x", "0x10", "1_0"]


def calls_of_add_argument(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            if name in ("add_argument", "add"):
                yield node


def test_no_option_in_the_tree_has_a_bare_type() -> None:
    offenders, seen = [], 0
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for call in calls_of_add_argument(path):
                seen += 1
                offenders += [
                    f"{path.relative_to(ROOT)}:{call.lineno}"
                    for keyword in call.keywords
                    if keyword.arg == "type" and isinstance(keyword.value, ast.Name) and keyword.value.id in BARE
                ]
    assert seen > 100
    assert not offenders, "take the type from runtime/commands/option_types.py"


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def every_typed_option() -> Iterator[tuple[str, argparse.Action]]:
    pytest.importorskip("jinja2", reason="Jinja2, which options of bench ask for, is not installed: extra bench")
    for name, path in command_modules().items():
        module = importlib.import_module(path)
        for command in (module, *actions_of(module).values()):
            parser = argparse.ArgumentParser(prog=name)
            command.configure(parser)
            for one in parsers(parser):
                yield from ((f"{one.prog} {action.dest}", action) for action in one._actions if action.type is not None)
    from dgiqa_edge.training.__main__ import _parser

    for one in parsers(_parser()):
        yield from ((f"{one.prog} {action.dest}", action) for action in one._actions if action.type is not None)


def test_every_option_takes_or_refuses_every_odd_number() -> None:
    """A value is refused as wrong usage, or is a finite number within the bounds that the whole project has."""
    numbers = 0
    for name, action in every_typed_option():
        if action.type in (*TRIED, option_types.input_path):
            continue
        for text in ODD_NUMBERS:
            try:
                value = action.type(text)  # type: ignore[operator,misc]
            except (argparse.ArgumentTypeError, ConfigurationError):
                continue
            if isinstance(value, int | float):
                numbers += 1
                assert math.isfinite(value), (name, text)
                assert abs(value) <= max(MOST_COUNT, MOST_SECONDS), (name, text)
    assert numbers > 20


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (option_types.whole(1, 5), {"1": 1, "5": 5}, ["0", "6", "1.5", "nan", ""]),
        (option_types.number(0.0, 1.0), {"0": 0.0, "1e0": 1.0}, ["-0.1", "1.1", "nan", "inf"]),
        (option_types.number(0.0, 1.0, above=True), {"0.5": 0.5}, ["0", "-0.0", "nan"]),
        (option_types.threads, {"1": 1, "256": 256}, ["0", "257", "100000"]),
        (option_types.seconds, {"0.1": 0.1, "500ms": 0.5, "5m": 300.0}, ["0", "nan", "inf", "1e308", "1e9h", "5 x"]),
        (option_types.duration("min", high=90), {"30": 30.0, "30s": 0.5, "1h": 60.0}, ["-1s", "2h"]),
        (option_types.duration("ms", bare=False), {"0.5s": 500.0}, ["500", "ms", ""]),
        (option_types.memory(1, 4096), {"512": 512, "512MiB": 512, "2GiB": 2048}, ["0", "8G", "2GB", "0.5", "inf", ""]),
    ],
)
def test_bounds(parse, good, bad) -> None:  # type: ignore[no-untyped-def]
    assert {text: parse(text) for text in good} == good
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError):
            parse(text)


def make_loop(path: Path) -> Path:
    path.symlink_to(path.name)
    return path / "out.json"


def make_file(path: Path) -> Path:
    path.write_text("x")
    return path / "out.json"


OUTPUTS = {
    "a folder": lambda tmp: tmp,
    "below a file": lambda tmp: make_file(tmp / "file"),
    "below a loop of links": lambda tmp: make_loop(tmp / "loop"),
    "a name too long": lambda tmp: tmp / ("x" * 300),
    "where nothing can be made": lambda tmp: Path("/proc/none/out.json"),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_an_output_that_cannot_be_written_is_found_before_the_work(kind: str, tmp_path: Path) -> None:
    path = OUTPUTS[kind](tmp_path)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(MachineError, match="cannot write"):
        option_types.output_file(str(path))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", [kind for kind in OUTPUTS if kind != "a folder"])
def test_a_folder_that_cannot_be_written_is_found_before_the_work(kind: str, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot write"):
        option_types.output_folder(str(OUTPUTS[kind](tmp_path)))


def test_a_place_is_a_folder_here_or_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert option_types.output_place("s3://bucket/scores") == "s3://bucket/scores"
    assert option_types.output_place("scores") == str(tmp_path / "scores")
    (tmp_path / "file").touch()
    with pytest.raises(MachineError, match="cannot write"):
        option_types.output_place("file")


@pytest.mark.parametrize("name", ["new.json", "a/b/new.json", "old.json", os.devnull, "/dev/stdout", "-x"])
def test_what_can_be_written_is_taken_and_nothing_is_left(name: str, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    assert option_types.output_file(str(tmp_path / name)) == tmp_path / name
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "refused"),
    [
        (["in.json", "--json", "out.json"], False),
        (["in.json", "--json", "in.json"], True),
        (["in.json", "--json", "sub/../in.json"], True),
        (["in.json", "--json", "link.json"], True),
        (["in.json", "--json", "same.out", "--html", "same.out"], True),
        (["in.json", "--json", "/dev/null", "--html", "/dev/null"], False),
    ],
)
def test_no_output_takes_the_place_of_an_input_or_of_another_output(
    arguments: list[str], refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    (tmp_path / "in.json").write_text("{}")
    (tmp_path / "link.json").symlink_to("in.json")
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=option_types.input_path)
    add_json_option(parser, "all of it")
    parser.add_argument("--html", type=option_types.output_file)
    if refused:
        with pytest.raises(ConfigurationError, match="would overwrite"):
            option_types.parse(parser, arguments)
    else:
        assert option_types.parse(parser, arguments).report == Path("in.json")


OUTPUTS_BY_NAME = {"out", "plot", "markdown", "html", "scores", "against_json", "depth_out", "work", "destination"}


def test_every_output_of_every_command_is_tried_before_the_work() -> None:
    seen, offenders = 0, []
    for name, action in every_typed_option():
        writes = action.dest in OUTPUTS_BY_NAME or (action.dest == "json" and action.nargs != 0)
        writes = writes or (action.dest == "weights" and "write" in (action.help or ""))
        seen += writes
        if writes and action.type not in TRIED:
            offenders.append(name)
    assert seen > 25
    assert not offenders
