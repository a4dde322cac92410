"""Scores blocks: each becomes one file of rows, written when all of its pictures have theirs.

A picture may end the process that decodes it. Before a block a note of it is left beside the results and taken away
behind it; whoever finds one scores that block picture by picture with a note of each, and a picture on which the
process has ended twice so has failed. So no picture is tried for ever, whoever starts the process again.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import SourceError
from ...frames.images import decode_named, quiet_decoder
from ...ground.ahead import ahead
from ...ground.extra_packages import extra_package
from ...ground.framing import Fit
from ...ground.names import json_text, shown, valid
from ...ground.strict_text import parse_json
from ...hashing import sha256_bytes
from ...quality import Quality, Unscored
from ...results_table import flat
from ..scorer import Scorer
from .plan import RESULT, Block
from .store import EXTRA, Store, is_url, read_picture, within

WORK = "_work"
"""Folder beside the results, of what runs leave for each other; readers of Parquet pass over such a name."""
MOST_DEATHS = 2
_READERS_OF_STORE = 16
"""Threads that read from a store: each waits most of the time."""


@dataclass(frozen=True)
class Job:
    """What all processes of a run are told.

    ``root``: what relative paths are named from; ``identity``: that of the bundle's files, in every row; ``faults``:
    names of those that it reads.
    """

    bundle: str
    out: str
    root: str
    identity: str
    faults: tuple[str, ...]
    backend: str = "auto"
    threads: int | None = None
    fit: Fit | None = None
    strict_size: bool = False
    verify: bool = True


@dataclass(frozen=True)
class Outcome:
    """How many pictures of a block have a score, and how many an error."""

    scored: int
    failed: int


class BlockScorer:
    """A scorer and what turns blocks into files with it; in a ``with`` block or with ``close``.

    Args:
        cores: to score on, each a picture of its own where that is faster.

    Raises:
        As ``Scorer`` does.
    """

    def __init__(self, job: Job, cores: int = sys.maxsize) -> None:
        quiet_decoder()
        self._job = job
        self._results, self._notes = Store(job.out), Store(f"{job.out.rstrip('/')}/{WORK}")
        with contextlib.ExitStack() as stack:
            scorer = stack.enter_context(
                Scorer(
                    job.bundle,
                    threads=job.threads,
                    backend=job.backend,
                    allow_spinning=False,
                    fit=job.fit,
                    strict_size=job.strict_size,
                    verify=job.verify,
                )
            )
            self._lend, self._at_once = stack.enter_context(scorer.side_by_side(cores))
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Free the engines; further calls do nothing."""
        self._stack.close()

    def __enter__(self) -> "BlockScorer":
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def score(self, block: Block, on_row: Callable[[int], None] = lambda number: None) -> Outcome:
        """Score a block and write its file, unless that is there.

        Args:
            on_row: called with the number of pictures that have their rows, on the way.

        Raises:
            FidelityError, EngineCompatibilityError: as ``Scorer.score``; nothing of the block is kept.
            MachineError: its file cannot be written, or the store of its pictures does not answer.
        """
        with contextlib.suppress(FileNotFoundError):  # written by a process that ended before it could tell
            return _outcome([row for batch in self._results.batches(block.name + RESULT) for row in batch.to_pylist()])
        rows = []
        with self._noted(block) as careful:
            found = self._one_by_one(block, careful) if careful else self._rows(block.paths)
            with contextlib.closing(found):  # an interrupt ends what has begun before the scorer is closed
                for row in found:
                    rows.append(row)
                    on_row(len(rows))
            self._results.write(block.name + RESULT, as_parquet(rows, self._job.faults))
        return _outcome(rows)

    def _rows(self, paths: Sequence[str]) -> Generator[dict[str, Any], None, None]:
        waiting = _READERS_OF_STORE if is_url(within(self._job.root, paths[0])) else 2
        return ahead(self._row, paths, max(waiting, self._at_once))

    def _row(self, path: str) -> dict[str, Any]:
        row: dict[str, Any] = {"image": valid(path), "bundle": self._job.identity}
        place = within(self._job.root, path)
        try:
            content = read_picture(place)
            row["sha256"] = sha256_bytes(content)
            frame = decode_named(content, path)
            with self._lend() as scorer:
                result: Quality | Unscored = scorer.score(frame)
        except SourceError as error:  # named as the row is
            result = Unscored(SourceError(str(error).replace(shown(place), shown(path), 1)))
        return row | flat(result.to_dict())

    def _one_by_one(self, block: Block, deaths: "Deaths") -> Generator[dict[str, Any], None, None]:
        for number, path in enumerate(block.paths):
            if deaths.of[number] < MOST_DEATHS:
                self._notes.write(block.name, deaths.note(at=number))
                yield self._row(path)
            else:
                words = (
                    f"{shown(path)} ended the process that read it, {MOST_DEATHS} times: keep it away, and report it"
                )
                yield {"image": valid(path), "bundle": self._job.identity} | Unscored(SourceError(words)).to_dict()

    @contextlib.contextmanager
    def _noted(self, block: Block) -> Iterator["Deaths | None"]:
        left = self._notes.read(block.name)
        deaths = None if left is None else Deaths.read(left)
        if deaths is None:
            self._notes.write(block.name, Deaths(Counter()).note())
        try:
            yield deaths
        finally:
            self._notes.remove(block.name)


@dataclass(frozen=True)
class Deaths:
    """How often the process ended on a picture of a block, by the picture's number."""

    of: Counter[int]

    @classmethod
    def read(cls, note: bytes) -> "Deaths":
        """What the note of a process says that is no more; a note that was cut off says nothing of a picture."""
        try:
            said = parse_json(note.decode())
        except ValueError:
            return cls(Counter())
        deaths = Counter({int(number): times for number, times in said["deaths"].items()})
        return cls(deaths + Counter([] if said["at"] is None else [said["at"]]))

    def note(self, at: int | None = None) -> bytes:
        """What to leave while the picture of number ``at`` is scored; None while several are."""
        return json_text({"deaths": {str(number): times for number, times in self.of.items()}, "at": at}).encode()


def as_parquet(rows: Sequence[dict[str, Any]], faults: Sequence[str]) -> bytes:
    """Rows as a Parquet file, with the same columns whatever has failed.

    ``image`` (the path as it was given), ``bundle`` and ``sha256`` (of the bundle's manifest, of the picture's file),
    ``score`` in [0, 1], ``latency_ms``, ``width``, ``height``, ``fault_NAME`` (probability), ``error``; what a picture
    has not is null.
    """
    extra_package("pyarrow", EXTRA, "results in Parquet")
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = [(name, pa.string()) for name in ("image", "bundle", "sha256")]
    numbers = [("score", pa.float32()), ("latency_ms", pa.float32()), ("width", pa.int32()), ("height", pa.int32())]
    probabilities = [(f"fault_{name}", pa.float32()) for name in faults]
    schema = pa.schema([*texts, *numbers, *probabilities, ("error", pa.string())])
    stream = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(list(rows), schema), stream, compression="zstd")
    content: bytes = stream.getvalue().to_pybytes()
    return content


def _outcome(rows: Sequence[dict[str, Any]]) -> Outcome:
    failed = sum(row.get("error") is not None for row in rows)
    return Outcome(len(rows) - failed, failed)
