"""The whole loop with real ONNX Runtime sessions, real video files, and scripted cameras."""

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from stand_ins.watch_loop import ListSink, PlayedSource, frame

from dgiqa_edge.runtime.backoff import BackoffPolicy
from dgiqa_edge.runtime.engines.portable_graph import PortableEngine
from dgiqa_edge.runtime.errors import ConfigurationError, EngineCompatibilityError, GateError, MachineError
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.scoring.scorer import Scorer
from dgiqa_edge.runtime.watch.event import Outcome
from dgiqa_edge.runtime.watch.loop.capture import ConnectionSettings
from dgiqa_edge.runtime.watch.loop.intake import LineSettings, Policy
from dgiqa_edge.runtime.watch.loop.watch import Grace, Watch, WatchedCamera
from dgiqa_edge.runtime.watch.sources import Damaged, End, create_source
from dgiqa_edge.runtime.watch.status import CameraState

EVERY = LineSettings(Policy.EVERY, places=2)
QUICK = ConnectionSettings(5.0, 5.0, BackoffPolicy(first_s=0.01, longest_s=0.05))


@pytest.fixture
def scorer(bundle_dir: Path) -> Any:
    with Scorer(bundle_dir, threads=1, allow_spinning=False, verify=False) as made:
        yield made


def camera(name: str, source: Any, line: LineSettings = EVERY, **settings: Any) -> WatchedCamera:
    create = source if callable(source) else lambda: source
    return WatchedCamera(name, create, f"played:{name}", line, QUICK, **settings)


def uri(text: str) -> Callable[[], Any]:
    return lambda: create_source(text)


def write_video(path: Path, frames: int) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (64, 48))
    assert writer.isOpened()
    for index in range(frames):
        image = np.full((48, 64, 3), 90 + index % 50, np.uint8)
        image[::3, ::2] = 200
        writer.write(image)
    writer.release()
    return path


def test_every_frame_of_a_file_is_scored_and_told_once(scorer: Scorer, tmp_path: Path) -> None:
    sink = ListSink()
    video = write_video(tmp_path / "a.mp4", 40)
    status = Watch([camera("a", uri(str(video)))], scorer, [sink]).run(threading.Event())
    shown = status.cameras[0]
    assert (shown.captured, shown.scored, shown.skipped, shown.failed, shown.in_flight) == (40, 40, 0, 0, 0)
    assert shown.state is CameraState.ENDED
    assert [event.index for event in sink.events] == list(range(40))
    assert all(event.outcome is Outcome.SCORED for event in sink.events)
    assert sink.closed == 1
    first = sink.events[0]
    assert first.frame.shape == (48, 64, 3)
    assert first.depth.shape == (24, 32)
    assert first.latency_ms > 0
    assert sum(shown.verdicts.values()) == 40
    assert shown.latency.count == 40
    assert set(shown.stages) == {"queue", "score", "gate", "publish"}
    assert status.sinks["list"].delivered == 40
    assert status.to_json()["cameras"][0]["state"] == "ended"


def test_four_files_at_once_are_scored_in_turn(scorer: Scorer, tmp_path: Path) -> None:
    """Where scoring is what takes the time, no camera gets more than a few frames ahead of another.

    A scorer faster than the decoders would show only which of their threads the machine favoured.
    """
    videos = [write_video(tmp_path / f"{name}.mp4", 60) for name in "abcd"]
    sink = ListSink(then=lambda event: threading.Event().wait(0.01))
    cameras = [camera(name, uri(str(video))) for name, video in zip("abcd", videos, strict=True)]
    status = Watch(cameras, scorer, [sink]).run(threading.Event())
    assert [shown.scored for shown in status.cameras] == [60] * 4
    order = [event.camera for event in sink.events]
    started = max(order.index(name) for name in "abcd")
    ended = min(len(order) - 1 - order[::-1].index(name) for name in "abcd")
    between = Counter(order[started : ended + 1])
    assert max(between.values()) - min(between.values()) <= 4, between


def test_a_live_camera_is_skipped_rather_than_late(scorer: Scorer) -> None:
    """The scorer is held up while ten frames arrive: it gets the newest, the others are skipped, none is lost."""
    arrived, held = threading.Event(), threading.Event()
    slow = [frame()] + [lambda: (arrived.wait(30), frame())[1]] + [frame()] * 9

    def hold(event: Any) -> None:
        if not held.is_set():
            held.set()
            arrived.set()
            threading.Event().wait(0.3)

    sink = ListSink(then=hold)
    source = PlayedSource([slow], live=False)
    status = Watch([camera("a", source, LineSettings())], scorer, [sink]).run(threading.Event())
    shown = status.cameras[0]
    assert shown.captured == 11 == shown.scored + shown.skipped
    assert shown.skipped >= 1
    assert sorted(event.index for event in sink.events) == list(range(11))
    skipped = [event for event in sink.events if event.outcome is Outcome.SKIPPED]
    assert all(event.frame is None and event.verdict is None for event in skipped)


def test_a_stop_leaves_nothing_in_flight(scorer: Scorer) -> None:
    stop = threading.Event()
    sink = ListSink(then=lambda event: stop.set() if event.index >= 5 else None)
    cameras = [camera("a", uri("test://?script=clean:9&size=64x48&fps=0&loop=true"))]
    status = Watch(cameras, scorer, [sink]).run(stop)
    shown = status.cameras[0]
    assert status.stopping
    assert shown.in_flight == 0
    assert shown.captured == len(sink.events) == shown.scored + shown.skipped
    assert shown.state is CameraState.STOPPED


def test_it_stops_after_its_duration(scorer: Scorer) -> None:
    cameras = [camera("a", uri("test://?script=clean:9&size=64x48&fps=50&loop=true"))]
    status = Watch(cameras, scorer).run(threading.Event(), duration_s=0.5)
    assert status.cameras[0].captured > 0
    assert status.cameras[0].in_flight == 0


def test_damaged_frames_and_frames_that_no_engine_takes_have_failed(scorer: Scorer) -> None:
    bad = frame()
    object.__setattr__(bad, "image", np.zeros((48, 64, 7), np.uint8))
    source = PlayedSource([[frame(), Damaged("cut off"), bad, frame()]], live=False)
    sink = ListSink()
    status = Watch([camera("a", source)], scorer, [sink]).run(threading.Event())
    assert (status.cameras[0].scored, status.cameras[0].failed) == (2, 2)
    errors = {event.index: event.error for event in sink.events if event.outcome is Outcome.FAILED}
    assert errors[1] == "cut off"
    assert "BGR" in errors[2]


def test_a_bug_costs_one_frame(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, calls = Scorer.score, []

    def once(self: Scorer, *args: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError("a bug")
        return real(self, *args)

    monkeypatch.setattr(Scorer, "score", once)
    source = PlayedSource([[frame()] * 3], live=False)
    status = Watch([camera("a", source)], scorer).run(threading.Event())
    assert (status.cameras[0].scored, status.cameras[0].failed) == (2, 1)
    assert "internal error while scoring frame 1" in caplog.text


def test_an_engine_that_keeps_failing_ends_the_loop(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, inputs: Any) -> Any:
        raise EngineCompatibilityError("the GPU fell off the bus")

    monkeypatch.setattr(PortableEngine, "run", broken)
    source = PlayedSource([[frame()] * 50], live=False)
    watch = Watch([camera("a", source)], scorer, most_engine_failures=3)
    status = watch.run(threading.Event())
    assert isinstance(watch.fatal, EngineCompatibilityError)
    shown = status.cameras[0]
    assert shown.failed == 3
    assert shown.captured == shown.failed + shown.skipped


def test_a_policy_that_raises_ends_the_loop(scorer: Scorer) -> None:
    policy = parse_policy(
        {
            "watchdog": {"max_reject_s": 0.0, "action": "raise"},
            "dwell": {"pass_s": 0, "reject_s": 0, "cool_down_s": 0},
            "score": {"reject_below": 0.9, "accept_above": 0.95},
            "start": {"readings": 1},
        }
    )
    cameras = [camera("a", uri("test://?script=dark:9&size=64x48&fps=0&loop=true"), policy=policy)]
    watch = Watch(cameras, scorer)
    watch.run(threading.Event())
    assert isinstance(watch.fatal, GateError)


def test_a_sink_that_raises_does_not_harm_the_others(scorer: Scorer) -> None:
    good, bad = ListSink("good"), ListSink("bad", raises=True)
    source = PlayedSource([[frame()] * 3], live=False)
    status = Watch([camera("a", source)], scorer, [bad, good]).run(threading.Event())
    assert len(good.events) == 3
    assert good.closed == 1
    assert status.sinks["bad"].delivered == 0


def test_a_silent_camera_is_unknown(scorer: Scorer) -> None:
    """Lost after five frames: the gate is told that there is no signal, so nothing stays at ``pass``."""
    refused: list[Any] = [End("lost")]
    source = PlayedSource([[frame()] * 5, refused])
    stop = threading.Event()
    watch = Watch([camera("a", source)], scorer)
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    for _ in range(600):
        verdict = watch.status().cameras[0].verdict
        if verdict is not None and verdict.reason == "no signal":
            break
        stop.wait(0.05)
    stop.set()
    thread.join(30)
    assert verdict is not None
    assert verdict.state is State.UNKNOWN


def test_depth_is_refreshed_every_few_frames(make_bundle: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[str] = []
    real = PortableEngine.run

    def counted(self: PortableEngine, inputs: Any) -> Any:
        runs.append(self.record.role)
        return real(self, inputs)

    monkeypatch.setattr(PortableEngine, "run", counted)
    sizes = [(64, 48)] * 5 + [(32, 24)] * 2
    source = PlayedSource([[frame(size=size) for size in sizes]], live=False)
    sink = ListSink()
    with Scorer(make_bundle(layout="split"), threads=1, verify=False) as scorer:
        Watch([camera("a", source, depth_every=3)], scorer, [sink]).run(threading.Event())
    assert [event.depth_age for event in sink.events] == [0, 1, 2, 0, 1, 0, 1]
    assert Counter(runs) == {"quality": 7, "depth": 3}


def test_depth_every_needs_the_split_layout(scorer: Scorer) -> None:
    with pytest.raises(ConfigurationError, match="--layout split"):
        Watch([camera("a", PlayedSource([[]]), depth_every=2)], scorer)


def test_names_are_told_apart(scorer: Scorer) -> None:
    with pytest.raises(ConfigurationError, match="two cameras are called 'a'"):
        Watch([camera("a", PlayedSource([[]])), camera("a", PlayedSource([[]]))], scorer)
    with pytest.raises(ConfigurationError, match="no camera"):
        Watch([], scorer)


def test_a_source_that_cannot_be_made_closes_the_sinks(scorer: Scorer) -> None:
    def impossible() -> Any:
        raise MachineError("no GStreamer")

    sink = ListSink()
    with pytest.raises(MachineError, match="no GStreamer"):
        Watch([camera("a", impossible)], scorer, [sink]).run(threading.Event())
    assert sink.closed == 1


def test_an_engine_that_hangs_does_not_hold_up_the_stop(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, released = threading.Event(), threading.Event()

    def hanging(self: Any, inputs: Any) -> Any:
        entered.set()
        released.wait(30)
        raise EngineCompatibilityError("at last")

    monkeypatch.setattr(PortableEngine, "run", hanging)
    stop = threading.Event()
    source = PlayedSource([[frame()] * 3], live=False)
    watch = Watch([camera("a", source)], scorer, grace=Grace(1.0, 0.1, 0.1))
    threading.Thread(target=lambda: (entered.wait(30), stop.set())).start()
    shown = watch.run(stop).cameras[0]
    assert shown.in_flight == 1
    assert shown.captured == shown.skipped
    released.set()


def test_every_snapshot_balances_while_threads_run(scorer: Scorer) -> None:
    script = "clean:5,damaged:2,lost:1,blur:3,stall:2"
    cameras = [
        camera(name, uri(f"test://?script={script}&size=64x48&fps=0&loop=true"), line)
        for name, line in (("latest", LineSettings()), ("every", EVERY))
    ]
    watch = Watch(cameras, scorer, seed=1)
    stop, problems, looked = threading.Event(), [], 0

    def look() -> None:
        nonlocal looked
        while not stop.is_set():
            try:
                for shown in watch.status().cameras:
                    assert shown.captured == shown.scored + shown.skipped + shown.failed
                looked += 1
            except AssertionError as error:
                problems.append(error)
                return

    thread = threading.Thread(target=look)
    thread.start()
    status = watch.run(stop, duration_s=2.0)
    stop.set()
    thread.join(30)
    assert not problems
    assert looked > 10
    assert all(shown.in_flight == 0 and shown.reconnects > 0 for shown in status.cameras)
