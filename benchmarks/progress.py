"""A progress bar per part of a long run, on a terminal; elsewhere a line at each tenth, so that a log shows life."""

import contextlib
import sys
from collections.abc import Callable, Iterator

TENTHS = 10


@contextlib.contextmanager
def progress_bars() -> Iterator[Callable[[str, int], Callable[[], None]]]:
    """Yields ``bar(title, total)``; what it returns is to be called once per finished item. Writes to stderr."""
    if not sys.stderr.isatty():
        yield _lines
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:

        def bar(title: str, total: int) -> Callable[[], None]:
            task = bars.add_task(title, total=total)
            return lambda: bars.advance(task)

        yield bar


def _lines(title: str, total: int) -> Callable[[], None]:
    done = 0

    def advance() -> None:
        nonlocal done
        before, done = done * TENTHS // max(total, 1), done + 1
        if done * TENTHS // max(total, 1) > before:
            print(f"{title}: {done}/{total}", file=sys.stderr, flush=True)

    return advance
