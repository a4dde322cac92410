"""TensorRT's messages: kept instead of printed, so that an error can say why.

TensorRT takes one logger per process, the first it is given; so everything of ours shares this one.
"""

import functools
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...ground.error_text import one_line

_KEPT = 50


class Messages:
    """The last warnings and errors."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT)
        self._errors: deque[str] = deque(maxlen=_KEPT)

    def add(self, severity: int, text: str) -> None:
        """Take one message; severity as TensorRT counts: 0 internal error, 1 error, 2 warning."""
        if severity <= 2:
            self._lines.append(text)
        if severity <= 1:
            self._errors.append(text)

    @contextmanager
    def fresh(self) -> Iterator["Messages"]:
        """Forget what earlier work said."""
        self._lines.clear()
        self._errors.clear()
        yield self

    def reason(self) -> str:
        """The first error since ``fresh``, which names the cause where later ones name consequences."""
        return one_line(self._errors[0] if self._errors else "TensorRT gave no reason")


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
