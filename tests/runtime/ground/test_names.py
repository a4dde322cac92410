"""How names are shown: in one line for people, as JSON that every parser takes."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.ground.names import file_name, json_text, shown, valid

NOT_UTF8 = os.fsdecode(b"caf\xe9.jpg")


@pytest.mark.parametrize(
    ("name", "expected_shown", "expected_valid"),
    [
        ("photo 1.jpg", "photo 1.jpg", "photo 1.jpg"),
        ("zdjęcie 写真 📷.png", "zdjęcie 写真 📷.png", "zdjęcie 写真 📷.png"),
        (NOT_UTF8, r"caf\xe9.jpg", r"caf\xe9.jpg"),
        ("two\nlines\t\x1b[31m\x7f", r"two\nlines\t\x1b[31m\x7f", "two\nlines\t\x1b[31m\x7f"),
        ("gpj.\u202ephoto\u2028", r"gpj.\u202ephoto\u2028", "gpj.\u202ephoto\u2028"),
        ("half \ud83d", r"half \ud83d", r"half \ud83d"),
    ],
)
def test_a_name_is_shown_in_one_line_and_always_encodes(name: str, expected_shown: str, expected_valid: str) -> None:
    assert shown(name) == expected_shown
    assert valid(name) == expected_valid


@pytest.mark.parametrize("text", [NOT_UTF8, "half \ud83d of a pair", r"a backslash \udce9 typed", "📷 写真", "a\nb"])
def test_json_holds_no_half_pairs(text: str) -> None:
    written = json_text({"image": text, "count": 1})
    assert json.loads(written) == {"image": valid(text), "count": 1}
    json.loads(written)["image"].encode()


@given(st.binary(max_size=40))
def test_any_bytes_are_shown(content: bytes) -> None:
    name = os.fsdecode(content)
    shown(name).encode()
    assert shown(name).isprintable()
    assert json.loads(json_text(name)) == valid(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [("front-1_a", "front-1_a"), ("../../etc", "%2E%2E%2F%2E%2E%2Fetc"), ("", "%"), ("a b", "a%20b"), ("Tür", "Tür")],
)
def test_a_name_is_one_harmless_part_of_a_path(text, name):
    assert file_name(text) == name
