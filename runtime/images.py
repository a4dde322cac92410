"""Still images: which files the user's arguments mean, and one file as a BGR frame.

Videos and cameras are not read here, and nothing is resized.
"""

import glob
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .errors import ConfigurationError, SourceError
from .jpeg import JPEG_START, jpeg_flaw

IMAGE_SUFFIXES = frozenset(
    {
        ".avif",
        ".bmp",
        ".jp2",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".pbm",
        ".pgm",
        ".png",
        ".ppm",
        ".tif",
        ".tiff",
        ".webp",
    }
)
_SILENT = 0
_GLOB_CHARACTERS = frozenset("*?[")


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """One image file as uint8 [H, W, 3], BGR.

    16-bit images are brought to 8 bits, grey ones repeated over the channels, alpha is dropped, and the EXIF
    orientation is applied, all as ``cv2.imread`` does it.

    Raises:
        SourceError: the file is missing, a directory, empty, cut off, or not an image that OpenCV decodes.
    """
    import cv2

    content = _read_bytes(Path(path))
    flaw = jpeg_flaw(content) if content.startswith(JPEG_START) else None
    if flaw is not None:
        raise SourceError(f"{path} {flaw}; copy the file again")
    try:
        # From memory, because cv2.imread takes no path outside the locale's character set on some systems.
        image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"{path} cannot be decoded ({reason}): give another image") from error
    if image is None:
        raise SourceError(f"{path} is damaged or not an image that OpenCV decodes: give a JPEG, PNG, TIFF, WebP or BMP")
    return np.asarray(image, dtype=np.uint8)


def expand_images(arguments: Iterable[str | Path]) -> list[Path]:
    """The image files that command-line arguments mean, each once.

    The order of the arguments is kept. A directory stands for the image files directly in it and a glob for
    the files it matches (``**`` descends), both sorted. An argument that means nothing is kept as it is, so
    that reading it reports what is wrong while the others are still read.
    """
    found: dict[Path, Path] = {}
    for argument in arguments:
        for path in _meant_by(argument):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def refuse_overwriting(images: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Check that no file about to be written is one of the images.

    Raises:
        ConfigurationError: one is.
    """
    inputs = {image.resolve() for image in images}
    for output in outputs:
        if output.resolve() in inputs:
            raise ConfigurationError(f"{output} would overwrite one of the images: choose another output folder")


def quiet_decoder() -> None:
    """Keep OpenCV from logging lines of its own about a damaged image: a command reports it once, in its own words."""
    import cv2

    # OpenCV 4 has the function at the top, OpenCV 5 in a module.
    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    set_level(_SILENT)


def _meant_by(argument: str | Path) -> Iterator[Path]:
    path = Path(argument)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file())
    elif _is_glob(path) and not path.exists():
        matches = map(Path, glob.glob(str(argument), recursive=True))  # noqa: PTH207 - absolute patterns too
        files = sorted(match for match in matches if match.is_file())
    else:
        files = []
    yield from files or [path]


def _is_glob(path: Path) -> bool:
    return not _GLOB_CHARACTERS.isdisjoint(str(path))


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        what = "matches no file" if _is_glob(path) else "does not exist"
        raise SourceError(f"{path} {what}: check the name") from None
    except IsADirectoryError:
        raise SourceError(f"{path} is a directory without images: give image files or their folder") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
    if not content:
        raise SourceError(f"{path} is empty (0 bytes): copy the file again")
    return content
