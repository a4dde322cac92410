"""Connecting, losing, stalling, hanging and ending, in a time that the tests make pass."""

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from stand_ins.watch_loop import FakeClock, PlayedSource, frame

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.errors import MachineError, SourceError
from dgiqa_edge.runtime.watch.event import Outcome
from dgiqa_edge.runtime.watch.loop.capture import MOST_HUNG_READS, Capture, CaptureSnapshot, ConnectionSettings
from dgiqa_edge.runtime.watch.loop.intake import CapturedFrame, Counts, Intake, LineSettings
from dgiqa_edge.runtime.watch.sources.protocol import Damaged, End, Stall
from dgiqa_edge.runtime.watch.status import CameraState

SETTINGS = ConnectionSettings(5.0, 3.0, BackoffPolicy(first_s=1.0, factor=2.0, longest_s=8.0, jitter=0.0))
FOREVER = 100.0


class Rig:
    """One capture over played sources; ``settled`` collects the frames that ended in it."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.intake = Intake({"cam": LineSettings(places=100)})
        self.settled: list[tuple[int, Outcome]] = []
        self.created = 0
        self.sources: list[Any] = []
        self.capture = Capture("cam", self._create, self.intake, SETTINGS, clock, random.Random(0), self._settled)

    def start(self, *sources: Any) -> None:
        self.sources = list(sources)
        self.capture.start()

    def _create(self) -> Any:
        source = self.sources[min(self.created, len(self.sources) - 1)]
        self.created += 1
        if isinstance(source, Exception):
            raise source
        return source

    def _settled(self, ended: CapturedFrame, outcome: Outcome) -> None:
        self.settled.append((ended.index, outcome))

    def until(self, condition: Callable[[], bool]) -> CaptureSnapshot:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, f"never came true: {self.capture.snapshot()}"
            time.sleep(0.002)
        return self.capture.snapshot()

    def until_state(self, state: CameraState) -> CaptureSnapshot:
        return self.until(lambda: self.capture.snapshot().state is state)

    @property
    def counts(self) -> Counts:
        return self.intake.counts()["cam"]


@pytest.fixture
def rig() -> Any:
    made = Rig(FakeClock())
    yield made
    made.capture.stop(1.0)


def test_a_file_is_read_to_its_end(rig: Rig) -> None:
    source = PlayedSource([[frame()] * 3], live=False)
    rig.start(source)
    shown = rig.until_state(CameraState.ENDED)
    assert (shown.problem, shown.reconnects, shown.frame_size) == (None, 0, (64, 48))
    assert rig.counts.received == 3
    assert source.closed


def test_an_end_that_comes_too_early_is_a_problem(rig: Rig) -> None:
    rig.start(PlayedSource([[frame(), End("cut off", whole=False)]], live=False))
    assert rig.until_state(CameraState.ENDED).problem == "cut off"


def test_a_file_that_cannot_be_opened_has_failed(rig: Rig) -> None:
    rig.start(PlayedSource([[SourceError("rtsp://a:secret@host is not there")]], live=False))
    shown = rig.until_state(CameraState.FAILED)
    assert shown.problem == "rtsp://***@host is not there"


def test_a_lost_camera_is_connected_again_with_growing_pauses(rig: Rig) -> None:
    def later() -> Any:
        rig.clock.advance(2.0)
        return frame()

    refused: list[Any] = [SourceError("refused")]
    held, dropped = [later] * 4 + [End("lost")], [frame(), End("lost")]
    rig.start(PlayedSource([refused, refused, refused, held, dropped, dropped, [later] * FOREVER_FRAMES]))
    rig.until(lambda: rig.capture.snapshot().reconnects == 3)
    pauses = [wait for wait in rig.clock.waits if wait >= 1.0]
    assert pauses[:6] == [1.0, 2.0, 4.0, 1.0, 2.0, 4.0], "the pause starts anew after a connection that has held"


FOREVER_FRAMES = 2000


def test_what_stopping_breaks_off_is_not_the_cameras_problem(rig: Rig) -> None:
    waiting, stopped = threading.Event(), threading.Event()

    class Hanging(PlayedSource):
        def open(self) -> None:
            super().open()
            if self.opened == 2:
                waiting.set()
                stopped.wait(30)
                raise SourceError("the decoder process died by signal 9")

        def interrupt(self) -> None:
            stopped.set()

    rig.start(Hanging([[SourceError("no route to host")], []]))
    assert waiting.wait(30)
    rig.capture.request_stop()
    rig.capture.stop(5.0)
    shown = rig.capture.snapshot()
    assert (shown.state, shown.problem) == (CameraState.STOPPED, "no route to host")


def test_pauses_have_a_longest(rig: Rig) -> None:
    source = PlayedSource([[SourceError("refused")]])
    rig.start(source)
    rig.until(lambda: source.opened >= 8)
    pauses = [wait for wait in rig.clock.waits if wait >= 1.0]
    assert pauses[:6] == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert rig.capture.snapshot().state is CameraState.RETRYING


def test_what_a_machine_lacks_ends_it(rig: Rig) -> None:
    rig.start(PlayedSource([[MachineError("GStreamer is gone")]]))
    assert rig.until_state(CameraState.FAILED).problem == "GStreamer is gone"


def test_a_source_that_cannot_be_made_is_raised_at_the_start(rig: Rig) -> None:
    with pytest.raises(MachineError):
        rig.start(MachineError("no GStreamer"))


def test_damaged_frames_are_failed_frames(rig: Rig) -> None:
    rig.start(PlayedSource([[frame(), Damaged("bad"), Damaged("bad"), frame()]], live=False))
    rig.until_state(CameraState.ENDED)
    assert rig.settled == [(1, Outcome.FAILED), (2, Outcome.FAILED)]
    assert (rig.counts.received, rig.counts.failed, rig.counts.waiting) == (4, 2, 2)


def test_a_change_of_size_is_counted(rig: Rig) -> None:
    sizes = [(64, 48), (64, 48), (32, 24), (64, 48)]
    rig.start(PlayedSource([[frame(size=size) for size in sizes]], live=False))
    assert rig.until_state(CameraState.ENDED).size_changes == 2


def test_a_camera_without_frames_is_connected_again(rig: Rig) -> None:
    silent = [frame(), *[Stall("nothing")] * 1000]
    rig.start(PlayedSource([silent, [frame()] * FOREVER_FRAMES]))
    shown = rig.until(lambda: rig.capture.snapshot().reconnects == 1)
    assert shown.stalls == 1


def test_nothing_but_damage_is_a_stall_as_well(rig: Rig) -> None:
    def damaged() -> Damaged:
        rig.clock.advance(0.5)
        return Damaged("bad")

    rig.start(PlayedSource([[damaged] * 50, [frame()]]))
    rig.until(lambda: rig.capture.snapshot().stalls == 1)
    assert rig.counts.failed >= 6


def test_a_slow_read_is_a_stall_and_its_frame_too_old(rig: Rig) -> None:
    """A decoder's own time-out ends the read and hands out what it had."""

    def late() -> Any:
        rig.clock.advance(3.0)
        return frame()

    rig.start(PlayedSource([[frame(), late], [End("over")]]))
    shown = rig.until(lambda: rig.capture.snapshot().stalls == 1)
    assert shown.state in (CameraState.RETRYING, CameraState.CONNECTING)
    rig.until(lambda: rig.settled == [(1, Outcome.SKIPPED)])


class Hang:
    """A read that hangs in a driver until it is released, and then still gives a frame."""

    def __init__(self, result: Any) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()
        self._result = result

    def __call__(self) -> Any:
        self.entered.set()
        self.released.wait(30)
        return self._result


def test_a_read_that_hangs_is_left_behind_and_its_frame_accounted_for(rig: Rig) -> None:
    hang, idle = Hang(frame()), Hang(End("over"))
    hung, fresh = PlayedSource([[frame(), hang]]), PlayedSource([[frame(), idle]])
    rig.start(hung, fresh)
    assert hang.entered.wait(30)
    rig.capture.tick()
    assert rig.capture.snapshot().abandoned_reads == 0, "not yet"
    rig.clock.advance(5.5)
    rig.capture.tick()
    assert hung.interrupted == 1
    shown = rig.until(lambda: rig.capture.snapshot().reconnects == 1)
    assert (shown.stalls, shown.abandoned_reads, shown.hung_reads) == (1, 1, 1)
    received = rig.counts.received

    hang.released.set()
    rig.until(lambda: hung.closed > 0)
    rig.capture.tick()
    assert rig.capture.snapshot().hung_reads == 0
    assert rig.counts.received > received
    rig.until(
        lambda: (1, Outcome.SKIPPED) in rig.settled or any(outcome is Outcome.SKIPPED for _, outcome in rig.settled)
    )


def test_no_more_than_a_few_reads_are_left_behind(rig: Rig) -> None:
    hangs = [Hang(End("at last")) for _ in range(MOST_HUNG_READS)]
    sources = [PlayedSource([[hang]]) for hang in hangs]
    rig.start(*sources, PlayedSource([[frame()] * 9999]))
    for hang in hangs:
        assert hang.entered.wait(30)
        rig.clock.advance(6.0)
        rig.capture.tick()
    shown = rig.capture.snapshot()
    assert shown.hung_reads == MOST_HUNG_READS
    assert "reads hang" in str(shown.problem)
    assert rig.created == MOST_HUNG_READS
    hangs[0].released.set()
    rig.until(lambda: sources[0].closed > 0)
    rig.until(lambda: bool(rig.capture.tick() or rig.created > MOST_HUNG_READS))
    assert rig.until_state(CameraState.LIVE)
    for hang in hangs:
        hang.released.set()


def test_a_file_whose_read_hangs_has_failed(rig: Rig) -> None:
    hang = Hang(End("late"))
    rig.start(PlayedSource([[hang]], live=False))
    assert hang.entered.wait(30)
    rig.clock.advance(6.0)
    rig.capture.tick()
    assert rig.capture.snapshot().state is CameraState.FAILED
    hang.released.set()


def test_a_hung_read_does_not_hold_up_the_stop(rig: Rig) -> None:
    hang = Hang(End("late"))
    source = PlayedSource([[hang]])
    rig.start(source)
    assert hang.entered.wait(30)
    rig.capture.stop(0.1)
    shown = rig.capture.snapshot()
    assert (shown.state, shown.hung_reads, source.interrupted) == (CameraState.STOPPED, 1, 1)
    hang.released.set()


def test_a_bug_in_a_source_does_not_end_the_camera(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        rig.start(PlayedSource([[frame(), ZeroDivisionError()], [frame()] * 9999]))
        rig.until(lambda: rig.capture.snapshot().reconnects == 1)
    assert "internal error" in caplog.text


def test_reads_keep_the_pace_and_catch_up_with_one_frame_at_most(rig: Rig) -> None:
    at: list[float] = []

    def take(seconds: float) -> Callable[[], Any]:
        def read() -> Any:
            at.append(round(rig.clock.monotonic() - 1000.0, 3))
            rig.clock.advance(seconds)
            return frame()

        return read

    steps = [take(seconds) for seconds in (0.0, 0.2, 2.5, 0.0, 0.0, 0.0)]
    rig.start(PlayedSource([steps], live=False, interval_s=1.0))
    rig.until_state(CameraState.ENDED)
    assert at == [0.0, 1.0, 2.0, 4.5, 4.5, 5.5]


def test_a_state_is_logged_once(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    source = PlayedSource([[SourceError("http://a:secret@host refused")]])
    with caplog.at_level(logging.INFO):
        rig.start(source)
        rig.until(lambda: source.opened >= 5)
    assert [record.getMessage() for record in caplog.records] == ["cam: retrying (http://***@host refused)"]
