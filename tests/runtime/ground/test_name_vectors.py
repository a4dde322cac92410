"""The names' vectors, which the native runtime keeps too."""

import json
import os

from places import VECTORS

from dgiqa_edge.runtime.ground.names import shown, valid

CASES = json.loads((VECTORS / "names" / "cases.json").read_text("utf-8"))


def test_names_are_shown_as_the_vectors_say() -> None:
    for case in CASES:
        name = os.fsdecode(bytes.fromhex(case["bytes"]))
        assert (valid(name), shown(name)) == (case["valid"], case["shown"])
