"""The part of JSON Schema (draft 7) that the schemas of our files use; the native runtime reads the same part.

Read rule by rule: a document is checked once per start, which no compiled validator makes worth its compilation. In one
thing it is stricter than draft 7: 480.0 is no integer, for whoever reads the document counts with what it gets.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .names import json_text

KEYWORDS = {
    *("$schema", "$id", "$ref", "title", "description", "definitions", "type", "enum", "const", "anyOf", "oneOf"),
    *("required", "properties", "additionalProperties", "minProperties", "items", "minItems", "maxItems"),
    *("minLength", "pattern", "minimum", "maximum"),
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}
_LONGEST_KEY = 100


class JsonSchema:
    """A schema, to hold documents against.

    Args:
        schema: as parsed from its file.
        whole: what a whole document is called, as ``the manifest``.

    Raises:
        ValueError: the schema uses a keyword that is not known here.
    """

    def __init__(self, schema: Mapping[str, Any], whole: str) -> None:
        self._schema, self._whole = schema, whole
        for rules in _all_rules(schema):
            if unknown := rules.keys() - KEYWORDS:
                raise ValueError(f"the schema uses the unknown keyword {min(unknown)}")

    def broken_rule(self, document: Any) -> str | None:
        """The first rule that a document breaks, as ``field 'frame.height' must be integer``; None: it keeps them all.

        Args:
            document: a JSON value as ``parse_json`` gives it.
        """
        return next(self._broken(self._schema, document, ""), None)

    def _broken(self, rules: Mapping[str, Any], value: Any, field: str) -> Iterator[str]:
        if "$ref" in rules:  # "#/definitions/NAME"
            rules = self._schema["definitions"][rules["$ref"].rpartition("/")[2]]
        here = f"field '{field}'" if field else self._whole
        types = rules.get("type", [])
        types = [types] if isinstance(types, str) else types
        if types and not any(_is(value, name) for name in types):
            yield f"{here} must be {' or '.join(types)}"
        if "const" in rules and not _same(value, rules["const"]):
            yield f"{here} must be {json_text(rules['const'])}"
        if "enum" in rules and not any(_same(value, allowed) for allowed in rules["enum"]):
            yield f"{here} must be one of {json_text(rules['enum'])}"
        for keyword in ("anyOf", "oneOf"):
            found = [next(self._broken(one, value, field), None) for one in rules.get(keyword, ())]
            if found and None not in found:
                yield str(found[0])
            if keyword == "oneOf" and found.count(None) > 1:
                yield f"{here} is of two kinds at once"
        if isinstance(value, dict):
            yield from self._broken_of_object(rules, value, field, here)
        elif isinstance(value, list):
            yield from _broken_count(rules, value, "Items", here)
            for index, item in enumerate(value) if "items" in rules else ():
                yield from self._broken(rules["items"], item, f"{field}[{index}]")
        elif isinstance(value, str):
            if len(value) < rules.get("minLength", 0):
                yield f"{here} must have at least {rules['minLength']} characters"
            if "pattern" in rules and not re.search(re.sub(r"\$$", r"\\Z", rules["pattern"]), value):
                yield f"{here} must match pattern {rules['pattern']}"
        elif _is(value, "number"):
            if "minimum" in rules and value < rules["minimum"]:
                yield f"{here} must be bigger than or equal to {rules['minimum']}"
            if "maximum" in rules and value > rules["maximum"]:
                yield f"{here} must be smaller than or equal to {rules['maximum']}"

    def _broken_of_object(
        self, rules: Mapping[str, Any], value: Mapping[str, Any], field: str, here: str
    ) -> Iterator[str]:
        if missing := [name for name in rules.get("required", ()) if name not in value]:
            yield f"{here} lacks {', '.join(map(repr, missing))}"
        yield from _broken_count(rules, value, "Properties", here)
        own, others = rules.get("properties", {}), rules.get("additionalProperties", True)
        if others is False and (unknown := [key[:_LONGEST_KEY] for key in value if key not in own]):
            yield f"{here} has the unknown {', '.join(map(repr, unknown))}"
        for key, member in value.items():
            rule = own.get(key, others)
            if isinstance(rule, dict):
                yield from self._broken(rule, member, f"{field}.{key[:_LONGEST_KEY]}" if field else key[:_LONGEST_KEY])


def _broken_count(rules: Mapping[str, Any], value: Any, unit: str, here: str) -> Iterator[str]:
    if len(value) < rules.get(f"min{unit}", 0):
        yield f"{here} must contain at least {rules[f'min{unit}']} {unit.lower()}"
    if f"max{unit}" in rules and len(value) > rules[f"max{unit}"]:
        yield f"{here} must contain at most {rules[f'max{unit}']} {unit.lower()}"


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _same(value: Any, allowed: Any) -> bool:
    """Equal as JSON has it, where ``true`` is no 1."""
    return bool(value == allowed) and isinstance(value, bool) == isinstance(allowed, bool)


def _all_rules(rules: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield rules
    inner = [*rules.get("properties", {}).values(), *rules.get("definitions", {}).values(), *rules.get("anyOf", ())]
    inner += rules.get("oneOf", ())
    inner += [rules[name] for name in ("items", "additionalProperties") if isinstance(rules.get(name), dict)]
    for part in inner:
        yield from _all_rules(part)
