"""Where a build came from: hashes of the code that shapes a graph, package versions, and facts about the machine."""

import platform
import resource
from collections.abc import Mapping
from pathlib import Path

from dgiqa_edge.runtime.hashing import Json, sha256_file, sha256_json
from dgiqa_edge.runtime.machine.packages import version_of
from dgiqa_edge.runtime.machine.processor import processor

_GRAPH = ("export/networks", "export/frame_graph", "export/weights", "export/build")
# A photo's way into a graph that runs.
_RUN = ("calibration", "runtime/frames", "runtime/ground", "runtime/engines")
_LOWERED = ("export/networks", "export/frame_graph", "export/ladder", *_RUN)

SHAPED_BY: Mapping[str, tuple[str, ...]] = {
    "export": _GRAPH,
    "parity": (*_GRAPH, *_RUN),
    "calibration": _RUN,
    "equalized": _LOWERED,
    "magnitudes": _LOWERED,
    "fp32": _LOWERED,
    "fp16": _LOWERED,
    "int8": _LOWERED,
    "block": _LOWERED,
    "engine": ("export/tensorrt", *_LOWERED),
    "check": _LOWERED,
    "reference": _LOWERED,
    "device_check": ("export/on_device", "export/ladder", *_RUN),
}
"""Which folders' code decides what a stage makes; ``Stages`` refuses a stage that is not named here."""

_ROOMS = Path(__file__).resolve().parents[2]


def code_sha256(*folders: str) -> str:
    """Hash of every source and table in ``folders`` and below, so that a changed program never reuses an old stage.

    Folders and not files: what a new file decides would otherwise be served from a stage made before it.

    Args:
        folders: paths below the checkout, as ``"calibration/int8"``.

    Raises:
        FileNotFoundError: a folder holds no source: it was moved, and the key would never change again.
    """
    files: list[Json] = []
    for folder in folders:
        here = sorted(path for path in (_ROOMS / folder).rglob("*") if path.suffix in (".py", ".toml", ".json"))
        if not here:
            raise FileNotFoundError(f"no source in {_ROOMS / folder}: a stage cannot be keyed by it")
        files += [[path.relative_to(_ROOMS).as_posix(), sha256_file(path)] for path in here]
    return sha256_json(files)


def package_versions(*names: str) -> dict[str, Json]:
    """Installed versions; ``None`` for a package that is not there."""
    return {name: version_of(name) for name in names}


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def host_facts() -> dict[str, Json]:
    """The machine and software that built a bundle; nothing that names a person or a network."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "cpu": processor().model,
        "packages": package_versions("torch", "onnx", "onnxsim", "onnxruntime", "numpy", "opencv-python-headless"),
    }
