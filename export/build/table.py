"""What a person sees of a build: stages with their progress, and the closing table.

Progress goes to stderr, the table to stdout. Without a terminal, each stage is one line when it ends.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dgiqa_edge.calibration.fidelity import Fidelity

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


@dataclass(frozen=True)
class Row:
    """One precision in the closing table; latency in milliseconds, size in bytes, depth error in grey levels."""

    precision: str
    bytes: int
    score_mae: float | None
    score_max: float | None
    score_srcc: float | None
    depth_mae_levels: float | None
    depth_correlation: float | None
    p50_ms: float | None


def row(precision: str, size_bytes: int, fidelity: "Fidelity", p50_ms: float | None) -> Row:
    """The row of a precision whose fidelity against FP32 was measured."""
    return Row(
        precision,
        size_bytes,
        fidelity.score_mae,
        fidelity.score_max,
        fidelity.score_srcc,
        fidelity.depth_mae_levels,
        fidelity.depth_correlation,
        p50_ms,
    )


def print_table(rows: list[Row], caption: str) -> None:
    """Print the closing table to stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(caption=caption, caption_justify="left")
    for title in ("precision", "size", "score MAE", "score max", "SRCC", "depth MAE", "depth corr.", "p50"):
        table.add_column(title, justify="left" if title == "precision" else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.precision,
            f"{row.bytes / 2**20:.1f} MiB",
            _figure(row.score_mae, ".5f"),
            _figure(row.score_max, ".5f"),
            _figure(row.score_srcc, ".4f"),
            _figure(row.depth_mae_levels, ".2f", " lv"),
            _figure(row.depth_correlation, ".4f"),
            _figure(row.p50_ms, ".1f", " ms"),
        )
    Console(width=max(100, Console().width)).print(table)


def _figure(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"
