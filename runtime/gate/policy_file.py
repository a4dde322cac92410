"""A gate policy as TOML text that ``load_policy`` reads back; for people to edit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .policy import GatePolicy


def policy_toml(policy: GatePolicy, remarks: Sequence[str] = ()) -> str:
    """All settings of a policy, one section each, after ``remarks`` as comments."""
    lines = [f"# {' '.join(remark.split())}" for remark in remarks]
    return "\n".join([*lines, *_sections(policy.to_mapping(), "")]) + "\n"


def _sections(values: Mapping[str, Any], path: str) -> Iterator[str]:
    plain = {key: value for key, value in values.items() if not isinstance(value, Mapping)}
    if path and plain:
        yield from ("", f"[{path}]")
    for key, value in plain.items():
        yield f"{key} = {json.dumps(value)}"
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _sections(value, f"{path}.{key}" if path else key)
