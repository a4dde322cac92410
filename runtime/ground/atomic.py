"""Files and directories that appear whole or not at all.

Work goes to a sibling whose name starts with ``.partial-``; a rename publishes it. A failure or an interrupt
removes the sibling, so nothing half-written is left under the final name or beside it. Where the name is a pipe or a
device (``/dev/stdout``), what is finished is written into it.
"""

import contextlib
import errno
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import MachineError
from .names import shown, valid

PARTIAL_PREFIX = ".partial-"


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block ends without an error.

    Raises:
        MachineError: the disk is full, or the file cannot be written.
    """
    with _disk_errors(path):
        if _takes_a_stream(path):
            with tempfile.TemporaryDirectory() as folder:
                whole = Path(folder) / f"whole{path.suffix}"
                whole.touch()
                yield whole
                _pour(whole, path)
            return
        with _replacing(path) as partial:
            yield partial


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    with _parents_of(path):
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

    An existing directory at ``path`` stays as it was until the new one is complete. A link stays, and what it leads to
    is replaced.

    Raises:
        MachineError: the disk is full, or the parent folder cannot be written.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
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
    """Write ``content`` to ``path`` atomically, as UTF-8."""
    write_bytes(path, valid(content).encode())


def write_result(path: Path, content: str) -> None:
    """Write what may have taken hours; where that fails at the end after all, it is kept elsewhere.

    Raises:
        MachineError: it could not be written to ``path``; the message says where it is now.
    """
    try:
        write_text(path, content)
    except MachineError as error:
        raise MachineError(f"{error}; the result {_kept_elsewhere(path, content)}") from error


def check_output(path: Path) -> None:
    """Find out before the work whether ``path`` can be written as a file.

    Raises:
        MachineError: it cannot.
    """
    with _disk_errors(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder, a file is to be written")
        _is_there(path)  # a name too long
        if not _takes_a_stream(path):
            _try_folder(path.parent)


def check_folder(path: Path) -> None:
    """Find out before the work whether files can be written into the folder ``path``, which need not exist yet.

    Raises:
        MachineError: they cannot.
    """
    with _disk_errors(path):
        _try_folder(path)


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


def _try_folder(folder: Path) -> None:
    """Write a file into the folder, or into the nearest one above it that exists."""
    there = next(place for place in (folder, *folder.parents, Path()) if _is_there(place))
    if not there.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{shown(there)} is not a folder")
    handle, name = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=there)
    os.close(handle)
    Path(name).unlink()


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _takes_a_stream(path: Path) -> bool:
    """Whether ``path`` is a device, a pipe, or a name of an open file: nothing that another file may replace."""
    if os.path.abspath(path).startswith(("/dev/", "/proc/")) and path.exists():  # noqa: PTH100 - resolves no link
        return not path.is_dir()
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _pour(whole: Path, path: Path) -> None:
    # Not waiting: a pipe that nobody reads is an error, not a reason to hang.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK)
    os.set_blocking(descriptor, True)
    with whole.open("rb") as source, open(descriptor, "wb") as target:  # noqa: PTH123 - a descriptor
        shutil.copyfileobj(source, target)


def _kept_elsewhere(path: Path, content: str) -> str:
    try:
        handle, name = tempfile.mkstemp(prefix="dgiqa-edge-", suffix=f"-{path.name}"[-100:])
        with open(handle, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor
            stream.write(valid(content))
    except OSError:
        print(valid(content), file=sys.stderr)
        return "stands above"
    return f"is kept in {name}"


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Every error of the system while ``path`` is written is one of the user's world."""
    try:
        yield
    except OSError as error:
        name = shown(path)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineError(f"disk full while writing {name}: free some space and run the command again") from error
        reason = shown(error.strerror or str(error))
        if error.filename is not None and PARTIAL_PREFIX not in str(error.filename):
            reason += f" ({shown(os.fsdecode(error.filename))})"
        raise MachineError(f"cannot write {name}: {reason}; choose another place for it") from error
