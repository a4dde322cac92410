"""The bytes of a file that a user names, whatever stands under the name: a loop of links, a pipe, a device, a bomb."""

import os
import stat
from pathlib import Path

from .errors import SourceError
from .limits import MOST_IMAGE_BYTES
from .names import shown

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read_input(path: Path, most_bytes: int = MOST_IMAGE_BYTES) -> bytes:
    """The file's content. Only a file is opened: a pipe could block for ever.

    Raises:
        SourceError: it is no file, cannot be read, is empty, or holds more than ``most_bytes``.
    """
    name = shown(path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            os.listdir(path)  # noqa: PTH208 - says why, where it may not be read
            raise SourceError(f"{name} is a directory without images: give image files or their folder")
        kind = _KINDS.get(stat.S_IFMT(found.st_mode))
        if kind is not None:
            raise SourceError(f"{name} is {kind}, not a file: give an image file")
        if found.st_size > most_bytes:
            raise SourceError(f"{name} has {found.st_size} bytes, more than the {most_bytes} that are read")
        content = path.read_bytes()
    except FileNotFoundError:
        raise SourceError(f"{name} {_why_missing(path)}: check the name") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise SourceError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not content:
        raise SourceError(f"{name} is empty (0 bytes): copy the file again")
    return content


def _why_missing(path: Path) -> str:
    if path.is_symlink():
        return f"is a link to {shown(path.readlink())}, which does not exist"
    return "matches no file" if is_glob(path) else "does not exist"


def is_glob(path: Path) -> bool:
    """Whether the name holds characters of a glob pattern."""
    return not frozenset("*?[").isdisjoint(str(path))
