"""The photos that the gate is tuned on: a folder's photos and its sub-folders', each under the label of its fault."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigurationError, SourceError
from ..frames.images import expand_images, read_image
from ..gate.cues import CueMeter
from ..gate.reading import Reading
from ..ground.input_file import is_glob
from ..ground.names import shown
from ..quality import FrameScorer


@dataclass(frozen=True)
class Measured:
    """One side's photos: readings by path, the label of each, and why the others have none."""

    readings: Mapping[Path, Reading]
    labels: Mapping[Path, str]
    failed: Mapping[Path, str]


def labelled_photos(source: str, option: str) -> dict[Path, str]:
    """The photos of a folder, a glob or a file, with their labels.

    Photos of a sub-folder, however deep, are labelled by its name; the others by ``option``.

    Args:
        option: ``good`` or ``bad``, the option that names the source.

    Raises:
        ConfigurationError: nothing has that name, or it holds no photo.
    """
    folder = Path(source)
    if not is_glob(folder) and not folder.exists():
        raise ConfigurationError(
            f"--{option} {shown(source)}: there is no such folder, so no {option} photo could be used: check the name"
        )
    found = {path: option for path in expand_images([source]) if not path.is_dir()}
    if folder.is_dir():
        for inner in sorted(path for path in folder.rglob("*") if path.is_dir()):
            label = inner.relative_to(folder).parts[0]
            found |= {path: label for path in expand_images([inner]) if not path.is_dir()}
    if not found:
        raise ConfigurationError(
            f"--{option} {shown(source)}: no {option} photo could be used: give a folder with photos"
        )
    return found


def measure_photos(photos: Mapping[Path, str], scorer: FrameScorer, progress: Callable[[], None]) -> Measured:
    """Score and measure photos, each on its own; ``progress`` is called once per photo.

    Raises:
        FidelityError: as ``Scorer.score`` does.
    """
    readings: dict[Path, Reading] = {}
    failed: dict[Path, str] = {}
    for path in photos:
        try:
            photo = read_image(path)
            quality = scorer.score(photo)
            readings[path] = Reading(quality.score, CueMeter().measure(photo), quality.faults)
        except SourceError as error:
            failed[path] = str(error)
        progress()
    return Measured(readings, {path: photos[path] for path in readings}, failed)


def labelled_readings(measured: Sequence[Measured]) -> list[tuple[str, Reading]]:
    """All readings with their labels, in order."""
    return [(side.labels[path], reading) for side in measured for path, reading in side.readings.items()]
