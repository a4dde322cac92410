"""A folder within limits: what was written first goes first.

Not what bears the earliest time: after a clock was set back that would be the newest. Of what earlier runs left the
names alone tell the order.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from ...errors import SinkError

Kept = tuple[Path, int]
"""A file or folder, and its bytes."""


class OldestFirst:
    """What is in the folder and counts.

    Attributes:
        size: bytes of all.
        removed: how many made room for others.

    Args:
        path: made where it is not there.
        find: what earlier runs left in it, whose names begin with the time.
        remove: of one; does nothing where it is gone.
        most_bytes, most: of all, one that is being written included.

    Raises:
        SinkError: the folder cannot be used.
    """

    def __init__(
        self,
        path: Path,
        find: Callable[[Path], Iterable[Kept]],
        remove: Callable[[Path], None],
        most_bytes: int,
        most: float = math.inf,
    ) -> None:
        self.removed = 0
        self._remove = remove
        self._most_bytes = most_bytes
        self._most = most
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._kept = deque(sorted(find(path), key=lambda kept: kept[0].name))
        except OSError as error:
            raise SinkError(f"{path} cannot be used: {error.strerror}: choose another folder") from error
        self.size = sum(size for _, size in self._kept)

    def __len__(self) -> int:
        return len(self._kept)

    def make_room(self, coming: int) -> None:
        """For one of so many bytes, which is no larger than all may be.

        Raises:
            SinkError: an old one cannot be removed.
        """
        while self._kept and (len(self._kept) >= self._most or self.size + coming > self._most_bytes):
            path, size = self._kept[0]
            try:
                self._remove(path)
            except OSError as error:
                raise SinkError(f"{path} cannot be removed: {error.strerror}: check the folder's rights") from error
            self._kept.popleft()
            self.size -= size
            self.removed += 1

    def add(self, path: Path, size: int) -> None:
        """It has been written."""
        self._kept.append((path, size))
        self.size += size


def unwritten(path: Path, error: Exception, limits: str) -> SinkError:
    """What to raise where ``path`` could not be written; ``limits`` are the settings that keep the folder small."""
    cause = error.__cause__ or error  # the system's own words: a watch is not to be run again
    reason = getattr(cause, "strerror", None) or cause
    return SinkError(f"{path} cannot be written ({reason}): free space, or lower {limits}; it goes on by itself")
