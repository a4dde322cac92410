"""Frozen records from JSON and back; what a field's absence means is the record's own business."""

from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

_OF_FAULTS = frozenset({"faults", "faults_mae", "faults_max", "coverage_mean"})
"""Fields that only networks which read faults fill in: elsewhere a document does not know them."""


def typed(kind: Any, value: Any) -> Any:
    """A JSON value as the ``kind`` that a field is annotated with; objects become records or read-only mappings."""
    if type(None) in get_args(kind):
        kind = get_args(kind)[0] if value is not None else None
    if is_dataclass(kind):
        kinds = get_type_hints(kind)
        keys = {one.metadata.get("key", one.name): one.name for one in fields(kind)}
        return kind(**{keys[key]: typed(kinds[keys[key]], item) for key, item in value.items()})  # type: ignore[operator]
    if isinstance(value, Mapping):
        of = get_args(kind)[1] if get_args(kind) else Any
        return MappingProxyType({key: typed(of, item) for key, item in value.items()})
    if get_origin(kind) is tuple:
        return tuple(typed(get_args(kind)[0], item) for item in value)
    return value


def plain(record: Any) -> dict[str, Any]:
    """A record as a JSON object; of faults nothing is said where there are none."""

    def said(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {name: value for name, value in pairs if value is not None or name not in _OF_FAULTS}

    return asdict(record, dict_factory=said)
