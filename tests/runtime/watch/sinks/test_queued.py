"""Counting is exact whatever the target does, and nothing that it does reaches the caller of ``put``."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.errors import SinkError
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sinks import queued
from dgiqa_edge.runtime.watch.sinks.queued import QueuedSink, QueuePolicy, RefusedError
from dgiqa_edge.runtime.watch.status import SinkStats

NO_PAUSE = BackoffPolicy(first_s=0.0, longest_s=0.0)
Scored = Callable[..., FrameEvent]


class ScriptedTarget:
    """Takes events by index; ``script`` gives what each call of ``deliver`` raises, in order."""

    def __init__(self, script: list[Exception | None] | None = None, ignores: Callable[[int], bool] | None = None):
        self.script = list(script or [])
        self.ignores = ignores or (lambda index: False)
        self.taken: list[int] = []
        self.calls = 0
        self.closed = 0
        self.aborted = 0

    def select(self, event: FrameEvent) -> int | None:
        return None if self.ignores(event.index) else event.index

    def deliver(self, item: int) -> None:
        self.calls += 1
        problem = self.script.pop(0) if self.script else None
        if problem is not None:
            raise problem
        self.taken.append(item)

    def close(self) -> None:
        self.closed += 1

    def abort(self) -> None:
        self.aborted += 1

    def describe(self) -> dict[str, Any]:
        return {"type": "scripted"}


class BlockedTarget(ScriptedTarget):
    """``deliver`` waits until it is released, as a dead network mount does."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.entered = threading.Event()

    def deliver(self, item: int) -> None:
        self.entered.set()
        self.release.wait()
        super().deliver(item)


@pytest.fixture
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queued, "_CLOSE_GRACE_S", 0.1)


def is_exact(stats: SinkStats) -> bool:
    return stats.offered == stats.delivered + stats.ignored + stats.missed + stats.failed


def test_events_arrive_in_order_and_the_target_is_closed_once(scored: Scored) -> None:
    target = ScriptedTarget()
    sink = QueuedSink("log", target)
    for index in range(100):
        sink.put(scored(index))
    stats = sink.close(10.0)
    assert target.taken == list(range(100))
    assert stats == SinkStats(offered=100, delivered=100, ignored=0, missed=0, failed=0)
    assert sink.close(10.0) == stats
    assert target.closed == 1
    assert target.aborted == 0
    assert sink.describe() == {"name": "log", "queue": 256, "type": "scripted"}


@pytest.mark.parametrize(("when_full", "kept"), [("newest", [0, 1, 2, 3]), ("oldest", [0, 997, 998, 999])])
def test_a_dead_target_never_holds_the_caller_and_what_it_missed_is_counted(
    scored: Scored, when_full: Any, kept: list[int]
) -> None:
    """The target is released only after the last put: were one of them to wait for it, this test would hang."""
    target = BlockedTarget()
    sink = QueuedSink("dead", target, QueuePolicy(size=3, when_full=when_full))
    sink.put(scored(0))
    target.entered.wait()
    for index in range(1, 1000):
        sink.put(scored(index))
    before = sink.stats()
    assert (before.offered, before.missed) == (1000, 996)
    target.release.set()
    stats = sink.close(30.0)
    assert target.taken == kept
    assert stats == SinkStats(offered=1000, delivered=4, ignored=0, missed=996, failed=0)


def test_closing_does_not_wait_for_a_target_that_hangs(scored: Scored, no_grace: None) -> None:
    target = BlockedTarget()
    sink = QueuedSink("dead", target, QueuePolicy(size=3))
    for index in range(5):
        sink.put(scored(index))
    target.entered.wait()
    stats = sink.close(0.0)
    assert target.aborted == 1
    assert stats.delivered == 0
    assert stats.missed == stats.offered == 5
    target.release.set()  # too late: what it still does must not be counted twice
    sink._thread.join(10)
    assert sink.stats() == stats


def test_abort_frees_a_target_that_can_be_woken(scored: Scored, no_grace: None) -> None:
    class Wakeable(BlockedTarget):
        def abort(self) -> None:
            super().abort()
            self.release.set()

    target = Wakeable()
    sink = QueuedSink("pipe", target)
    sink.put(scored(0))
    target.entered.wait()
    assert is_exact(sink.close(0.0))
    assert not sink._thread.is_alive()
    assert target.closed == 1


def test_what_is_put_after_closing_is_missed(scored: Scored) -> None:
    sink = QueuedSink("log", ScriptedTarget())
    sink.close(5.0)
    sink.put(scored())
    assert sink.stats() == SinkStats(offered=1, delivered=0, ignored=0, missed=1, failed=0)


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([SinkError("down"), SinkError("down"), None], {"delivered": 1, "failed": 0, "calls": 3}),
        ([SinkError("down")] * 3, {"delivered": 0, "failed": 1, "calls": 3}),
        ([OSError(28, "No space left on device")] * 3, {"delivered": 0, "failed": 1, "calls": 3}),
        ([RefusedError("no")], {"delivered": 0, "failed": 1, "calls": 1}),
        ([SinkError("down"), RefusedError("no")], {"delivered": 0, "failed": 1, "calls": 2}),
        ([ZeroDivisionError("a bug")] * 3, {"delivered": 0, "failed": 1, "calls": 3}),
    ],
)
def test_retries_stop_at_the_policy_or_at_a_refusal(
    scored: Scored, script: list[Exception | None], expected: dict[str, int]
) -> None:
    target = ScriptedTarget(script)
    sink = QueuedSink("web", target, QueuePolicy(attempts=3, backoff=NO_PAUSE))
    sink.put(scored())
    stats = sink.close(10.0)
    assert {"delivered": stats.delivered, "failed": stats.failed, "calls": target.calls} == expected
    assert stats.last_error


def test_failures_in_a_row_make_the_pauses_longer_and_a_success_ends_that(scored: Scored) -> None:
    pauses = []

    class Recording(QueuedSink):
        def _pause(self, seconds: float) -> bool:
            pauses.append(seconds)
            return True

    steady = BackoffPolicy(first_s=1.0, factor=2.0, longest_s=4.0, jitter=0.0)
    down = SinkError("down")
    sink = Recording(
        "web",
        ScriptedTarget([down, down, down, down, None, down, None]),
        QueuePolicy(attempts=2, backoff=steady),
    )
    for index in range(5):
        sink.put(scored(index))
    sink.close(10.0)
    assert pauses == [0.0, 1.0, 2.0, 4.0, 4.0, 0.0, 1.0, 0.0]
    assert sink.stats().failed == 2


def test_a_select_that_raises_is_counted_and_does_not_reach_the_caller(scored: Scored) -> None:
    def broken(index: int) -> bool:
        raise KeyError("bug")

    sink = QueuedSink("log", ScriptedTarget(ignores=broken))
    sink.put(scored())
    stats = sink.close(5.0)
    assert (stats.offered, stats.failed) == (1, 1)
    assert stats.last_error == "KeyError: 'bug'"


def test_an_error_shows_no_credentials(scored: Scored) -> None:
    problem = SinkError("no answer from http://joe:hunter2@192.0.2.1/x?token=abc")
    sink = QueuedSink("web", ScriptedTarget([problem]))
    sink.put(scored())
    last_error = sink.close(5.0).last_error or ""
    assert "hunter2" not in last_error
    assert "abc" not in last_error


@settings(max_examples=40, deadline=None)
@given(
    events=st.lists(st.booleans(), max_size=40),
    script=st.lists(st.sampled_from(["ok", "down", "refused", "bug"]), max_size=60),
    size=st.integers(1, 5),
    when_full=st.sampled_from(["oldest", "newest"]),
    attempts=st.integers(1, 3),
    threads=st.integers(1, 3),
)
def test_every_event_is_counted_exactly_once(
    scored: Scored, events: list[bool], script: list[str], size: int, when_full: Any, attempts: int, threads: int
) -> None:
    problems = {"ok": None, "down": SinkError("down"), "refused": RefusedError("no"), "bug": ValueError("bug")}
    target = ScriptedTarget([problems[word] for word in script], ignores=lambda index: not events[index])
    policy = QueuePolicy(size=size, when_full=when_full, attempts=attempts, backoff=NO_PAUSE)
    sink = QueuedSink("any", target, policy)
    ready = [scored(index, size=(2, 2)) for index in range(len(events))]

    def put(part: int) -> None:
        for event in ready[part::threads]:
            sink.put(event)

    workers = [threading.Thread(target=put, args=(part,)) for part in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    stats = sink.close(30.0)
    assert is_exact(stats)
    assert stats.offered == len(events)
    assert stats.ignored == events.count(False)
    assert stats.delivered == len(target.taken) == len(set(target.taken))


def test_the_newest_state_that_did_not_arrive_is_owed(
    scored: Scored, wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All attempts failed: without any further event it is offered again until it arrives."""
    monkeypatch.setattr(queued, "_OWED_PAUSE_S", 0.01)
    target = ScriptedTarget([SinkError("down")] * 5)
    sink = QueuedSink("log", target, QueuePolicy(attempts=2, backoff=NO_PAUSE))
    sink.put(scored(0, changed=True))
    wait_for(lambda: target.taken == [0])
    stats = sink.close(10.0)
    assert (stats.offered, stats.delivered, stats.failed) == (2, 1, 1)
    assert is_exact(stats)


@pytest.mark.parametrize("when_full", ["oldest", "newest"])
def test_a_full_queue_does_not_lose_a_cameras_last_state(
    scored: Scored, wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, when_full: Any
) -> None:
    monkeypatch.setattr(queued, "_OWED_PAUSE_S", 0.01)
    target = BlockedTarget()
    sink = QueuedSink("log", target, QueuePolicy(size=2, when_full=when_full, backoff=NO_PAUSE))
    sink.put(scored(0))
    target.entered.wait(20)
    sink.put(scored(1, camera="front", changed=True))
    sink.put(scored(2, camera="rear", changed=True))
    sink.put(scored(3, camera="front", changed=True))
    for index in (4, 5):
        sink.put(scored(index))
    target.release.set()
    wait_for(lambda: {2, 3} <= set(target.taken))
    assert is_exact(sink.close(10.0))
    # What is owed never overtakes what is newer.
    assert [index for index in target.taken if index in (1, 3)][-1] == 3


def test_a_newer_state_takes_the_place_of_one_that_is_owed(
    scored: Scored, wait_for: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queued, "_OWED_PAUSE_S", 0.5)
    target = ScriptedTarget([SinkError("down")])
    sink = QueuedSink("log", target, QueuePolicy(attempts=1, backoff=NO_PAUSE))
    sink.put(scored(0, changed=True))
    wait_for(lambda: sink.stats().failed == 1)
    sink.put(scored(1, changed=True))
    wait_for(lambda: 1 in target.taken)
    stats = sink.close(10.0)
    assert target.taken[-1] == 1
    assert is_exact(stats)
