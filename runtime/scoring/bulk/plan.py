"""What is still to be scored: pictures in blocks, without those that the results hold already.

A block is scored whole and is one file, named by the paths in it: the listing of the results tells what is done. Where
a block ends is told by the path at its end, not by counting, so that a list with a picture more or less has the same
blocks before and behind it. What of a changed block is there already is read from the files that no block is named as.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from ...ground.names import valid
from ...hashing import sha256_bytes
from .store import Store

RESULT = ".parquet"
_NAME_LETTERS = 32


def is_result(name: str) -> bool:
    """Whether a file of that name holds a block's rows."""
    return name.endswith(RESULT) and not name.startswith((".", "_"))


@dataclass(frozen=True)
class Block:
    """Pictures that are scored together; ``name`` is that of their file, without its suffix."""

    name: str
    paths: tuple[str, ...]


@dataclass
class Tally:
    """What has become of the pictures that were read from the list; a picture counts once its block is written."""

    scored: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def read(self) -> int:
        """All of them."""
        return self.scored + self.failed + self.skipped


class Plan:
    """The blocks to score, found by going through the list three times: repeats, what is there, and they themselves.

    Memory: 8 bytes for each picture of the list, and the paths in files of results that are no whole block.

    Args:
        pictures: the paths; gone through again each time.
        results: where the blocks' files are.
        size: pictures of a block, roughly: from half to twice as many.

    Attributes:
        total: pictures of the list.
        stale: those of the results that the list does not name, once ``blocks`` is at its end.
    """

    def __init__(self, pictures: Iterable[str], results: Store, size: int) -> None:
        self._pictures, self._results, self._size = pictures, results, size
        self._repeats = 0
        hashes = np.fromiter(map(hash, pictures), np.int64)
        self.total = len(hashes)
        hashes.sort()
        self._repeated = set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())
        del hashes
        self._done = {PurePath(name).stem for name in results.names() if is_result(name)}
        self._others = self._done.difference(block.name for block in self._all())
        self.stale = 0

    def blocks(self, tally: Tally) -> Iterator[Block]:
        """Each block that is not there yet; what is there, and a path that is named again, is counted as skipped."""
        there = self._rows_of_others()
        found = 0
        for block in self._all():
            if block.name not in self._done:
                missing = tuple(path for path in block.paths if valid(path) not in there)
                found += len(block.paths) - len(missing)
                tally.skipped += len(block.paths) - len(missing)
                if missing:
                    yield block if len(missing) == len(block.paths) else _block(missing)
            else:
                tally.skipped += len(block.paths)
        tally.skipped += self._repeats
        self.stale = len(there) - found

    def _all(self) -> Iterator[Block]:
        """Every block of the list, each path once."""
        seen: set[str] = set()
        self._repeats = 0
        paths: list[str] = []
        for path in self._pictures:
            if hash(path) in self._repeated:
                if path in seen:
                    self._repeats += 1
                    continue
                seen.add(path)
            paths.append(path)
            if len(paths) >= 2 * self._size or (2 * len(paths) >= self._size and self._ends_at(path)):
                yield _block(paths)
                paths = []
        if paths:
            yield _block(paths)

    def _ends_at(self, path: str) -> bool:
        return zlib.crc32(valid(path).encode()) % max(1, self._size // 2) == 0

    def _rows_of_others(self) -> set[str]:
        there: set[str] = set()
        for name in sorted(self._others):
            for batch in self._results.batches(name + RESULT, ["image"]):
                there.update(batch.column("image").to_pylist())
        return there


def _block(paths: Iterable[str]) -> Block:
    named = tuple(paths)
    return Block(sha256_bytes("\0".join(map(valid, named)).encode())[:_NAME_LETTERS], named)
