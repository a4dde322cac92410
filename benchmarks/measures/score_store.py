"""Scores kept in a file as they come, so that a run that was killed goes on where it stopped.

A score is known by what gave it and by the pixels it was given for, so a changed bundle, baseline or photo is scored
anew, never served from here.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from dgiqa_edge.runtime.errors import MachineError, ReportError
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.ground.names import json_text
from dgiqa_edge.runtime.ground.strict_text import parse_json

FIELDS = ("measure", "pixels_sha256", "score")


class ScoreStore:
    """Scores by (measure key, pixel key), in a file of JSON lines, or in memory only; use it in a ``with`` block.

    A last line that was cut off by a kill is dropped.

    Args:
        file: read if it exists, else created with the first score; ``None`` keeps scores in memory.

    Raises:
        ReportError: the file is something else.
        MachineError: it cannot be read or written.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self._scores: dict[tuple[str, str], float] = {}
        self._stream: BinaryIO | None = None
        if file is not None and file.exists():
            self._load(file)
        self.found = len(self._scores)

    def get(self, measure: str, pixels_sha256: str) -> float | None:
        """The score, ``None`` where it is not known."""
        return self._scores.get((measure, pixels_sha256))

    def put(self, measure: str, pixels_sha256: str, score: float) -> None:
        """Keep a score; it is in the file when this returns."""
        self._scores[measure, pixels_sha256] = score
        if self.file is None:
            return
        line = json_text(dict(zip(FIELDS, (measure, pixels_sha256, score), strict=True))) + "\n"
        with _file_errors(self.file):
            if self._stream is None:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self.file.open("ab", buffering=0)
            self._stream.write(line.encode())

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def __enter__(self) -> "ScoreStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self, file: Path) -> None:
        with _file_errors(file):
            content = file_bytes(file)
            whole = content.rfind(b"\n") + 1
        for number, line in enumerate(content[:whole].splitlines(), start=1):
            try:
                entry = parse_json(line.decode())
                self._scores[str(entry["measure"]), str(entry["pixels_sha256"])] = float(entry["score"])
            except (ValueError, KeyError, TypeError) as error:
                raise ReportError(
                    f"{file}, line {number}, is no score of bench accuracy: give another --scores file, or delete it"
                ) from error
        if whole < len(content):
            if not self._scores:  # one line without an end: nothing says that the file is ours to cut
                raise ReportError(f"{file} holds no score of bench accuracy: give another --scores file, or delete it")
            with _file_errors(file):
                os.truncate(file, whole)


@contextlib.contextmanager
def _file_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise MachineError(f"cannot keep scores in {file}: {error.strerror}; give another --scores file") from error
