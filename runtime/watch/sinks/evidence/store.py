"""Incidents on disk: folders that appear whole or not at all, with a limit on their bytes; the oldest go first.

Only files that bear the names given here are counted and removed, in folders that do: what else somebody keeps there
stays, and the folder with it.
"""

import heapq
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ....errors import MachineError, SinkError
from ....ground.atomic import PARTIAL_PREFIX, atomic_directory
from ....ground.names import file_name
from ..queued import RefusedError

RECORD = "incident.json"
_INCIDENT = re.compile(r"\d{8}T\d{6}\.\d{3}Z-\w+(?:-\d+)?")
_OWN = re.compile(rf"{re.escape(RECORD)}|\d{{3,}}_[+-]\d+\.\d{{3}}s\.jpg")


def picture_name(number: int, offset_s: float) -> str:
    """The ``number``-th picture of an incident, by its seconds from the beginning: ``007_-1.500s.jpg``."""
    return f"{number:03d}_{offset_s:+.3f}s.jpg"


class _Kept(NamedTuple):
    """Ordered by its name, which starts with the time."""

    name: str
    path: Path
    size: int


class IncidentStore:
    """``path/CAMERA/TIME-SLUG/`` with a record and pictures.

    Attributes:
        removed: incidents that made room for others.

    Args:
        most_bytes: of the files of all incidents, those of earlier runs included, and of one that is being written.

    Raises:
        SinkError: the folder cannot be used.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.removed = 0
        self._path = path
        self._most = most_bytes
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._kept = [_Kept(folder.name, folder, _size(folder)) for folder in self._found()]
        except OSError as error:
            raise SinkError(f"{path} cannot be used: {error.strerror}: choose another folder") from error
        heapq.heapify(self._kept)
        self.size = sum(kept.size for kept in self._kept)
        self._make_room(0)

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, camera: str, name: str, files: Mapping[str, bytes]) -> None:
        """Write an incident; where the name is taken, a number follows it.

        Raises:
            RefusedError: it alone is over the limit.
            SinkError: it cannot be written now, or an old one cannot be removed.
        """
        size = sum(map(len, files.values()))
        if size > self._most:
            raise RefusedError(f"an incident of {size} bytes is over disk_mib: raise it, or lower memory_mib")
        self._make_room(size)
        folder = self._path / file_name(camera)
        path = next(place for place in _names(folder / name) if not place.exists())
        try:
            with atomic_directory(path) as partial:
                for file, content in files.items():
                    (partial / file).write_bytes(content)
        except (OSError, MachineError) as error:
            raise SinkError(f"{path} cannot be written ({error}): free space, or lower disk_mib") from error
        heapq.heappush(self._kept, _Kept(path.name, path, size))
        self.size += size

    def _make_room(self, coming: int) -> None:
        while self._kept and self.size + coming > self._most:
            oldest = self._kept[0]
            try:
                _remove(oldest.path)
            except OSError as error:
                raise SinkError(
                    f"{oldest.path} cannot be removed: {error.strerror}: check the folder's rights"
                ) from error
            heapq.heappop(self._kept)
            self.size -= oldest.size
            self.removed += 1

    def _found(self) -> Iterator[Path]:
        """What earlier runs left; half an incident that a killed process left is removed."""
        for folder in self._path.glob("*/*"):
            if folder.is_symlink() or not folder.is_dir():
                continue
            if folder.name.startswith(PARTIAL_PREFIX):
                _remove(folder)
            elif _INCIDENT.fullmatch(folder.name) and any(_own_files(folder)):
                yield folder


def _names(path: Path) -> Iterator[Path]:
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


def _own_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _OWN.fullmatch(path.name) and path.is_file()]


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in _own_files(folder))


def _remove(folder: Path) -> None:
    """Its own files, and the folder where nothing else is in it."""
    if not folder.exists():
        return
    for path in _own_files(folder):
        path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
