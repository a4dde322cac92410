"""A Triton model repository from a bundle: ``NAME/config.pbtxt``, the model in ``NAME/VERSION/``, ``NAME/warmup/``."""

import shutil
from pathlib import Path

from dgiqa_edge.runtime.bundle.bundle import Bundle
from dgiqa_edge.runtime.bundle.golden import load_golden
from dgiqa_edge.runtime.engines.registry import choose
from dgiqa_edge.runtime.engines.remote.model import HASH, version_of
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError
from dgiqa_edge.runtime.ground.atomic import atomic_directory
from dgiqa_edge.runtime.ground.input_file import file_bytes
from dgiqa_edge.runtime.scoring.scorer import Scorer

from .config import PYTHON, WARM_UP_FILE, Serving, config_text, model_config

BUNDLE = "bundle"
"""The bundle's folder beside the Python flavour's model."""
CONFIG = "config.pbtxt"
_MODEL_PY = '''\
"""A bundle of dgiqa-edge, scored by its runtime: install that, with its extra cpu, where Triton's Python finds it."""

from dgiqa_edge.export.triton.python_model import TritonPythonModel

__all__ = ["TritonPythonModel"]
'''


def write_repository(bundle: Bundle, repository: Path, serving: Serving) -> Path:
    """Write a model whole, in the place of one that was exported before; returns its folder.

    The golden frame is replayed first, by the backend that is to serve it.

    Raises:
        FidelityError: the replay fails.
        EngineCompatibilityError: the bundle has nothing that the flavour runs, or this machine cannot replay it.
        ConfigurationError: the folder holds something else.
        MachineError: a package is missing, or the folder cannot be written.
    """
    folder = repository / serving.name
    _refuse_strangers(folder)
    text = config_text(model_config(bundle, serving))
    graph = None if serving.flavour is PYTHON else _graph(bundle, serving)
    backend = "auto" if serving.flavour is PYTHON else serving.flavour.backend
    with Scorer(bundle, backend=backend, allow_spinning=False, verify="always"):
        pass
    golden = load_golden(bundle.file(bundle.manifest.golden.file))
    with atomic_directory(folder) as partial:
        version = partial / str(version_of(bundle.sha256))
        (partial / CONFIG).write_text(text, encoding="utf-8")
        (partial / "warmup").mkdir()
        (partial / "warmup" / WARM_UP_FILE).write_bytes(golden.frame.tobytes())
        version.mkdir()
        if graph is None:
            (version / serving.flavour.file).write_text(_MODEL_PY, encoding="utf-8")
            shutil.copytree(bundle.path, version / BUNDLE)
        else:
            shutil.copyfile(graph, version / serving.flavour.file)
    return folder


def _graph(bundle: Bundle, serving: Serving) -> Path:
    """The one file that Triton's backend runs."""
    if bundle.manifest.layout != "fused":
        raise EngineCompatibilityError(
            f"{bundle.path} has an engine for depth and one for quality, {serving.flavour.backend} serves one: export "
            "the python flavour, or build it with --layout fused"
        )
    _, record = choose(bundle, "fused", serving.flavour.backend)
    return bundle.file(record.file)


def _refuse_strangers(folder: Path) -> None:
    if not folder.exists():
        return
    try:
        ours = HASH.encode() in file_bytes(folder / CONFIG)
    except OSError:
        ours = folder.is_dir() and not any(folder.iterdir())
    if not ours:
        raise ConfigurationError(f"{folder} is there and was not exported from a bundle: give another --name or --out")
