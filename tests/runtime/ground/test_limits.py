"""The limits are one data file that two languages read."""

import json
import re
from pathlib import Path

from dgiqa_edge.runtime.ground import limits

FILE = Path(limits.__file__).parent / "limits.json"


def test_every_limit_has_a_name_in_python() -> None:
    stated = json.loads(FILE.read_text(encoding="utf-8"))
    assert {name: getattr(limits, name.upper()) for name in stated} == stated


def test_every_line_is_one_that_cmake_reads() -> None:
    """CMake's header takes the lines of this form; another form would leave a limit out in silence."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "{" and lines[-1] == "}"
    assert all(re.fullmatch(r' *"[a-z_]+": [0-9]+,?', line) for line in lines[1:-1])
