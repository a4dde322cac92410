"""Scorers of one bundle for several threads at once: a frame per core gives more frames than all cores on one."""

import contextlib
import os
import queue
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from ..bundle.bundle import Bundle, load_bundle
from ..engines.registry import AUTO, choose
from .scorer import Scorer

_MOST_BYTES = 16 << 20
"""Of a graph that is loaded once per core: every scorer holds the weights again, a larger network fills the cores."""
_MOST_SCORERS = 16


class ScorerPool:
    """Lends scorers to threads, at most ``most`` at once; in a ``with`` block or with ``close``.

    Args:
        create: makes a scorer; called now, and again by a thread that finds none free. Whatever it raises is raised
            there.
    """

    def __init__(self, create: Callable[[], Scorer], most: int) -> None:
        self._create = create
        self._stack = contextlib.ExitStack()
        self._free: queue.LifoQueue[Scorer | None] = queue.LifoQueue()  # None: one that may still be created
        for _ in range(most - 1):
            self._free.put(None)
        first = self._stack.enter_context(create())
        self._free.put(first)
        self.bundle, self.most = first.bundle, most

    @contextlib.contextmanager
    def scorer(self) -> Iterator[Scorer]:
        """A scorer that no other thread has meanwhile; waits where all are lent."""
        scorer = self._free.get()
        try:
            scorer = scorer or self._stack.enter_context(self._create())
            yield scorer
        finally:
            self._free.put(scorer)

    def close(self) -> None:
        """Close every scorer; further calls do nothing."""
        self._stack.close()

    def __enter__(self) -> "ScorerPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_pool(
    bundle: str | Path | Bundle, frames: int, *, threads: int | None = None, backend: str = AUTO, **options: Any
) -> ScorerPool:
    """A pool for so many frames that wait already, as large as gives most of them per second.

    Args:
        threads: of one operator; given, one scorer takes them all and scores frame after frame.
        backend: as for ``Scorer``, and ``options`` too.

    Raises:
        DgiqaEdgeError: as ``Scorer``.
    """
    loaded = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    most = 1 if threads is not None else frames_at_once(loaded, backend, frames)
    threads = 1 if most > 1 else threads
    return ScorerPool(lambda: Scorer(loaded, threads=threads, backend=backend, **options), most)


def frames_at_once(bundle: Bundle, backend: str, frames: int) -> int:
    """How many scorers with one thread each give most frames per second, of so many frames that wait already.

    More than one where a portable graph is small: of ``nano`` in INT8 two scorers on two cores need half the processor
    time per frame that one scorer with two threads does.
    """
    files = bundle.manifest.files
    for role in bundle.roles:
        runner, record = choose(bundle, role, backend)
        if not runner.runs_portable_graphs or files[record.file].size_bytes > _MOST_BYTES:
            return 1
    return max(1, min(usable_cores(), frames, _MOST_SCORERS))


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
