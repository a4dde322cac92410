"""TOML, YAML and JSON text as plain values, read strictly: a key that stands twice in one mapping is refused, with its
line, in all three. The project's one way to read what a file says; what its keys mean is the caller's to check.

No message holds a value of the text: it may be a password.
"""

import json
import re
import sys
from typing import Any, NoReturn

if sys.version_info < (3, 11):
    import tomli as toml
else:
    import tomllib as toml

from .error_text import one_line

_LONGEST_KEY = 60
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]')
_VALUE_FOLLOWS = re.compile(r"\s*:")


class KeyRuleError(ValueError):
    """The text is of its format, but a mapping has a key twice, or (YAML) one that is no text."""


def parse_toml(text: str) -> dict[str, Any]:
    """TOML 1.0.

    Raises:
        ValueError: it is not TOML, or gives a key twice; names the line.
    """
    try:
        return toml.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def parse_json(text: str) -> Any:
    """JSON as RFC 8259 has it: no NaN or Infinity.

    Raises:
        KeyRuleError: a key stands twice.
        ValueError: it is not JSON; names the line.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except _TwiceError:
        raise _json_twice(text) from None


def parse_yaml(text: str) -> Any:
    """One YAML document whose keys are texts; None where it is empty.

    ``<<`` merges as YAML 1.1 has it: a key of the mapping itself comes before a merged one.

    Raises:
        KeyRuleError: a key stands twice, or is no text.
        ValueError: it is not YAML; names the line.
        ModuleNotFoundError: PyYAML is not installed.
    """
    import yaml

    try:
        return yaml.load(text, Loader=_yaml_loader())
    except yaml.MarkedYAMLError as error:  # its own text would show the line, and names in quotes are values
        words = re.sub(r"['\"].*['\"]", "...", f"{error.context or ''} {error.problem or ''}", flags=re.DOTALL)
        mark = error.problem_mark or error.context_mark
        where = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
        raise ValueError(f"{one_line(words)}{where}") from None
    except yaml.YAMLError as error:
        raise ValueError(one_line(error)) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


class _TwiceError(Exception):
    """A mapping has a key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise _TwiceError
    return mapping


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name} is not JSON")


def _json_twice(text: str) -> KeyRuleError:
    """Where the first key stands that its object has already; the text is JSON up to there."""
    open_objects: list[dict[str, int] | None] = []
    for token in _JSON_TOKEN.finditer(text):
        if token[0] in "{[":
            open_objects.append({} if token[0] == "{" else None)
        elif token[0] in "}]":
            open_objects.pop()
        elif open_objects and (keys := open_objects[-1]) is not None and _VALUE_FOLLOWS.match(text, token.end()):
            key, line = json.loads(token[0]), text.count("\n", 0, token.start()) + 1
            if key in keys:
                return _twice(key, line, keys[key])
            keys[key] = line
    raise AssertionError("the parser found a key twice")


def _twice(key: str, line: int, before: int) -> KeyRuleError:
    first = "" if before == line else f", first in line {before}"
    return KeyRuleError(f"line {line}: the key {key[:_LONGEST_KEY]!r} stands there twice{first}: keep one")


def _yaml_loader() -> type[Any]:
    """PyYAML's safe loader, which looks at each mapping as it is written, before merges are carried out."""
    import yaml

    class Strict(yaml.SafeLoader):
        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            keys: dict[str, int] = {}
            for key, _ in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode):
                    raise KeyRuleError(f"line {line}: a key is a list or a mapping: give a text")
                # By the text, so that 1 and "1" are the same key.
                if key.value in keys:
                    raise _twice(key.value, line, keys[key.value])
                keys[key.value] = line
            for key, _ in node.value:
                if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                    raise KeyRuleError(
                        f"line {key.start_mark.line + 1}: YAML takes the key {key.value[:_LONGEST_KEY]!r} for a number "
                        "or truth value: put it in quotes"
                    )
            return node

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, OverflowError, AttributeError, TypeError, KeyError):  # an impossible date, say
                problem = "found a value that is no valid date or number"
                raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None

    return Strict
