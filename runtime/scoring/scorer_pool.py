"""Scorers of one bundle for several threads at once: a frame per core gives more frames than all cores on one."""

import contextlib
import os
import queue
from collections.abc import Callable, Iterator
from functools import partial
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
        first: lent before another is created; the pool closes it too.
        create: makes another; called by a thread that finds none free. Whatever it raises is raised there.
    """

    def __init__(self, first: Scorer, create: Callable[[], Scorer], most: int) -> None:
        self._create = create
        self._stack = contextlib.ExitStack()
        self._free: queue.LifoQueue[Scorer | None] = queue.LifoQueue()  # None: one that may still be created
        for _ in range(most - 1):
            self._free.put(None)
        self._free.put(self._stack.enter_context(first))
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
        backend: as for ``Scorer``, and ``options`` too. The golden frame is replayed by the first scorer alone: the
            others run the same files in the same process.

    Raises:
        DgiqaEdgeError: as ``Scorer``.
    """
    loaded = bundle if isinstance(bundle, Bundle) else load_bundle(bundle)
    most = 1 if threads is not None else frames_at_once(loaded, backend, frames)
    create = partial(Scorer, loaded, threads=1 if most > 1 else threads, backend=backend, **options)
    return ScorerPool(create(), partial(create, verify=False), most)


def frames_at_once(bundle: Bundle, backend: str, frames: int) -> int:
    """How many scorers with one thread each give most frames per second, of so many frames that wait already.

    More than one where a portable graph is small: of ``nano`` in INT8 two scorers on two cores need half the processor
    time per frame that one scorer with two threads does. But each opens the graph again: of ``nano`` for the time of
    two frames by ONNX Runtime, of 150 by OpenVINO, which compiles it.
    """
    files = bundle.manifest.files
    for role in bundle.roles:
        runner, record = choose(bundle, role, backend)
        if not runner.opens_cheaply or files[record.file].size_bytes > _MOST_BYTES:
            return 1
    return max(1, min(usable_cores(), frames, _MOST_SCORERS))


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
