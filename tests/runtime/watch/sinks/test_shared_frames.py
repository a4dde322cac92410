"""The ring against a real second process: no torn frame, no lost end, and a writer that is killed at any time."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, SinkError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.ground.framing import Box
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sinks import create, shared_frames_reader
from dgiqa_edge.runtime.watch.sinks.event_filter import EventFilter
from dgiqa_edge.runtime.watch.sinks.shared_frames import SharedFramesWriter
from dgiqa_edge.runtime.watch.sinks.shared_frames_reader import SharedFrames, SharedFramesError, ring_path

pytestmark = pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this system has no /dev/shm")
Scored = Callable[..., FrameEvent]

# All pixels of frame n hold n % 256, and so does the depth map: any mixture of two frames shows.
WRITER = """
import sys
import numpy as np
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.sinks.event_filter import EventFilter
from dgiqa_edge.runtime.watch.sinks.shared_frames import SharedFramesWriter
from dgiqa_edge.runtime.watch.sinks.shared_frames_reader import ring_path
from dgiqa_edge.runtime.gate.verdict import State, Verdict

writer = SharedFramesWriter(ring_path(sys.argv[1]), 3, True, EventFilter())
frames = [np.full((240, 320, 3), value, np.uint8) for value in range(256)]
depths = [np.full((120, 160), value, np.uint8) for value in range(256)]
for index in range(int(sys.argv[2])):
    verdict = Verdict(State.PASS, "good", score=(index % 256) / 255)
    event = FrameEvent("front", index, float(index), Outcome.SCORED, verdict, frames[index % 256], depths[index % 256])
    writer.deliver(event)
    if index == 10:
        print("ready", flush=True)
writer.close()
"""


@pytest.fixture
def ring() -> Iterator[str]:
    name = f"test-{uuid.uuid4().hex}"
    yield name
    with contextlib.suppress(FileNotFoundError):
        ring_path(name).unlink()


def start_writer(ring: str, frames: int) -> "subprocess.Popen[str]":
    writer = subprocess.Popen([sys.executable, "-c", WRITER, ring, str(frames)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    return writer


def check(frame: shared_frames_reader.SharedFrame) -> None:
    value = frame.index % 256
    assert (frame.image == value).all()
    assert frame.depth is not None
    assert (frame.depth == value).all()
    assert frame.captured_at == frame.index
    assert frame.score == value / 255


def test_a_frame_arrives_as_it_was(scored: Scored, ring: str, wait_for: Callable[..., object]) -> None:
    sink = create({"type": "shared_memory", "ring": ring}, "sinks.0")
    event = scored(5, size=(46, 62))
    sink.put(scored(4, State.REJECT))
    sink.put(event)
    wait_for(lambda: sink.stats().delivered)
    with SharedFrames(ring) as frames:
        assert frames.writer_alive()
        frame = frames.newest()
        assert frame is not None
        assert event.frame is not None and event.depth is not None and frame.depth is not None
        np.testing.assert_array_equal(frame.image, event.frame)
        np.testing.assert_array_equal(frame.depth, event.depth)
        assert (frame.number, frame.index, frame.state, frame.depth_age) == (1, 5, "pass", 0)
        assert (frame.score, frame.smoothed, frame.latency_ms) == (0.75, 0.7, 12.5)
        assert frame.depth_of == (0, 0, 62, 46)
        stats = sink.close(5.0)
        assert not frames.writer_alive()
    assert (stats.delivered, stats.ignored) == (1, 1)
    assert not ring_path(ring).exists()


def test_a_reader_knows_what_of_a_cropped_frame_its_depth_shows(
    scored: Scored, ring: str, wait_for: Callable[..., object]
) -> None:
    sink = create({"type": "shared_memory", "ring": ring}, "sinks.0")
    sink.put(replace(scored(0, size=(46, 62)), frame_box=Box(3, 0, 56, 46)))
    wait_for(lambda: sink.stats().delivered)
    with SharedFrames(ring) as frames:
        frame = frames.newest()
    sink.close(5.0)
    assert frame is not None and frame.depth_of == (3, 0, 56, 46)


def test_a_larger_frame_makes_a_new_ring_that_the_reader_follows(
    scored: Scored, ring: str, wait_for: Callable[..., object]
) -> None:
    sink = create({"type": "shared_memory", "ring": ring, "depth": False}, "sinks.0")
    sink.put(scored(0, size=(20, 30)))
    wait_for(lambda: sink.stats().delivered == 1)
    with SharedFrames(ring) as frames:
        following = frames.follow(10.0)
        assert next(following).image.shape == (20, 30, 3)
        sink.put(scored(1, size=(200, 300)))
        frame = next(following)
        assert frame.image.shape == (200, 300, 3)
        assert frame.depth is None
        sink.close(5.0)
        assert list(following) == []


def test_a_reader_in_another_process_sees_no_torn_frame(ring: str) -> None:
    writer = start_writer(ring, 1_000_000)
    with SharedFrames(ring) as frames:
        seen = [frame.index for frame in itertools.islice(map(checked, frames.follow(30.0)), 300)]
    assert seen == sorted(set(seen))
    writer.kill()
    writer.communicate()


def checked(frame: shared_frames_reader.SharedFrame) -> shared_frames_reader.SharedFrame:
    check(frame)
    return frame


def test_every_frame_still_in_the_ring_can_be_read(scored: Scored, ring: str, wait_for: Callable[..., object]) -> None:
    sink = create({"type": "shared_memory", "ring": ring, "slots": 4, "queue": 100}, "sinks.0")
    for index in range(10):
        sink.put(scored(index))
    wait_for(lambda: sink.stats().delivered == 10)
    with SharedFrames(ring) as frames:
        every = [frame.index for frame in itertools.islice(frames.follow(10.0, every=True), 4)]
        newest = next(frames.follow(10.0)).index
    sink.close(5.0)
    assert every == [6, 7, 8, 9]
    assert newest == 9


def test_a_writer_killed_at_any_time_leaves_a_readable_ring_and_a_new_one_takes_over(ring: str) -> None:
    for _ in range(3):
        writer = start_writer(ring, 10**9)
        with SharedFrames(ring) as frames:
            following = frames.follow(30.0, every=True)
            for _ in range(20):
                check(next(following))
            os.kill(writer.pid, signal.SIGKILL)
            for frame in following:  # ends by itself: the kernel has dropped the dead writer's lock
                check(frame)
            assert not frames.writer_alive()
            last = frames.newest()
            assert last is not None
            check(last)
        writer.communicate()


def test_a_reader_of_every_frame_keeps_up_with_a_writer_that_is_overwriting_the_oldest(
    scored: Scored, ring: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the reader looks at the oldest slot, the writer has begun to overwrite it."""
    writer = SharedFramesWriter(ring_path(ring), 3, True, EventFilter())
    for index in range(5):
        writer.deliver(scored(index))
    with SharedFrames(ring) as frames:
        copy = frames._copy
        monkeypatch.setattr(frames, "_copy", lambda number: None if number == 3 else copy(number))
        following = frames.follow(5.0, every=True)
        assert [next(following).number for _ in range(2)] == [4, 5]
    writer.close()


@pytest.mark.parametrize(
    "program",
    [[shared_frames_reader.__file__], ["-m", "dgiqa_edge.runtime.sinks.shared_frames_reader"]],
    ids=["a copy", "as customers were told"],
)
def test_the_example_prints_frames_and_ends_with_the_writer(scored: Scored, ring: str, program: list[str]) -> None:
    sink = create({"type": "shared_memory", "ring": ring}, "sinks.0")
    sink.put(scored(3))
    while not ring_path(ring).exists():
        pass
    reader = subprocess.Popen(
        [sys.executable, *program, ring], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "1 index=3 pass score=0.75 64x48\n"
    sink.close(5.0)
    _, errors = reader.communicate(timeout=60)
    assert (reader.returncode, errors) == (0, "")


def test_the_reader_needs_only_numpy() -> None:
    code = (
        "import runpy, sys\n"
        f"runpy.run_path({shared_frames_reader.__file__!r}, run_name='reader')\n"
        "print([name for name in ('cv2', 'dgiqa_edge', 'onnxruntime') if name in sys.modules])"
    )
    finished = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"


def test_a_second_writer_is_refused(scored: Scored, ring: str, wait_for: Callable[..., object]) -> None:
    sink = create({"type": "shared_memory", "ring": ring}, "sinks.0")
    sink.put(scored())
    wait_for(lambda: sink.stats().delivered)
    with pytest.raises(SinkError, match="another process"):
        create({"type": "shared_memory", "ring": ring}, "sinks.0")
    sink.close(5.0)


def test_a_reader_without_a_ring_or_with_another_file_says_so(ring: str, tmp_path: Path) -> None:
    with pytest.raises(SharedFramesError, match="does not exist"):
        SharedFrames(ring)
    other = tmp_path / "file"
    other.write_bytes(b"x" * 100)
    with pytest.raises(SharedFramesError, match="no ring of layout"):
        SharedFrames(str(other))


def test_a_living_writer_without_frames_times_out(scored: Scored, ring: str, wait_for: Callable[..., object]) -> None:
    sink = create({"type": "shared_memory", "ring": ring}, "sinks.0")
    sink.put(scored())
    wait_for(lambda: sink.stats().delivered)
    with SharedFrames(ring) as frames:
        following = frames.follow(0.05)
        next(following)
        with pytest.raises(SharedFramesError, match="no new frame"):
            next(following)
    sink.close(5.0)


def test_a_ring_name_is_no_path() -> None:
    with pytest.raises(ConfigurationError, match=r"sinks\.0\.ring"):
        create({"type": "shared_memory", "ring": "../x"}, "sinks.0")
