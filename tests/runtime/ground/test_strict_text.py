"""A key twice is refused with its line in every format; a message shows no value."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from places import SHARED

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.strict_text import KeyRuleError, parse_json, parse_toml, parse_yaml
from dgiqa_edge.runtime.settings.file import read_settings

REPORTED = SHARED / "faults" / "watch_dup.yaml"


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("cameras: 1\nbundle: b\ncameras: 2\n", 3, "cameras"),
        ("a:\n  b:\n    c: 1\n    d: 2\n    c: 3\n", 5, "c"),
        ("a:\n- {x: 1, x: 2}\n", 2, "x"),
        ("1: a\n'1': b\n", 2, "1"),
        ("yes: a\n'yes': b\n", 2, "yes"),
        ("base: &b {x: 1}\na:\n  <<: *b\n  y: 1\n  <<: *b\n", 5, "<<"),
        ("a: 1\n? a\n: 2\n", 2, "a"),
        ("{a: 1, b: [{c: 1,\n c: 2}]}", 2, "c"),
        ("? 'a'\n: 1\n? \"a\"\n: 2\n", 3, "a"),
    ],
)
def test_yaml_with_a_key_twice(text: str, line: int, key: str) -> None:
    with pytest.raises(KeyRuleError, match=f"^line {line}: the key '{key}' stands there twice"):
        parse_yaml(text)


@pytest.mark.parametrize("text", ["1: a\n", "yes: a\n", "true: a\nyes: b\n", "~: a\n", "[a]: b\n", "? {a: 1}\n: b\n"])
def test_yaml_with_a_key_that_is_no_text(text: str) -> None:
    with pytest.raises(KeyRuleError, match=r"^line 1: .*(in quotes|give a text)"):
        parse_yaml(text)


def test_yaml_merges_and_anchors_mean_what_they_did() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 4}\nc: {<<: [*a, *b], z: 5}\nd: {<<: *a}\ne: *b\nf: {<<: *a, y: 9}\n"
    assert parse_yaml(text) == {
        "a": {"x": 1, "y": 2},
        "b": {"y": 3, "z": 4},
        "c": {"x": 1, "y": 2, "z": 5},
        "d": {"x": 1, "y": 2},
        "e": {"y": 3, "z": 4},
        "f": {"x": 1, "y": 9},
    }


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ('{"a": 1,\n "b": 2,\n "a": 3}', 3, "a"),
        ('{"a": {"b": [{"c": 1, "c": 2}]}}', 1, "c"),
        ('[{"a": 1}, {"a": 1,\n"\\u0061": 2}]', 2, "a"),
        ('{"x": "{\\"a\\": 1, \\"a\\"", "y": "a:", "y"\n: 1}', 1, "y"),
    ],
)
def test_json_with_a_key_twice(text: str, line: int, key: str) -> None:
    with pytest.raises(KeyRuleError, match=f"^line {line}: the key '{key}' stands there twice"):
        parse_json(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=50)
@given(JSON_VALUES, st.booleans())
def test_json_without_a_key_twice_is_read_as_ever(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only)) == value


@settings(max_examples=50)
@given(st.text(), JSON_VALUES, JSON_VALUES, st.lists(st.sampled_from(["list", "mapping"]), max_size=4))
def test_json_with_any_key_twice_at_any_depth(key: str, one: object, other: object, around: list[str]) -> None:
    text = f"{{{json.dumps(key)}: {json.dumps(one)}, {json.dumps(key)}: {json.dumps(other)}}}"
    for kind in around:
        text = f"[{text}]" if kind == "list" else f'{{"around": {text}}}'
    with pytest.raises(KeyRuleError, match="stands there twice"):
        parse_json(text)


def test_toml_with_a_key_twice() -> None:
    with pytest.raises(ValueError, match="line 2"):
        parse_toml("a = 1\na = 2\n")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a": NaN}', "{", "\ufeff{}"])
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)


SECRET = "hunter2Zk9"


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        ("yaml", "password: !{0}\n"),
        ("yaml", "password: *{0}\n"),
        ("yaml", 'password: "{0}: "x\n'),
        ("yaml", "password: !!int {0}\n"),
        ("yaml", "password: '{0}\n"),
        ("yaml", "password: @{0}\n"),
        ("yaml", "password: !!timestamp {0}\n"),
        ("yaml", "password: !!binary {0}é\n"),
        ("toml", "password = {0}\n"),
        ("toml", "password = '{0}\n"),
        ("json", '{{"password": {0}}}'),
        ("json", '{{"password": "{0}}}'),
    ],
)
def test_a_message_holds_no_value(tmp_path: Path, suffix: str, text: str) -> None:
    file = tmp_path / f"watch.{suffix}"
    file.write_text(text.format(SECRET))
    with pytest.raises(
        ConfigurationError, match=f"watch.{suffix} is not {suffix.upper()}: .*(line|end of document)"
    ) as caught:
        read_settings(file)
    assert SECRET not in str(caught.value)


@pytest.mark.skipif(not REPORTED.exists(), reason="no folder ../shared")
def test_the_reported_file_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"watch_dup\.yaml, line 4: the key 'cameras' stands there twice"):
        read_settings(REPORTED)
