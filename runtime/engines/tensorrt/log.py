"""TensorRT's messages: kept instead of printed, so that an error can say why.

TensorRT takes one logger per process, the first it is given; so everything of ours shares this one. A message counts
for the operation during which it came and for no other: some do no harm, and would explain every later error.
"""

import functools
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...ground.error_text import one_line

_KEPT = 50


@contextmanager
def uncollected() -> Iterator[None]:
    """No garbage is collected while the block, or the function that this decorates, runs.

    TensorRT makes builders and runtimes under a lock, and logs there. A collection that happened to begin in the logger
    and freed an older builder waited for that very lock, forever (seen with TensorRT-RTX 1.7).
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Said:
    """The errors that one operation logged."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def reason(self) -> str:
        """The first error, which names the cause where later ones name consequences."""
        return one_line(self.errors[0] if self.errors else "TensorRT gave no reason")


class Messages:
    """Where TensorRT's messages go: to the operation that runs, outside of one nowhere."""

    def __init__(self) -> None:
        self._listener: Said | None = None

    def add(self, severity: int, text: str) -> None:
        """Take one message; severity as TensorRT counts: 0 internal error, 1 error, 2 warning."""
        if severity <= 1 and self._listener is not None and len(self._listener.errors) < _KEPT:
            self._listener.errors.append(text)

    @contextmanager
    def during(self) -> Iterator[Said]:
        """What is said while the block runs."""
        before, self._listener = self._listener, Said()
        try:
            yield self._listener
        finally:
            self._listener = before


@functools.cache
def logger(trt: Any) -> tuple[Any, Messages]:
    """The process's ``ILogger`` for the module ``trt``, and what it collects."""
    messages = Messages()

    class Collector(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            messages.add(int(severity), msg)

    return Collector(), messages
