"""Loss, return and end of cameras as the real loop tells them: outcome, time, how long, why, and no secret."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.watch_loop import FakeClock, ListSink, PlayedSource, frame

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.engines.portable_graph import PortableEngine
from dgiqa_edge.runtime.errors import EngineCompatibilityError, SourceError
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.event import Presence
from dgiqa_edge.runtime.watch.loop.capture import ConnectionSettings
from dgiqa_edge.runtime.watch.loop.intake import Counts, LineSettings, Policy
from dgiqa_edge.runtime.watch.loop.roll_call import Absence, Limits, RollCall
from dgiqa_edge.runtime.watch.loop.watch import Watch, WatchedCamera
from dgiqa_edge.runtime.watch.sources.protocol import Damaged, End, Stall
from dgiqa_edge.runtime.watch.status import CameraState

QUICK = ConnectionSettings(5.0, 0.5, BackoffPolicy(first_s=0.05, longest_s=0.05))
PATIENT = ConnectionSettings(5.0, 30.0, QUICK.backoff)
PASSING = parse_policy({"start": {"readings": 1, "score_max_age_s": 0.2}, "dwell": {"cool_down_s": 0}})
LINE = LineSettings(Policy.EVERY, places=2)
SECRET = "topsecret-xyz"


@pytest.fixture
def scorer(bundle_dir: Path) -> Any:
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as made:
        yield made


def watching(scorer: Scorer, source: Any, sink: Any, settings: ConnectionSettings = QUICK) -> Watch:
    return Watch([WatchedCamera("a", lambda: source, "a", LINE, settings, PASSING)], scorer, [sink])


def outcomes(sink: Any) -> list[str]:
    return [event.outcome.value for event in sink.presences]


def test_an_outage_is_told_with_its_time_its_length_and_its_reason(
    scorer: Scorer, wait_for: Callable[..., Any]
) -> None:
    back = threading.Event()

    class Flaky(PlayedSource):
        def open(self) -> None:
            if self.opened and not back.is_set():
                raise SourceError(f"rtsp://joe:{SECRET}@192.0.2.1/x?pass={SECRET} does not answer")
            super().open()

    source = Flaky([[frame()] * 5, [frame()] * 500], interval_s=0.02)
    sink, stop = ListSink(), threading.Event()
    watch = watching(scorer, source, sink)
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    wait_for(lambda: outcomes(sink) == ["starting", "lost"])
    shown = watch.status().cameras[0]
    assert shown.lost and shown.verdict is not None and shown.verdict.state is State.UNKNOWN
    gone_at = time.time()
    time.sleep(1.0)
    back.set()
    wait_for(lambda: outcomes(sink)[-1] == "returned")
    wait_for(lambda: watch.status().cameras[0].lost is False)
    after = len(sink.events)
    wait_for(lambda: any(event.announced and event.verdict.state is State.PASS for event in sink.events[after:]))
    stop.set()
    thread.join(30)
    starting, lost, returned, ended = sink.presences
    assert [event.source_state for event in sink.presences] == ["connecting", "retrying", "live", "stopped"]
    assert starting.verdict.reason == "starting" and starting.error is None
    assert (lost.verdict.state, lost.verdict.reason) == (State.UNKNOWN, "no signal")
    assert lost.verdict.changed and lost.verdict.announced
    assert "does not answer" in lost.error and SECRET not in lost.error
    assert lost.captured_at == pytest.approx(gone_at, abs=2.0)
    assert 1.0 < returned.away_s < 10.0
    assert returned.captured_at - sink.events[4].captured_at == pytest.approx(returned.away_s, abs=0.5)
    assert (ended.verdict.state, ended.verdict.reason) == (State.UNKNOWN, "stopped")
    assert [event.index for event in sink.presences] == [None] * 4
    states = [event.verdict.state for event in sink.events if event.index in (4, 5)]
    assert states == [State.PASS, returned.verdict.state]


@pytest.mark.parametrize(
    ("steps", "reason", "state", "error"),
    [
        ([Damaged("cut off")] * 9999, "not scored", "live", "cut off"),
        ([Stall("nothing")] * 9999, "no signal", "retrying", "no frame for"),
        ([End("gone")], "no signal", "retrying", "gone"),
    ],
)
def test_whatever_keeps_frames_from_being_scored_is_a_loss(
    scorer: Scorer, wait_for: Callable[..., Any], steps: list[Any], reason: str, state: str, error: str
) -> None:
    source = PlayedSource([[frame()] * 3 + steps, [SourceError(error)]], interval_s=0.02)
    sink, stop = ListSink(), threading.Event()
    settings = PATIENT if reason == "not scored" else QUICK
    thread = threading.Thread(target=watching(scorer, source, sink, settings).run, args=(stop,))
    thread.start()
    wait_for(lambda: "lost" in outcomes(sink))
    stop.set()
    thread.join(30)
    lost = sink.presences[1]
    assert (lost.verdict.reason, lost.source_state) == (reason, state)
    assert error in lost.error


def test_a_source_without_frames_that_is_no_camera_is_lost_too(scorer: Scorer, wait_for: Callable[..., Any]) -> None:
    source = PlayedSource([[frame()] * 3 + [Stall("the disk hangs")] * 9999], live=False)
    sink, stop = ListSink(), threading.Event()
    thread = threading.Thread(target=watching(scorer, source, sink).run, args=(stop,))
    thread.start()
    wait_for(lambda: "lost" in outcomes(sink))
    stop.set()
    thread.join(30)
    assert sink.presences[1].source_state == "stalled"


def test_a_camera_that_never_came_up_is_told(scorer: Scorer, wait_for: Callable[..., Any]) -> None:
    source = PlayedSource([[SourceError("refused")]])
    sink, stop = ListSink(), threading.Event()
    thread = threading.Thread(target=watching(scorer, source, sink).run, args=(stop,))
    thread.start()
    wait_for(lambda: outcomes(sink) == ["starting", "lost"])
    stop.set()
    thread.join(30)
    assert (sink.presences[1].error, sink.presences[1].away_s) == ("refused", None)


def test_a_file_that_is_over_has_ended_and_one_that_is_missing_is_lost_for_good(
    scorer: Scorer, wait_for: Callable[..., Any]
) -> None:
    sink = ListSink()
    watching(scorer, PlayedSource([[frame()] * 3 + [End("cut off", whole=False)]], False), sink).run(threading.Event())
    assert outcomes(sink) == ["starting", "ended"]
    assert (sink.presences[1].verdict.reason, sink.presences[1].source_state) == ("ended", "ended")
    assert sink.presences[1].error == "cut off"
    missing = ListSink()
    watching(scorer, PlayedSource([[SourceError("not there")]], live=False), missing).run(threading.Event())
    assert outcomes(missing)[-1] == "ended"
    assert (missing.presences[-1].source_state, missing.presences[-1].error) == ("failed", "not there")


def test_an_error_that_ends_the_watch_is_told_to_every_camera(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, inputs: Any) -> Any:
        raise EngineCompatibilityError("the GPU fell off the bus")

    monkeypatch.setattr(PortableEngine, "run", broken)
    sink = ListSink()
    watching(scorer, PlayedSource([[frame()] * 50], live=False), sink).run(threading.Event())
    assert outcomes(sink)[-1] == "ended"
    assert "fell off the bus" in sink.presences[-1].error


def test_a_scoring_thread_that_dies_ends_the_watch(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = ListSink()
    watch = watching(scorer, PlayedSource([[frame()] * 50], interval_s=0.02), sink)
    monkeypatch.setattr(watch._judges["a"], "published", lambda seconds: 1 / 0)
    watch.run(threading.Event())
    assert watch.fatal is not None and "ZeroDivisionError" in str(watch.fatal)
    assert outcomes(sink)[-1] == "ended"


IDLE = Counts(0, 0, 0, 0, 0, 0, 0)
LIMITS = Limits(silent_s=10.0, failing_s=2.0, engine_s=30.0)


@pytest.mark.parametrize(
    ("state", "silent_s", "counts", "busy_s", "reason"),
    [
        (CameraState.CONNECTING, 99.0, IDLE, 0.0, None),
        (CameraState.LIVE, 9.0, IDLE, 0.0, None),
        (CameraState.LIVE, 11.0, IDLE, 0.0, "no signal"),
        (CameraState.LIVE, 99.0, Counts(1, 0, 0, 0, 0, 1, 0), 0.0, None),  # waits for its turn
        (CameraState.RETRYING, 0.0, Counts(1, 0, 0, 0, 0, 0, 1), 0.0, None),  # the last frame is being scored
        (CameraState.RETRYING, 0.0, IDLE, 0.0, "no signal"),
        (CameraState.LIVE, 31.0, Counts(1, 0, 0, 0, 0, 0, 1), 31.0, "not scored"),  # the engine hangs
    ],
)
def test_when_a_camera_counts_as_lost(
    state: CameraState, silent_s: float, counts: Counts, busy_s: float, reason: str | None
) -> None:
    clock = FakeClock()
    roll = RollCall({"a": None}, lambda event: None, clock)  # type: ignore[dict-item]
    clock.advance(silent_s)
    absence = roll.absence("a", state, None, counts, busy_s, LIMITS)
    assert (absence and absence.reason) == reason


def test_a_verdict_from_just_before_the_loss_does_not_count_after_it(scored: Callable[..., Any]) -> None:
    class Judge:
        def lose(self, *_: Any) -> Verdict:
            return Verdict(State.UNKNOWN, "no signal", changed=True)

    told: list[Any] = []
    roll = RollCall({"front": Judge()}, told.append, FakeClock())  # type: ignore[dict-item]
    roll.frame(scored(0, State.PASS))
    roll.lose("front", Absence("not scored", CameraState.LIVE, "the engine hangs"))
    roll.frame(scored(1, State.PASS))  # the gate went on from before
    roll.frame(scored(2, State.PASS, changed=True))
    assert [(event.outcome.value, event.verdict.state.value) for event in told] == [
        ("scored", "pass"),
        ("lost", "unknown"),
        ("returned", "unknown"),
        ("scored", "unknown"),
        ("scored", "pass"),
    ]


def test_presence_words_are_those_of_the_schema() -> None:
    assert [kind.value for kind in Presence] == ["starting", "lost", "returned", "ended"]
