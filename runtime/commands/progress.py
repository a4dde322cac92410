"""What a command says on the way, on stderr: how far a long one is, and remarks; with ``--quiet`` neither.

Of progress a terminal shows one line, redrawn and gone at the end, a log one a minute. Standard output is never
touched. What a finished part has to say, its command prints after ``clear``. Warnings and errors are no remarks.
"""

import sys
import time
from collections.abc import Callable
from types import TracebackType

from ..ground.quantities import remaining

REDRAW_S = 0.1
LOG_S = 60.0
_SURE_AFTER_S = 2.0
"""Sooner, what is left is a guess."""
_CLEAR = "\r\x1b[K"
_quiet = False


def set_quiet(quiet: bool) -> None:
    """Whether from here on nothing is said on the way."""
    global _quiet
    _quiet = quiet


def is_quiet() -> bool:
    """Whether that is so."""
    return _quiet


def say(remark: str) -> None:
    """One line for whoever looks on."""
    if not _quiet:
        print(remark, file=sys.stderr, flush=True)


class Progress:
    """Counts one thing after the other; call it with what is done and of how much, 0 where that is not known."""

    def __init__(self, title: str = "", unit: str = "") -> None:
        self._terminal = sys.stderr.isatty() and not _quiet
        self._unit = unit
        self._due = time.monotonic() + (0.0 if self._terminal else LOG_S)
        self.begin(title)

    def begin(self, title: str) -> None:
        """Count something else from here on; a terminal shows its title at once."""
        self._title, self._began = title, time.monotonic()
        if self._terminal:
            self._show(title)

    def counter(self, title: str, total: int) -> Callable[[], None]:
        """A function to call once per finished item."""
        self.begin(title)
        done = iter(range(1, sys.maxsize))
        return lambda: self(next(done), total)

    def __call__(self, done: float, total: float, detail: str = "") -> None:
        self._tell(f"{done}/{total}{self._unit}" if total else f"{done}{self._unit}", done, total, detail)

    def share(self, done: float, detail: str = "") -> None:
        """The same of what is no number of things: ``done`` from 0 to 1."""
        self._tell(f"{done:.0%}", done, 1.0, detail)

    def beat(self, detail: str) -> None:
        """Say how long it has taken and what it is at, where there is nothing to count."""
        now = time.monotonic()
        if self._is_due(now):
            self._show(f"{self._title}: {now - self._began:.0f} s, {detail}")

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self._terminal:
            self._show("")

    def _tell(self, how_far: str, done: float, total: float, detail: str) -> None:
        now = time.monotonic()
        if total and done >= total:
            self.clear()
        elif self._is_due(now):
            said = f"{self._title} {how_far}"
            spent = now - self._began
            if total and done and spent > _SURE_AFTER_S:
                said += f", {remaining(spent / done * (total - done))} left"
            self._show(f"{said}, {detail}" if detail else said)

    def _is_due(self, now: float) -> bool:
        due = now >= self._due and not _quiet
        if due:
            self._due = now + (REDRAW_S if self._terminal else LOG_S)
        return due

    def _show(self, said: str) -> None:
        before, after = (_CLEAR, "") if self._terminal else ("", "\n")
        print(f"{before}{said}", end=after, file=sys.stderr, flush=True)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
