"""The bytes of a file that a user names, whatever stands under the name: a loop of links, a pipe, a device, a bomb."""

import errno
import os
import stat
from pathlib import Path

from ..errors import SourceError
from .limits import MOST_IMAGE_BYTES, MOST_TEXT_BYTES
from .names import shown

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def file_bytes(path: Path, most_bytes: int = MOST_TEXT_BYTES) -> bytes:
    """The content of a file. Only a file is opened: a pipe could block for ever, a device never end.

    Raises:
        OSError: as opening it does; or it is no file, or holds more than ``most_bytes``. ``strerror`` says it all.
    """
    found = path.stat()
    kind = _KINDS.get(stat.S_IFMT(found.st_mode))
    if kind is not None:
        raise OSError(errno.EINVAL, f"it is {kind}, not a file")
    if found.st_size <= most_bytes:
        with path.open("rb") as stream:
            content = stream.read(most_bytes + 1)  # what the system makes up while it is read has no size
        if len(content) <= most_bytes:
            return content
    raise OSError(errno.EFBIG, f"it has more than the {most_bytes} bytes that are read")


def read_input(path: Path, most_bytes: int = MOST_IMAGE_BYTES) -> bytes:
    """The file's content. Only a file is opened: a pipe could block for ever.

    Raises:
        SourceError: it is no file, cannot be read, is empty, or holds more than ``most_bytes``.
    """
    name = shown(path)
    try:
        if path.is_dir():
            os.listdir(path)  # noqa: PTH208 - says why, where it may not be read
            raise SourceError(f"{name} is a directory without images: give image files or their folder")
        content = file_bytes(path, most_bytes)
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
