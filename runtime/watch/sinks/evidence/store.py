"""Incidents on disk: folders that appear whole or not at all, with a limit on their bytes.

Only files that bear the names given here are counted and removed, in folders that do: what else somebody keeps there
stays, and the folder with it.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ....errors import MachineError
from ....ground.atomic import PARTIAL_PREFIX, atomic_directory
from ....ground.names import file_name
from ..oldest_first import Kept, OldestFirst, unwritten
from ..queued import RefusedError

RECORD = "incident.json"
_INCIDENT = re.compile(r"\d{8}T\d{6}\.\d{3}Z-\w+(?:-\d+)?")
_OWN = re.compile(rf"{re.escape(RECORD)}|\d{{3,}}_[+-]\d+\.\d{{3}}s\.jpg")


def picture_name(number: int, offset_s: float) -> str:
    """The ``number``-th picture of an incident, by its seconds from the beginning: ``007_-1.500s.jpg``."""
    return f"{number:03d}_{offset_s:+.3f}s.jpg"


class IncidentStore(OldestFirst):
    """``path/CAMERA/TIME-SLUG/`` with a record and pictures.

    Args:
        most_bytes: of the files of all incidents, those of earlier runs included.

    Raises:
        SinkError: the folder cannot be used.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        super().__init__(path, _found, _remove, most_bytes)
        self._path = path
        self.make_room(0)

    def keep(self, camera: str, name: str, files: Mapping[str, bytes]) -> None:
        """Write an incident; where the name is taken, a number follows it.

        Raises:
            RefusedError: it alone is over the limit.
            SinkError: it cannot be written now, or an old one cannot be removed.
        """
        size = sum(map(len, files.values()))
        if size > self._most_bytes:
            raise RefusedError(f"an incident of {size} bytes is over disk_mib: raise it, or lower memory_mib")
        self.make_room(size)
        folder = self._path / file_name(camera)
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        path = next(folder / free for free in names if not (folder / free).exists())
        try:
            with atomic_directory(path) as partial:
                for file, content in files.items():
                    (partial / file).write_bytes(content)
        except (OSError, MachineError) as error:
            raise unwritten(path, error, "disk_mib") from error
        self.add(path, size)


def _found(path: Path) -> Iterator[Kept]:
    """What earlier runs left; half an incident that a killed process left is removed."""
    for folder in path.glob("*/*"):
        if folder.is_symlink() or not folder.is_dir():
            continue
        if folder.name.startswith(PARTIAL_PREFIX):
            _remove(folder)
        elif _INCIDENT.fullmatch(folder.name) and (own := _own_files(folder)):
            yield folder, sum(file.lstat().st_size for file in own)


def _own_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _OWN.fullmatch(path.name) and path.is_file()]


def _remove(folder: Path) -> None:
    """Its own files, and the folder where nothing else is in it."""
    if not folder.is_dir():
        return
    for path in _own_files(folder):
        path.unlink(missing_ok=True)
    if not any(folder.iterdir()):
        folder.rmdir()
