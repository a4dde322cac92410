"""The stages of a build as a person sees them, on stderr; without a terminal each is one line when it ends."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dgiqa_edge.runtime.commands.progress import Progress, say

Tick = Callable[[int, int], None]


class Reporter:
    """Prints the stages of one build."""

    def __init__(self, stages: int) -> None:
        self.progress = Progress()
        self.stages = stages
        self.stage_number = 0

    def note(self, text: str) -> None:
        """One line that is no stage."""
        self.progress.clear()
        say(text)

    def skip(self, title: str, why: str) -> None:
        """A stage that is not run, and why."""
        self.note(f"{self._next(title)}: {why}")

    @contextmanager
    def stage(self, title: str) -> Iterator["StageLine"]:
        """Announce a stage; the line is closed with its result and duration."""
        title, start = self._next(title), time.monotonic()
        self.progress.begin(title)
        line = StageLine(self.progress)
        try:
            yield line
        except BaseException:
            line.result = "failed"
            raise
        finally:
            self.note(f"{title}: {line.result} ({time.monotonic() - start:.1f} s)")

    def _next(self, title: str) -> str:
        self.stage_number += 1
        return f"[{self.stage_number}/{self.stages}] {title}"


class StageLine:
    """One stage on the screen: its progress while it runs, one line with its ``result`` afterwards."""

    def __init__(self, tick: Tick) -> None:
        self.tick, self.result = tick, ""

    def counter(self, total: int) -> Callable[[], None]:
        """A function to call once per finished item."""
        done = iter(range(1, sys.maxsize))
        return lambda: self.tick(next(done), total)


def reused(from_earlier_run: bool, text: str) -> str:
    """``text``, marked where an earlier run made the result."""
    return f"{text}; reused" if from_earlier_run else text
