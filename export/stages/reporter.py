"""The stages of a build as a person sees them, on stderr; without a terminal each is one line when it ends."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Tick = Callable[[int, int], None]


class Reporter:
    """Prints the stages of one build."""

    def __init__(self, stages: int) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.stages = stages
        self.stage_number = 0

    def note(self, text: str) -> None:
        """One line that is no stage."""
        self.console.print(text, markup=False)

    def skip(self, title: str, why: str) -> None:
        """A stage that is not run, and why."""
        self.stage_number += 1
        self.note(f"[{self.stage_number}/{self.stages}] {title}: {why}")

    @contextmanager
    def stage(self, title: str) -> Iterator["StageLine"]:
        """Announce a stage; the line is closed with its result and duration."""
        self.stage_number += 1
        line = StageLine(self.console, f"[{self.stage_number}/{self.stages}] {title}")
        try:
            yield line
        except BaseException:
            line.close("failed")
            raise
        line.close()


class StageLine:
    """One stage on the screen: a progress bar while it runs, one line with its result afterwards."""

    def __init__(self, console: "object", title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        assert isinstance(console, Console)
        self.console, self.title, self.result = console, title, ""
        self.start = time.monotonic()
        self.bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self.bar.start()
        self.task = self.bar.add_task(title, total=None)

    def tick(self, done: int, total: int) -> None:
        """Report progress."""
        self.bar.update(self.task, completed=done, total=total or None)

    def counter(self, total: int) -> Callable[[], None]:
        """A function to call once per finished item."""
        done = iter(range(1, sys.maxsize))
        return lambda: self.tick(next(done), total)

    def close(self, result: str | None = None) -> None:
        self.bar.stop()
        seconds = time.monotonic() - self.start
        text = result if result is not None else self.result
        self.console.print(f"{self.title}: {text} ({seconds:.1f} s)", markup=False)


def reused(from_earlier_run: bool, text: str) -> str:
    """``text``, marked where an earlier run made the result."""
    return f"{text}; reused" if from_earlier_run else text
