"""Resumable stages: each result lies in a directory named after the hash of everything it was made from.

A stage whose inputs hash to a finished directory is reused after its files' hashes are checked; anything else is made
anew in a temporary directory and renamed when complete. An interrupted build therefore resumes at its first
unfinished stage, and a stale result cannot be picked up, because it has another name.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from dgiqa_edge.runtime.ground.atomic import PARTIAL_PREFIX, atomic_directory
from dgiqa_edge.runtime.ground.strict_text import parse_json
from dgiqa_edge.runtime.hashing import Json, sha256_file, sha256_json

from .provenance import SHAPED_BY, code_sha256

RECORD = "stage.json"
_KEY_LENGTH = 20
_ABANDONED_AFTER_S = 6 * 3600.0


@dataclass(frozen=True)
class StageResult:
    """A finished stage.

    Attributes:
        directory: where its files lie.
        values: the JSON values it returned.
        key: SHA-256 of its inputs.
        reused: whether an earlier run made it.
        seconds: how long it took, in the run that made it.
    """

    directory: Path
    values: Mapping[str, Json]
    key: str
    reused: bool
    seconds: float

    def file(self, name: str) -> Path:
        return self.directory / name


class Stages:
    """The stage directories below ``root``; nothing is created before the first stage is made."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, name: str, inputs: Mapping[str, Json], make: Callable[[Path], Mapping[str, Json]]) -> StageResult:
        """Return the finished stage for ``inputs``, making it if need be.

        Args:
            name: the stage's name, first part of its directory's; the code that makes it is ``SHAPED_BY[name]``.
            inputs: everything else that the result depends on, as JSON.
            make: writes the stage's files into the directory it is given and returns JSON values.
        """
        inputs = {**inputs, "code": code_sha256(*SHAPED_BY[name])}
        key = sha256_json({"stage": name, "inputs": inputs})
        directory = self.root / f"{name}-{key[:_KEY_LENGTH]}"
        finished = _load(directory, key)
        if finished:
            return finished
        start = time.monotonic()
        with atomic_directory(directory) as partial:
            values = make(partial)
            files = {path.name: sha256_file(path) for path in sorted(partial.iterdir())}
            seconds = round(time.monotonic() - start, 3)
            record = {"key": key, "inputs": inputs, "values": values, "files": files, "seconds": seconds}
            (partial / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        return StageResult(directory, values, key, reused=False, seconds=seconds)

    def sweep(self) -> None:
        """Remove what builds that were killed outright left unfinished (an error or Ctrl-C leaves nothing)."""
        if self.root.is_dir():
            for partial in self.root.glob(f"{PARTIAL_PREFIX}*"):
                if partial.is_dir() and time.time() - partial.stat().st_mtime > _ABANDONED_AFTER_S:
                    shutil.rmtree(partial, ignore_errors=True)


"""A directory untouched for this long belongs to no running build."""


def _load(directory: Path, key: str) -> StageResult | None:
    """The finished stage in ``directory``, or ``None`` if it is missing, damaged, or of other inputs."""
    try:
        record = parse_json((directory / RECORD).read_text(encoding="utf-8"))
        intact = record["key"] == key and all(
            sha256_file(directory / name) == digest for name, digest in record["files"].items()
        )
        if intact:
            return StageResult(directory, record["values"], key, reused=True, seconds=float(record["seconds"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass
    return None
