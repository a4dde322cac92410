"""What a terminal shows and what a log keeps; time is the test's own."""

import io
import sys
import time
from types import SimpleNamespace

import pytest

from dgiqa_edge.runtime.commands import progress as progress_module
from dgiqa_edge.runtime.commands.progress import LOG_S, REDRAW_S, Progress


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def stderr(monkeypatch, clock):
    """The module's own: pytest puts its own in the place of everybody's when a test begins."""
    stream = io.StringIO()
    monkeypatch.setattr(progress_module, "sys", SimpleNamespace(stderr=stream, maxsize=sys.maxsize))
    return stream


@pytest.fixture
def log(stderr):
    """What was written to stderr, which is a file."""
    return stderr.getvalue


@pytest.fixture
def terminal(stderr):
    """What was drawn on stderr, draw by draw."""
    stderr.isatty = lambda: True
    return lambda: stderr.getvalue().split("\r\x1b[K")[1:]


def test_a_terminal_shows_one_line_that_is_gone_at_the_end(terminal, clock):
    with Progress("photos") as progress:
        for done in range(5):
            progress(done, 4, f"n{done}")
            clock[0] += REDRAW_S
    assert terminal() == ["photos", *(f"photos {done}/4, n{done}" for done in range(4)), "", ""]


def test_a_line_is_not_drawn_more_often_than_eyes_see_it(terminal, clock):
    step = Progress().counter("frames", 10_000)
    for _ in range(5000):
        step()
        clock[0] += REDRAW_S / 100
    assert 45 <= len(terminal()) <= 55


def test_a_log_gets_a_line_a_minute_and_nothing_of_what_is_quick(log, clock):
    with Progress("soak", " min") as progress:
        progress(0.0, 30)
        clock[0] += LOG_S
        progress(1.0, 30)
        progress(1.1, 30)
    assert log() == "soak 1.0/30 min, 29 min left\n"


def test_an_unknown_end_and_another_count_have_no_time_left_of_the_first(log, clock):
    progress = Progress("first")
    clock[0] += LOG_S
    progress.begin("second")
    progress(3, 0)
    clock[0] += LOG_S
    progress(30, 60)
    assert log() == "second 3\nsecond 30/60, 60 s left\n"


def test_what_cannot_be_counted_says_how_long_it_has_taken(log, clock):
    progress = Progress("engine")
    for _ in range(3):
        progress.beat("building")
        clock[0] += LOG_S
    progress.beat("timing 2/5")
    assert log() == "engine: 60 s, building\nengine: 120 s, building\nengine: 180 s, timing 2/5\n"


def test_a_share_and_what_is_left_of_it(terminal, clock):
    progress = Progress("measuring")
    progress.share(0.0)
    clock[0] += 10
    progress.share(0.25)
    clock[0] += 30
    progress.share(1.0)
    assert terminal() == ["measuring", "measuring 0%", "measuring 25%, 30 s left", ""]


def test_a_quiet_program_says_nothing_on_the_way(stderr, clock, monkeypatch):
    stderr.isatty = lambda: True
    monkeypatch.setattr(progress_module, "_quiet", True)
    with Progress("photos") as progress:
        clock[0] += LOG_S
        progress(1, 2)
        progress.beat("building")
    progress_module.say("a remark")
    assert stderr.getvalue() == ""


def test_an_error_leaves_a_clean_line(terminal):
    with pytest.raises(ValueError, match="broken"), Progress("photos") as progress:
        progress(1, 2)
        raise ValueError("broken")
    assert terminal()[-1] == ""
