"""Colours where people see them, and nowhere else; columns that stand below each other."""

import io

import pytest

from dgiqa_edge.runtime.ground.terminal import aligned, coloured


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "colour", "shown"),
    [
        (Terminal(), {}, "red", "\x1b[31merror\x1b[0m"),
        (Terminal(), {"NO_COLOR": ""}, "red", "\x1b[31merror\x1b[0m"),  # no-color.org: "when present and not empty"
        (Terminal(), {"NO_COLOR": "1"}, "red", "error"),
        (Terminal(), {"TERM": "dumb"}, "red", "error"),
        (Terminal(), {}, "", "error"),
        (io.StringIO(), {}, "red", "error"),
    ],
)
def test_where_there_is_colour(stream, environment, colour, shown, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert coloured("error", colour, stream) == shown


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({}, ["camera  state  n", "a        live  9"]),
        ({"left": 2}, ["camera  state  n", "a       live   9"]),
        ({"words": True}, ["camera  state  n", "a        live  9"]),
    ],
)
def test_columns(options, lines):
    assert aligned([("camera", "state", "n"), ("a", "live", "9")], **options) == lines


def test_a_column_of_words_has_no_width_and_no_line_ends_in_spaces():
    assert aligned([("a", "b"), ("1", "why, at length"), ("10", "")], words=True) == [
        "a   b",
        "1   why, at length",
        "10",
    ]
