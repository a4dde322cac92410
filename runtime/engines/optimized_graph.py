"""A graph as ONNX Runtime has optimized it for this processor, kept so that later starts skip that work.

An optimized graph fits one processor and one build of ONNX Runtime, so it lies beside the notes of passed replays and
not in the bundle. Its name is the hash of all it was made of, then its own SHA-256: content that has another is never
opened, and anything that differs has another name. A file that cannot be written or read costs a start its time, never
an error.
"""

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from ..errors import EngineCompatibilityError, MachineError
from ..ground.atomic import write_bytes
from ..ground.input_file import file_bytes
from ..hashing import Json, sha256_bytes, sha256_file, sha256_json

_MOST_BYTES = 64 << 20
"""Of a graph that is worth a copy: a larger one computes so long that its start does not matter."""


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
    except (OSError, MachineError, EngineCompatibilityError):
        return None  # who opens the graph itself says what is wrong with it


def content_sha256(file: Path) -> str:
    """The SHA-256 of a file that ``optimized_graph`` gave."""
    return file.stem.partition(".")[2]


def _kept(folder: Path, key: str) -> Path | None:
    for file in folder.glob(f"{key}.*.onnx"):
        if sha256_file(file) == content_sha256(file):
            return file
        with contextlib.suppress(OSError):
            file.unlink()
    return None


def _made(folder: Path, key: str, optimize: Callable[[Path], object]) -> Path:
    with tempfile.TemporaryDirectory() as scratch:
        optimize(Path(scratch) / "graph.onnx")
        content = file_bytes(Path(scratch) / "graph.onnx", 2 * _MOST_BYTES)
    file = folder / f"{key}.{sha256_bytes(content)}.onnx"
    write_bytes(file, content)
    return file
