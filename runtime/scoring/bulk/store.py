"""Where pictures, lists and results lie: on a disk, or in a store that fsspec has a package for (``s3://``, ``gs://``).

What cannot be answered is told apart from what is not there: of a store that is down no picture has failed.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Literal

from ...errors import ConfigurationError, DgiqaEdgeError, MachineError, SourceError
from ...ground.atomic import write_bytes
from ...ground.error_text import one_line
from ...ground.extra_packages import extra_package, install_command
from ...ground.input_file import file_bytes, read_input
from ...ground.limits import MOST_IMAGE_BYTES
from ...ground.names import shown

EXTRA = "bulk"


def is_url(place: str) -> bool:
    """Whether a name is that of something in a store."""
    return "://" in place


def within(root: str, path: str) -> str:
    """The place of a picture that is named from ``root`` on, unless its name says all."""
    return path if is_url(path) else f"{root.rstrip('/')}/{path}" if is_url(root) else str(Path(root) / path)


def read_picture(place: str) -> bytes:
    """The bytes of a picture's file.

    Raises:
        SourceError: as ``ground/input_file.py`` has it: it is absent, empty, too large, or may not be read.
        MachineError: the store does not answer, or its package is not installed.
    """
    if not is_url(place):
        return read_input(Path(place))
    name = shown(place)
    with answering(place) as (files, path):
        try:
            with files.open(path, "rb", cache_type="none") as stream:
                content: bytes = stream.read(MOST_IMAGE_BYTES + 1)
        except FileNotFoundError:
            raise SourceError(f"{name} does not exist: check the name") from None
        except (PermissionError, IsADirectoryError) as error:
            raise SourceError(f"{name} cannot be read: {one_line(error)}") from error
    if not content:
        raise SourceError(f"{name} is empty (0 bytes): copy the file again")
    if len(content) > MOST_IMAGE_BYTES:
        raise SourceError(f"{name} cannot be read: it has more than the {MOST_IMAGE_BYTES} bytes that are read")
    return content


@contextlib.contextmanager
def answering(place: str) -> Iterator[tuple[Any, str]]:
    """fsspec's file system of a place, and its path there; what it fails with in the block names the place.

    What is not there stays a FileNotFoundError.

    Raises:
        ConfigurationError: there is no such kind of store.
        MachineError: its package is not installed, or it does not answer.
    """
    fsspec = extra_package("fsspec", EXTRA, "a store")
    try:
        found = fsspec.core.url_to_fs(place, use_listings_cache=False)
    except ImportError as error:
        raise MachineError(f"{shown(place)} needs a package: {one_line(error)}, {install_command('stores')}") from error
    except ValueError as error:
        raise ConfigurationError(f"{shown(place)} cannot be opened: {one_line(error)}") from error
    try:
        yield found
    except (DgiqaEdgeError, FileNotFoundError):
        raise
    except Exception as error:  # botocore, aiohttp and others have errors of their own
        raise MachineError(
            f"{shown(place)} cannot be reached ({type(error).__name__}: {one_line(error)}): check its name, the "
            "credentials and the network, and run the command again; what is done is kept"
        ) from error


class Store:
    """A folder of small files that each appear whole or not at all: by a rename on a disk, by one put in a store."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._folder = None if is_url(place) else Path(place)

    def names(self) -> set[str]:
        """Names of the files directly in it; none where it is not there yet."""
        if self._folder is not None:
            return set(os.listdir(self._folder)) if self._folder.exists() else set()  # noqa: PTH208
        with answering(self.place) as (files, path):
            try:
                return {entry.rstrip("/").rpartition("/")[2] for entry in files.ls(path, detail=False)}
            except FileNotFoundError:
                return set()

    def read(self, name: str) -> bytes | None:
        """The content of a file; None where there is none."""
        try:
            if self._folder is not None:
                return file_bytes(self._folder / name, MOST_IMAGE_BYTES)
            with answering(self._of(name)) as (files, path):
                content: bytes | None = files.cat_file(path) if files.exists(path) else None
                return content
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write a file, or replace it."""
        if self._folder is not None:
            write_bytes(self._folder / name, content)
            return
        with answering(self._of(name)) as (files, path):
            files.pipe_file(path, content)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self._folder is not None:
            (self._folder / name).unlink(missing_ok=True)
            return
        with answering(self._of(name)) as (files, path), contextlib.suppress(FileNotFoundError):
            files.rm_file(path)

    @contextlib.contextmanager
    def stream(self, name: str, mode: Literal["rb", "wb"]) -> Iterator[IO[bytes]]:
        """A file that may be larger than memory: read from any position, or written from its start to its end."""
        if self._folder is not None and mode == "wb":
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
        with answering(self._of(name)) as (files, path):
            stream = files.open(path, mode)
        with stream:
            yield stream

    def batches(self, name: str, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """A Parquet file in pieces, as pyarrow's record batches; of ``columns`` those that it has.

        In this thread alone: a thread of Arrow's that lets go of a Python object as the interpreter ends, aborts it.

        Raises:
            FileNotFoundError: there is none.
            SourceError: it is no such file, or damaged.
        """
        extra_package("pyarrow", EXTRA, "a table in Parquet")
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with self.stream(name, "rb") as stream:
                file = pq.ParquetFile(stream)
                wanted = [one for one in file.schema_arrow.names if columns is None or one in columns]
                yield from file.iter_batches(columns=wanted, use_threads=False)
        except FileNotFoundError:
            raise
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{shown(self._of(name))} cannot be read as Parquet: {one_line(error)}") from error

    def _of(self, name: str) -> str:
        return f"{self.place.rstrip('/')}/{name}"
