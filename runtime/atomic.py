"""Files and directories that appear whole or not at all.

Work goes to a sibling whose name starts with ``.partial-``; a rename publishes it. A failure or an interrupt
removes the sibling, so nothing half-written is left under the final name or beside it.
"""

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import MachineError

PARTIAL_PREFIX = ".partial-"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    Raises:
        MachineError: the disk is full, or the folder cannot be written.
    """
    with _disk_errors(path), _parents_of(path):
        handle, name = tempfile.mkstemp(prefix=PARTIAL_PREFIX, suffix=path.suffix, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            _sync(partial)
            partial.chmod(0o666 & ~_umask())
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a temporary directory beside ``path``; when the block ends without an error it takes ``path``'s place.

    An existing directory at ``path`` stays as it was until the new one is complete.

    Raises:
        MachineError: the disk is full, or the parent folder cannot be written.
    """
    with _disk_errors(path), _parents_of(path):
        partial = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=path.parent))
        try:
            yield partial
            for file in partial.rglob("*"):
                if file.is_file():
                    _sync(file)
            partial.chmod(0o777 & ~_umask())
            _swap(partial, path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` atomically."""
    with atomic_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write UTF-8 ``content`` to ``path`` atomically."""
    write_bytes(path, content.encode())


@contextlib.contextmanager
def _parents_of(path: Path) -> Iterator[None]:
    """Create the missing parent folders; on failure remove those again, unless something else uses them by now."""
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except BaseException:
        for folder in missing:  # deepest first
            with contextlib.suppress(OSError):
                folder.rmdir()
        raise


def _swap(new: Path, path: Path) -> None:
    """Put ``new`` in the place of ``path``; of two processes that do so at once, the later one's stays, whole."""
    old = Path(tempfile.mkdtemp(prefix=PARTIAL_PREFIX, dir=path.parent))
    try:
        while True:
            try:
                new.rename(path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    if old.is_dir() and any(old.iterdir()):
                        old.replace(path)
                    raise
            else:
                return
            shutil.rmtree(old, ignore_errors=True)  # what another process published a moment ago
            with contextlib.suppress(FileNotFoundError):  # another process has moved it away already
                path.replace(old)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(f"disk full while writing {path}: free some space and run the command again") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise MachineError(f"cannot write {path}: {error.strerror}; choose another --out folder") from error
        raise
