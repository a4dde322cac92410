"""The JSON Schema of a watch file, for editors: completion, meanings, and a first check while typing.

What the program itself refuses beyond it (names given twice, settings that contradict each other) is told by
``dgiqa-edge watch FILE --check``.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from ...gate.regions import MOST_CORNERS, MOST_POLYGONS
from ...settings.listening import SIZE
from .reference import Explained, Group, plain, reference

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_CORNER = {"type": "array", "items": _SHARE, "minItems": 2, "maxItems": 2}
_POLYGON = {"type": "array", "items": _CORNER, "minItems": 3, "maxItems": MOST_CORNERS}

_TYPES: Mapping[str, Mapping[str, Any]] = {
    "number": {"type": "number"},
    "whole number": {"type": "integer"},
    "true, false": {"type": "boolean"},
    "text": {"type": "string", "minLength": 1},
    "path": {"type": "string", "minLength": 1},
    "one of": {},
    "list of texts": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    "list": {"type": "array", "items": _POLYGON, "maxItems": MOST_POLYGONS},
    "section": {"type": "object"},
    "list of sections": {"type": "array", "items": {"type": "object"}},
    SIZE: {"type": "string", "pattern": "^[0-9]+x[0-9]+$"},
}


def watch_schema() -> dict[str, Any]:
    """JSON Schema, draft 7."""
    groups = reference()
    root = _section(_of(groups, ""))
    for group in groups:
        if group.place in ("engine", "dashboard", "update", "gate"):
            root["properties"][group.place] |= _section(group.settings)
    root["properties"]["gate"] |= {"if": {"required": ["policy"]}, "then": {"maxProperties": 1}}
    camera = _section(_of(groups, "cameras[]"))
    camera["properties"]["gate"] = {"$ref": "#/properties/gate"}
    profile = _section(_of(groups, "cameras[].profiles[]"))
    profile["properties"]["gate"] = {"$ref": "#/properties/gate"}
    camera["properties"]["profiles"]["items"] = profile
    camera["properties"]["switch"] |= _section(_of(groups, "cameras[].switch"))
    camera["allOf"] = [_options(pattern, groups) for pattern in _only(groups, "cameras[].options")]
    root["required"].append("cameras")
    root["properties"]["cameras"] |= {"items": camera, "minItems": 1}
    root["properties"]["sinks"]["items"] = {"oneOf": [_sink(group) for group in groups if group.place == "sinks[]"]}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://dgiqa-edge.invalid/schemas/watch.json",
        "title": "configuration of dgiqa-edge watch",
        **root,
    }


def _only(groups: Iterable[Group], place: str) -> list[str]:
    return list(dict.fromkeys(group.only for group in groups if group.place == place))


def _of(groups: Iterable[Group], place: str) -> list[Explained]:
    return [it for group in groups if group.place == place for it in group.settings]


def _options(pattern: str, groups: Iterable[Group]) -> dict[str, Any]:
    """What ``options`` may hold with a source that looks like this."""
    kinds = [_section(group.settings) for group in groups if group.only == pattern]
    options = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {
        "if": {"properties": {"source": {"pattern": pattern}}, "required": ["source"]},
        "then": {"properties": {"options": options}},
    }


def _sink(group: Group) -> dict[str, Any]:
    sink = _section(group.settings)
    sink["properties"]["type"] = {"const": group.only, "description": plain(group.about) or group.heading}
    return sink


def _section(settings: Iterable[Explained]) -> dict[str, Any]:
    """An object of these settings, with those of dotted names in objects below it."""
    whole = _empty()
    for it in settings:
        *above, name = it.name.split(".")
        section = whole
        for part in above:
            section = section["properties"].setdefault(part, _empty())
        section["properties"][name] = _leaf(it)
        if it.setting.required:
            section.setdefault("required", []).append(name)
    return whole


def _empty() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": {}}


def _leaf(it: Explained) -> dict[str, Any]:
    setting = it.setting
    schema = {"description": plain(it.meaning), **_TYPES[setting.kind]}
    if setting.choices:
        words = {"enum": list(setting.choices)}
        schema |= {"items": words} if setting.kind == "list of texts" else words
    schema |= {
        key: bound for key, bound in (("minimum", setting.low), ("maximum", setting.high)) if not math.isinf(bound)
    }
    return schema if setting.default is None else {**schema, "default": setting.default}
