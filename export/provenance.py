"""Where a build came from: hashes of the code that shapes a graph, package versions, and facts about the machine."""

import importlib.metadata
import platform
from collections.abc import Iterable
from pathlib import Path

from dgiqa_edge.runtime.hashing import Json, sha256_file, sha256_json
from dgiqa_edge.runtime.processor import processor

_ROOMS = Path(__file__).resolve().parent.parent
_GRAPH_SHAPING = (
    "frame_graph.py",
    "geometry.py",
    "resampling.py",
    "to_onnx.py",
    "precision.py",
    "seeding.py",
)


def code_sha256(room: str = "export", files: Iterable[str] | None = None) -> str:
    """Hash of the source files that shape a result, so that a changed program never reuses an old stage.

    Args:
        room: folder of the code; for ``export`` the graph-shaping files and the networks are taken.
        files: names in that folder; ``None`` takes the room's own list, or all its modules.
    """
    folder = _ROOMS / room
    if files is not None:
        paths = [folder / name for name in files]
    elif room == "export":
        paths = [folder / name for name in _GRAPH_SHAPING] + sorted((folder / "networks").glob("*.py"))
    else:
        paths = sorted(folder.glob("*.py"))
    return sha256_json([[path.name, sha256_file(path)] for path in paths])


def package_versions(*names: str) -> dict[str, Json]:
    """Installed versions; ``None`` for a package that is not there."""
    versions: dict[str, Json] = {}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def host_facts() -> dict[str, Json]:
    """The machine and software that built a bundle; nothing that names a person or a network."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cpu": processor().model,
        "packages": package_versions("torch", "onnx", "onnxsim", "onnxruntime", "numpy", "opencv-python-headless"),
    }
