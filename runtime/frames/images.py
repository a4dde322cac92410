"""Still images: which files the user's arguments mean, and a file's or a camera's bytes as a BGR frame.

Videos and cameras are not read here, and nothing is resized. OpenCV decodes here only, from memory: its functions that
take a path crash on names that are not UTF-8.
"""

import glob
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigurationError, SourceError
from ..ground.atomic import write_bytes
from ..ground.error_text import one_line
from ..ground.input_file import is_glob, read_input
from ..ground.names import shown
from .decoder_messages import decoder_messages
from .picture_header import header_flaw

_READ = "avif bmp dib jfif jp2 jpe jpeg jpg pbm pgm png ppm tif tiff webp"
_UNREAD = "heic heif hif gif jxl svg psd ico exr hdr pfm dng cr2 cr3 nef arw orf rw2 raf raw"
IMAGE_SUFFIXES = frozenset(f".{name}" for name in _READ.split())
# Pictures that a folder may hold beside those, and that are counted instead of read.
UNREAD_SUFFIXES = frozenset(f".{name}" for name in _UNREAD.split())
_SILENT = 0
_DAMAGE = re.compile(rb"Corrupt JPEG data: (.+)|Premature end of JPEG|libpng error: (.+)")
_PADDING = re.compile(rb"Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9\s*")


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """One image file as uint8 [H, W, 3], BGR.

    16-bit images are brought to 8 bits, grey ones repeated over the channels, alpha is dropped, and the EXIF
    orientation is applied, all as ``cv2.imread`` does it.

    Raises:
        SourceError: the file is missing, no file, empty, cut off, damaged, larger than ``ground/limits.py`` allows, or
            not an image that OpenCV decodes.
    """
    return decode_named(read_input(Path(path)), path)


def decode_named(content: bytes, name: str | Path) -> NDArray[np.uint8]:
    """As :func:`decode_image`, of a picture that has a name: the error begins with it."""
    try:
        return decode_image(content)
    except SourceError as error:
        raise SourceError(f"{shown(name)} {error}") from error


def decode_image(content: bytes) -> NDArray[np.uint8]:
    """An encoded picture as :func:`read_image` gives it.

    Raises:
        SourceError: as there; its words follow the picture's name.
    """
    import cv2

    flaw = header_flaw(content)
    if flaw is not None:
        raise SourceError(flaw)
    with decoder_messages() as said:
        try:
            image = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), cv2.IMREAD_COLOR)
        except cv2.error as error:
            raise SourceError(f"cannot be decoded ({one_line(error)}): give another image") from error
    damage = _damage(b"".join(said), content)
    if damage is not None:
        raise SourceError(f"is damaged ({damage}): copy the file again")
    if image is None:
        raise SourceError("is damaged or not an image that OpenCV decodes: give a JPEG, PNG, TIFF, WebP or BMP")
    return np.asarray(image, dtype=np.uint8)


def write_image(path: Path, image: np.ndarray) -> None:
    """Write a picture (uint8 [H, W, 3] BGR or grey [H, W]) atomically, in the format of the path's suffix.

    Raises:
        MachineError: it cannot be written there.
    """
    import cv2

    _, encoded = cv2.imencode(path.suffix, image)
    write_bytes(path, encoded.tobytes())


def _damage(said: bytes, content: bytes) -> str | None:
    """What of the decoder's words means that pixels are wrong; cameras that pad their JPEGs are no such case."""
    match = _DAMAGE.search(said)
    if match is None:
        return None
    padding = _PADDING.fullmatch(said)
    if padding is not None:
        end = content.rfind(b"\xff\xd9")
        if len(set(content[end - int(padding[1]) : end])) <= 1:
            return None
    return (match[1] or match[2] or match[0]).decode("ascii", "replace").strip()


def expand_images(arguments: Iterable[str | Path]) -> list[Path]:
    """The image files that command-line arguments mean, each once.

    The order of the arguments is kept. A directory stands for the image files directly in it and a glob for
    the files it matches (``**`` descends), both sorted. An argument that means nothing is kept as it is, and so is an
    entry that is no file (a pipe, a loop of links), so that reading it reports what is wrong while the others are read.
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        for path in _meant_by(argument):
            found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def left_out(arguments: Iterable[str | Path]) -> str | None:
    """A sentence on pictures that the folders among the arguments hold and that are not read; None without any."""
    counts = Counter(
        suffix
        for argument in arguments
        if os.path.isdir(argument)  # noqa: PTH112 - never raises
        for name in _listed(Path(argument))
        if (suffix := os.path.splitext(name)[1].lower()) in UNREAD_SUFFIXES  # noqa: PTH122
    )
    if not counts:
        return None
    kinds = ", ".join(f"{suffix} {count}" for suffix, count in sorted(counts.items()))
    return f"not read: {counts.total()} files of a kind that OpenCV does not decode ({kinds}): convert them to JPEG"


def refuse_overwriting(images: Iterable[Path], outputs: Iterable[Path]) -> None:
    """Check that no file about to be written is one of the images.

    Raises:
        ConfigurationError: one is.
    """
    inputs = {os.path.realpath(image) for image in images}
    for output in outputs:
        if os.path.realpath(output) in inputs:
            raise ConfigurationError(f"{shown(output)} would overwrite one of the images: choose another output folder")


def quiet_decoder() -> None:
    """Keep OpenCV from logging lines of its own about a damaged image: a command reports it once, in its own words."""
    import cv2

    # OpenCV 4 has the function at the top, OpenCV 5 in a module.
    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
    set_level(_SILENT)


def _meant_by(argument: str | Path) -> Iterator[Path]:
    path = Path(argument)
    if os.path.isdir(path):  # noqa: PTH112 - never raises
        entries = [path / name for name in _listed(path) if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    elif is_glob(path) and not os.path.lexists(path):
        entries = [Path(name) for name in glob.glob(str(argument), recursive=True)]  # noqa: PTH207 - absolute patterns too
    else:
        entries = []
    files = sorted(entry for entry in entries if not os.path.isdir(entry))  # noqa: PTH112
    yield from files or [path]


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, without a path object each
    except OSError:
        return []  # reading the folder itself says why
