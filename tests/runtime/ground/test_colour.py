"""Colours where people see them, and nowhere else."""

import io

import pytest

from dgiqa_edge.runtime.ground.colour import coloured


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
