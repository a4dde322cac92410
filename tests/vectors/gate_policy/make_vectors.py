"""Writes into ``accepted.json`` the whole policy that each case's settings mean, by the Python reader."""

import json
from pathlib import Path

from dgiqa_edge.runtime.gate.policy_file import parse_policy


def write(folder: Path) -> None:
    """Fill ``accepted.json``, whose settings stay."""
    file = folder / "accepted.json"
    settings = [case["settings"] for case in json.loads(file.read_text(encoding="utf-8"))]
    cases = [{"settings": given, "policy": parse_policy(given).to_mapping()} for given in settings]
    file.write_text("[\n" + ",\n".join(f" {json.dumps(case)}" for case in cases) + "\n]\n", encoding="utf-8")
