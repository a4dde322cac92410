"""Images appear whole, the limits hold, the oldest go first, and nobody else's file is touched."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.sinks import create

Scored = Callable[..., FrameEvent]


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def images(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_passing_frames_are_kept_and_others_ignored(scored: Scored, tmp_path: Path) -> None:
    sink = create({"type": "directory", "path": "ok", "format": "png"}, "sinks.0", folder=tmp_path)
    for index, state in enumerate(State):
        sink.put(scored(index, state))
    stats = sink.close(10.0)
    assert (stats.offered, stats.delivered, stats.ignored) == (3, 1, 2)
    (path,) = images(tmp_path)
    assert path.relative_to(tmp_path).as_posix() == "ok/front/pass/20251009T085320.250Z-000000000.png"
    assert (cv2.imread(str(path)) == scored(0).frame).all()


def test_rejected_frames_go_to_a_folder_of_their_own(scored: Scored, tmp_path: Path) -> None:
    section = {"type": "directory", "path": str(tmp_path), "states": ["pass", "reject"]}
    sink = create(section, "sinks.0")
    sink.put(scored(0, State.PASS))
    sink.put(scored(1, State.REJECT))
    sink.close(10.0)
    assert [path.parent.name for path in images(tmp_path)] == ["pass", "reject"]


def test_the_oldest_go_first_also_those_of_an_earlier_run(scored: Scored, tmp_path: Path) -> None:
    section = {"type": "directory", "path": str(tmp_path), "max_files": 5, "queue": 100}
    mine = tmp_path / "front" / "pass" / "notes.txt"
    for start in (0, 4, 8):
        sink = create(section, "sinks.0")
        for index in range(start, start + 4):
            sink.put(scored(index))
        sink.close(10.0)
        mine.write_text("keep me")
    kept = [path for path in images(tmp_path) if path != mine]
    assert [int(path.stem.rpartition("-")[2]) for path in kept] == [7, 8, 9, 10, 11]
    assert mine.read_text() == "keep me"


def test_the_limit_on_bytes_holds(scored: Scored, tmp_path: Path) -> None:
    limit_mib = 0.02
    section = {"type": "directory", "path": str(tmp_path), "format": "png", "max_mib": limit_mib, "queue": 300}
    sink = create(section, "sinks.0")
    for index in range(200):
        sink.put(scored(index))
    stats = sink.close(20.0)
    assert stats.delivered == 200
    size = sum(path.stat().st_size for path in images(tmp_path))
    assert 0 < size <= limit_mib * 2**20
    assert sink.describe()["bytes"] == size


def test_a_frame_larger_than_the_limit_is_refused_and_removes_nothing(scored: Scored, tmp_path: Path) -> None:
    sink = create({"type": "directory", "path": str(tmp_path), "format": "png", "max_mib": 0.01}, "sinks.0")
    sink.put(scored(0))
    big = scored(1, size=(400, 400))
    assert big.frame is not None
    big.frame[:] = cv2.randu(big.frame.copy(), 0, 255)
    sink.put(big)
    stats = sink.close(10.0)
    assert (stats.delivered, stats.failed) == (1, 1)
    assert len(images(tmp_path)) == 1


def test_on_a_full_disk_no_state_goes_on_that_no_longer_holds(
    scored: Scored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = create({"type": "directory", "path": str(tmp_path)}, "sinks.0")
    state = tmp_path / "front" / "state.json"
    sink.put(scored(0, State.PASS, changed=True))
    wait_until(state.exists)
    with monkeypatch.context() as full:

        def fsync(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        full.setattr(os, "fsync", fsync)
        sink.put(scored(1, State.REJECT, changed=True))
        wait_until(lambda: not state.exists())
        wait_until(lambda: sink.stats().failed == 1)
        said = sink.stats().last_error
    assert said is not None and "No space left on device): free space" in said and "it goes on by itself" in said
    assert "again" not in said
    wait_until(state.exists)
    assert json.loads(state.read_text())["verdict"]["state"] == "reject"
    sink.close(10.0)


def test_pieces_that_a_killed_run_left_are_removed(tmp_path: Path) -> None:
    piece = tmp_path / "front" / "pass" / ".partial-abc.jpg"
    other = tmp_path / "front" / "pass" / ".partial-abc.txt"
    piece.parent.mkdir(parents=True)
    piece.write_bytes(b"\xff\xd8")
    other.write_text("not an image")
    create({"type": "directory", "path": str(tmp_path)}, "sinks.0").close(5.0)
    assert images(tmp_path) == [other]


WRITER = """
import sys
import numpy as np
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome
from dgiqa_edge.runtime.watch.sinks import create
from dgiqa_edge.runtime.gate.verdict import State, Verdict
sink = create({"type": "directory", "path": sys.argv[1], "format": "png", "max_files": 20}, "sinks.0")
frame = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
index = 0
while True:
    sink.put(FrameEvent("front", index, index, Outcome.SCORED, Verdict(State.PASS, "good"), frame))
    index += 1
    if sink.stats().delivered > 30:
        print("ready", flush=True)
"""


def test_a_killed_writer_leaves_no_half_written_frame(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    whole = [path for path in images(tmp_path) if not path.name.startswith(".partial-")]
    assert 0 < len(whole) <= 20
    for path in whole:
        assert cv2.imread(str(path)) is not None, path
