"""Scorers of one bundle for several threads at once: a frame per core gives more frames than all cores on one."""

import contextlib
import os
import queue
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, TypeVar

from ..bundle.bundle import Bundle
from ..engines.registry import choose
from ..engines.remote.model import RemoteBundle

_MOST_BYTES = 16 << 20
"""Of a graph that is loaded once per core: every scorer holds the weights again, a larger network fills the cores."""
_MOST_SCORERS = 16
_MOST_REQUESTS = 8
"""To a server at once: it makes batches of them."""

Lent = TypeVar("Lent")


class ScorerPool(Generic[Lent]):
    """Lends scorers to threads, at most ``most`` at once; in a ``with`` block or with ``close``.

    Args:
        create: makes one; called by a thread that finds none free. Whatever it raises is raised there.
    """

    def __init__(self, create: Callable[[], AbstractContextManager[Lent]], most: int) -> None:
        self._create = create
        self._stack = contextlib.ExitStack()
        self._free: queue.LifoQueue[Lent | None] = queue.LifoQueue()  # None: one that may still be created
        for _ in range(most):
            self._free.put(None)

    @contextlib.contextmanager
    def scorer(self) -> Iterator[Lent]:
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

    def __enter__(self) -> "ScorerPool[Lent]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def frames_at_once(bundle: Bundle, backend: str, frames: int) -> int:
    """How many scorers with one thread each give most frames per second, of so many frames that wait already.

    More than one where a portable graph is small: of ``nano`` in INT8 two scorers on two cores need half the processor
    time per frame that one scorer with two threads does. But each opens the graph again: of ``nano`` for the time of
    two frames by ONNX Runtime, of 150 by OpenVINO, which compiles it.
    """
    if isinstance(bundle, RemoteBundle):
        return max(1, min(frames, _MOST_REQUESTS))
    files = bundle.manifest.files
    for role in bundle.roles:
        runner, record = choose(bundle, role, backend)
        if not runner.opens_cheaply or files[record.file].size_bytes > _MOST_BYTES:
            return 1
    return max(1, min(usable_cores(), frames, _MOST_SCORERS))


def usable_cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
