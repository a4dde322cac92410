"""A graph as ONNX Runtime has optimized it for this processor, kept so that later starts skip that work.

An optimized graph fits one processor and one build of ONNX Runtime, so it lies beside the notes of passed replays and
not in the bundle. Its name is the hash of all it was made of, then its own SHA-256: content that has another is never
opened, and anything that differs has another name. The same graph made again may have another SHA-256, and the golden
frame is then replayed again: ONNX Runtime names what it inserts in no fixed order. The outputs are the same to the bit.
A file that cannot be written, read or opened costs a start its time, never an error.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import EngineCompatibilityError
from ..ground.atomic import PARTIAL_PREFIX
from ..hashing import Json, sha256_file, sha256_json

_MOST_BYTES = 64 << 20
"""Of a graph that is worth a copy: a larger one computes so long that its start does not matter."""
_MOST_KEPT = 16
"""Of the graphs used last: one for each bundle, precision and version that a machine turns between."""
_ABANDONED_S = 24 * 3600.0
"""After so long the process that was making a file is gone."""
_NAME = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{64}\.onnx")


def optimized_graph(graph: Path, identity: Json, folder: Path, optimize: Callable[[Path], object]) -> Path | None:
    """The optimized graph's file in ``folder``, made now where there is none; ``None`` where it cannot be kept.

    Args:
        graph: what is optimized.
        identity: everything that the result depends on.
        optimize: writes the optimized graph to a path. Raises ``EngineCompatibilityError``: it cannot.
    """
    key = sha256_json(identity)
    try:
        if graph.stat().st_size > _MOST_BYTES:
            return None
        return _kept(folder, key) or _made(folder, key, optimize)
    except (OSError, EngineCompatibilityError):
        return None  # who opens the graph itself says what is wrong with it


def content_sha256(file: Path) -> str:
    """The SHA-256 of a file that ``optimized_graph`` gave."""
    return file.stem.partition(".")[2]


def discard(file: Path) -> None:
    """Remove a file that ``optimized_graph`` gave and that is of no use after all: the next start makes another."""
    with contextlib.suppress(OSError):
        file.unlink()


def _kept(folder: Path, key: str) -> Path | None:
    for file in folder.glob(f"{key}.*.onnx"):
        if _is_whole(file):
            with contextlib.suppress(OSError):
                os.utime(file)  # those used last are kept
            return file
        discard(file)
    return None


def _is_whole(file: Path) -> bool:
    try:
        return file.is_file() and sha256_file(file) == content_sha256(file)
    except OSError:
        return False


def _made(folder: Path, key: str, optimize: Callable[[Path], object]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    # In the folder itself: where that cannot be written, it shows before the work.
    with tempfile.TemporaryDirectory(prefix=PARTIAL_PREFIX, dir=folder) as scratch:
        made = Path(scratch) / "graph.onnx"
        optimize(made)
        file = made.replace(folder / f"{key}.{sha256_file(made)}.onnx")
    with contextlib.suppress(OSError):  # another process tidies too
        _tidy(folder, file)
    return file


def _tidy(folder: Path, made: Path) -> None:
    """Leave the graphs used last, and nothing that a killed process was at; other files are somebody else's."""
    others = [file for file in folder.iterdir() if _NAME.fullmatch(file.name) and file != made]
    for file in sorted(others, key=lambda file: file.stat().st_mtime)[: 1 - _MOST_KEPT]:
        discard(file)
    for partial in folder.glob(f"{PARTIAL_PREFIX}*"):
        if partial.stat().st_mtime < time.time() - _ABANDONED_S:
            shutil.rmtree(partial, ignore_errors=True) if partial.is_dir() else discard(partial)
