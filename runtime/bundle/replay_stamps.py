"""Notes in the user's cache that a golden frame was already replayed here, so that later loads can skip it.

A stamp is valid only for the same engine files, golden frame, backend, device, and tool version: anything
else has another key. A stamp that cannot be written or read costs a replay, never an error.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import MachineError
from ..ground.atomic import write_text
from ..ground.cache_folder import cache_path
from ..ground.strict_text import parse_json
from ..hashing import sha256_json
from ..version import VERSION
from .bundle import Bundle
from .golden import Deviation
from .records import plain


def replay_identity(bundle: Bundle, engines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that a replay's result depends on; ``engines`` are the loaded engines' ``describe()``."""
    golden = bundle.manifest.golden
    return {
        "tool_version": VERSION,
        "engines": [dict(engine) for engine in engines],
        "files": {
            name: record.sha256
            for name, record in sorted(bundle.manifest.files.items())
            # An ONNX graph may keep its weights in files beside it; logs and reports decide nothing.
            if not name.endswith((".log", ".txt", ".md", ".json"))
        },
        "tolerance": plain(golden.tolerance),
    }


def has_stamp(identity: Mapping[str, Any]) -> bool:
    """Whether this very replay has passed on this machine before."""
    file = _stamp_file(identity)
    if file is None:
        return False
    try:
        stamp = parse_json(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stamp, dict) and stamp.get("identity") == json.loads(json.dumps(identity))


def write_stamp(identity: Mapping[str, Any], deviation: Deviation) -> None:
    """Remember a passed replay; a cache that cannot be written is not worth an error."""
    file = _stamp_file(identity)
    if file is None:
        return
    stamp = {"identity": identity, "deviation": plain(deviation)}
    with contextlib.suppress(OSError, MachineError):
        write_text(file, json.dumps(stamp, indent=2) + "\n")


def _stamp_file(identity: Mapping[str, Any]) -> Path | None:
    return cache_path("verified", f"{sha256_json(identity)}.json")
