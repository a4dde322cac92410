"""What a listener hears of a section is what the section is asked."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.settings.listening import SIZE, Setting, listening
from dgiqa_edge.runtime.settings.section import Section, size_option


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (lambda it: it.number("k", 0.5, 0.0, 1.0), Setting("s.k", "number", 0.5, low=0.0, high=1.0)),
        (lambda it: it.optional_number("k", None, 0.0), Setting("s.k", "number", low=0.0)),
        (lambda it: it.integer("k", 3, low=1), Setting("s.k", "whole number", 3, low=1)),
        (lambda it: it.optional_integer("k", 1, 9), Setting("s.k", "whole number", low=1, high=9)),
        (lambda it: it.flag("k", False), Setting("s.k", "true, false", False)),
        (lambda it: it.text("k", "word"), Setting("s.k", "text", "word")),
        (lambda it: it.optional_text("k"), Setting("s.k", "text")),
        (lambda it: it.optional_path("k", Path()), Setting("s.k", "path")),
        (lambda it: it.choice("k", "a", ("a", "b")), Setting("s.k", "one of", "a", choices=("a", "b"))),
        (lambda it: it.optional_choice("k", ("a", "b")), Setting("s.k", "one of", choices=("a", "b"))),
        (lambda it: it.texts("k", ("a",), ("a", "b")), Setting("s.k", "list of texts", ["a"], choices=("a", "b"))),
        (lambda it: it.section("k"), Setting("s.k", "section")),
        (lambda it: it.sections("k"), Setting("s.k", "list of sections")),
        (size_option, Setting("s.size", SIZE)),
    ],
)
def test_each_reader_is_heard_once_with_its_rules(read: Callable[[Section], Any], expected: Setting) -> None:
    with listening() as heard:
        read(Section({}, "s"))
    assert heard == {expected.path: expected}


@pytest.mark.parametrize(
    "read", [Section.text, lambda it, key: it.file_path(key, Path()), lambda it, key: it.choice(key, "", ("a",))]
)
def test_what_must_be_there_is_heard_as_such_even_where_it_is_not(read: Callable[[Section, str], Any]) -> None:
    with listening() as heard, pytest.raises(ConfigurationError):
        read(Section({}, "s"), "k")
    assert heard["s.k"].required


def test_a_list_of_sections_has_one_path() -> None:
    with listening() as heard:
        for section in Section({"k": [{}, {}]}, "s").sections("k"):
            section.flag("f", True)
    assert list(heard) == ["s.k", "s.k[].f"]


def test_nothing_is_heard_outside_and_an_error_ends_it() -> None:
    with pytest.raises(ConfigurationError), listening() as heard:
        Section({"k": "x"}, "").number("k", 1.0)
    Section({}, "").number("other", 1.0)
    assert list(heard) == ["k"]
    assert heard["k"].low == -math.inf
