"""``--json [FILE]``: what it takes for its file, and what stands on standard output."""

import argparse
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.commands.json_output import JsonOutput, add_json_option, alone_on_stdout, with_its_file
from dgiqa_edge.runtime.errors import MachineError


@pytest.mark.parametrize(
    ("given_", "taken"),
    [
        ("photos --json", "photos --json=-"),
        ("--json photos", "--json=- photos"),
        ("--json video.mp4 --fps 3", "--json=- video.mp4 --fps 3"),
        ("--json --fps 3", "--json=- --fps 3"),
        ("--json - photos", "--json=- photos"),
        ("--json out.json photos", "--json=out.json photos"),
        ("--json a/OUT.JSONL photos", "--json=a/OUT.JSONL photos"),
        ("--json /dev/stdout photos", "--json=/dev/stdout photos"),
        ("--json=report.txt photos", "--json=report.txt photos"),
        ("-- --json out.json", "-- --json out.json"),
        ("--json -- out.json", "--json=- -- out.json"),
        ("a b", "a b"),
    ],
)
def test_what_follows_is_the_file_only_if_its_name_says_so(given_, taken):
    assert with_its_file(given_.split()) == taken.split()


@pytest.mark.parametrize("blank", ["", " ", " , "])
def test_a_blank_file_is_left_to_be_refused(blank):
    assert with_its_file(["--json", blank]) == ["--json", blank]


@given(st.lists(st.sampled_from(["--json", "--json=x", "a.json", "photo", "-", "--", "--fps", ""])))
def test_nothing_else_is_changed_and_a_second_time_nothing_is(arguments):
    once = with_its_file(arguments)
    assert with_its_file(once) == once
    assert [it for it in once if not it.startswith("--json")] == [
        it for index, it in enumerate(arguments) if not it.startswith("--json") and not taken(arguments, index)
    ]


def taken(arguments, index):
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return 0 < index < end and arguments[index - 1] == "--json" and arguments[index] in ("a.json", "-")


def parsed(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", nargs="*")
    add_json_option(parser, "all")
    return parser.parse_args(with_its_file(arguments))


def test_without_the_option_there_is_no_output():
    assert parsed(["photo"]).json is None


def test_on_standard_output_stands_nothing_else(capsys):
    args = parsed(["--json", "photo"])
    assert args.photos == ["photo"]
    with alone_on_stdout(args):
        print("a table for people")
        args.json.write({"score": math.nan, "all": [1.0, math.inf]})
        with args.json.lines() as write:
            write({"frame": 0})
            write({"frame": 1})
    print("afterwards")
    assert capsys.readouterr().out == (
        '{\n "score": null,\n "all": [\n  1.0,\n  null\n ]\n}\n{"frame": 0}\n{"frame": 1}\nafterwards\n'
    )


def test_beside_a_file_people_have_their_table(capsys, tmp_path):
    file = tmp_path / "new" / "out.json"
    args = parsed(["--json", str(file)])
    with alone_on_stdout(args):
        print("a table for people")
        args.json.write({"score": 1})
    assert capsys.readouterr().out == "a table for people\n"
    assert json.loads(file.read_text()) == {"score": 1}


def test_a_file_of_lines_appears_whole_or_not_at_all(tmp_path):
    file = tmp_path / "out.jsonl"
    with pytest.raises(ValueError, match="halfway"), JsonOutput(str(file)).lines() as write:
        write({"frame": 0})
        raise ValueError("halfway")
    assert not list(tmp_path.iterdir())
    with JsonOutput(str(file)).lines() as write:
        write({"frame": 0})
        assert not file.exists()
    assert file.read_text() == '{"frame": 0}\n'


def test_a_file_that_cannot_be_written_is_found_before_the_work(tmp_path):
    with pytest.raises(MachineError, match="cannot write"):
        parsed([f"--json={tmp_path}"])
