"""Lost frames: the rule by a table, and real healthy and damaged recordings of several containers."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dgiqa_edge.runtime.watch.sources import End, Frame
from dgiqa_edge.runtime.watch.sources.frame_account import FrameAccount, Promise, Timeline, promise_of
from dgiqa_edge.runtime.watch.sources.video_file import VideoFile

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg (apt-get install ffmpeg)")

AVI, MP4, MPEG, OTHER = Promise(True, 0.0), Promise(True, 0.5), Promise(False, float("inf")), Promise(False, 0.5)


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, 0),
        ({"expected": 0, "read": 9}, 0),
        ({"read": 2, "last_s": 0.04, "complaints": 1}, 48),
        ({"read": 48, "damaged": 2, "last_s": 1.96}, 2),
        ({"read": 50, "damaged": 1}, 1),
        # One sign of loss is enough for a shortage to count.
        ({"read": 45, "damaged": 1}, 5),
        ({"read": 45, "complaints": 1}, 5),
        # Sound that is longer than the pictures, in a container that does not count its frames.
        ({"read": 48, "last_s": 1.88}, 0),
        ({"read": 20, "last_s": 0.76}, 30),
        # A rate that varies: the product of duration and rate means nothing.
        ({"read": 10, "last_s": 1.96, "steady": False}, 0),
        ({"read": 10, "last_s": 0.96, "steady": False, "complaints": 3}, 25),
        ({"read": 45, "last_s": 1.96, "steady": False, "complaints": 1}, 0),
        # Counted frames: those before an edit's start are counted and not shown, and the time is covered.
        ({"promise": MP4, "read": 40, "last_s": 1.96}, 0),
        ({"promise": MP4, "read": 37, "last_s": 1.44}, 0),
        ({"promise": MP4, "read": 40, "last_s": 1.96, "complaints": 1}, 10),
        # AVI hides none, so the time at its end tells; a frame that repeats the one before takes its time.
        ({"promise": AVI, "read": 42, "last_s": 1.64}, 8),
        ({"promise": AVI, "read": 48, "last_s": 1.88}, 2),
        ({"promise": AVI, "read": 49, "last_s": 1.92}, 0),
        ({"promise": AVI, "read": 41, "last_s": 1.96}, 0),
        # The duration of an MPEG stream is that of its longest part.
        ({"promise": MPEG, "expected": 125}, 0),
        ({"promise": MPEG, "read": 30, "complaints": 1}, 20),
    ],
)
def test_what_counts_as_missing(changes: dict[str, Any], missing: int) -> None:
    whole: dict[str, Any] = {
        "expected": 50,
        "promise": OTHER,
        "read": 50,
        "damaged": 0,
        "complaints": 0,
        "fps": 25.0,
        "last_s": 1.96,
        "steady": True,
    }
    assert FrameAccount(**{**whole, **changes}).missing == missing


@pytest.mark.parametrize(
    ("stamps", "times", "steady"),
    [
        ([0.0, 0.04, 0.08], [0.0, 0.04, 0.08], True),
        ([5.0, 5.04, 5.08], [0.0, 0.04, 0.08], True),
        ([100.0, 100.04, 99.0], [0.0, 0.04, 0.08], True),
        ([0.0, None, 0.08], [0.0, 0.04, 0.08], True),
        ([0.0, 0.0, -9e5, 0.2], [0.0, 0.04, 0.08, 0.2], True),
        ([None, 0.5, 0.7], [0.0, 0.04, 0.24], True),
        ([0.0, 1.0, 2.0, 4.0, 4.5, 9.0], [0.0, 1.0, 2.0, 4.0, 4.5, 9.0], False),
    ],
)
def test_times_never_go_back(stamps: list[float | None], times: list[float], steady: bool) -> None:
    timeline = Timeline(0.04)
    assert [timeline.next(stamp) for stamp in stamps] == pytest.approx(times)
    assert timeline.is_steady is steady


def test_a_rate_is_steady_where_few_intervals_are_odd() -> None:
    for odd, steps, steady in ((3, 3, True), (4, 4, False), (4, 39, False), (4, 40, True), (5, 40, False)):
        timeline = Timeline(1.0)
        assert timeline.last_s == 0.0
        at = 0.0
        for step in range(steps + 1):
            timeline.next(at)
            assert timeline.last_s == at
            at += 2.0 if step < odd else 1.0
        assert timeline.is_steady is steady, (odd, steps)


@pytest.mark.parametrize(("step_s", "steady"), [(0.5, False), (0.75, True), (1.25, True), (1.5, False)])
def test_an_interval_is_odd_from_half_an_interval_off_on(step_s: float, steady: bool) -> None:
    timeline = Timeline(1.0)
    for step in range(5):
        timeline.next(step * step_s)
    assert timeline.is_steady is steady


@pytest.mark.parametrize(
    ("start", "promise"),
    [
        (b"\0\0\0\x20ftypisom\0\0\0\0", MP4),
        (b"RIFF\0\0\0\0AVI LIST", AVI),
        (b"G\x40\x11\x10\0\x42\xf0\x25\0\x01\xc1\0", MPEG),
        (b"\0\0\x0b\xb8G\x40\x11\x10\0\x42\xf0\x25", MPEG),
        (b"\0\0\x01\xba\x44\0\x04\0\x04\x01\0\0", MPEG),
        (b"\x1aE\xdf\xa3\0\0\0\0\0\0\0\0", OTHER),
        (b"RIFF\0\0\0\0WAVEfmt ", OTHER),
        (b"\0\0\0\0\0\0\0\0AVI LIST", OTHER),
        (b"", OTHER),
    ],
)
def test_what_a_promise_is_worth(start: bytes, promise: Promise) -> None:
    assert promise_of(start) == promise


def read_all(path: Path) -> tuple[VideoFile, list[Frame], End]:
    source = VideoFile(path, path.name)
    source.open()
    frames = []
    while not isinstance(result := source.read(), End):
        if isinstance(result, Frame):
            frames.append(result)
    source.close()
    return source, frames, result


TESTSRC = ("-f", "lavfi", "-i", "testsrc=size=160x120:rate=25:duration=2")
SINE = ("-f", "lavfi", "-i", "sine=duration=2.7")
# Frames at 0, 1, 2, 7, 8, 16, 17 ... of 25 per second: nothing regular.
VARIED = ("-vf", "select='lt(mod(n*n\\,11)\\,5)'", "-fps_mode", "vfr")
HEALTHY = {
    "plain.mp4": (*TESTSRC, "-c:v", "libx264"),
    "plain.mkv": (*TESTSRC, "-c:v", "libx264"),
    "plain.avi": (*TESTSRC, "-c:v", "mpeg4"),
    "plain.ts": (*TESTSRC, "-c:v", "libx264"),
    "plain.flv": (*TESTSRC, "-c:v", "flv"),
    "plain.webm": (*TESTSRC, "-c:v", "libvpx", "-b:v", "300k"),
    "sound.mkv": (*TESTSRC, *SINE, "-c:v", "libx264", "-c:a", "aac"),
    "sound.mp4": (*TESTSRC, *SINE, "-c:v", "libx264", "-c:a", "aac"),
    "sound.ts": (*TESTSRC, "-f", "lavfi", "-i", "sine=duration=5", "-c:v", "libx264", "-c:a", "aac"),
    "paused.avi": (*TESTSRC, "-vf", "select='not(between(n\\,20\\,28))'", "-fps_mode", "vfr", "-c:v", "mjpeg"),
    "varied.mp4": (*TESTSRC, *VARIED, "-c:v", "libx264"),
    "varied.mkv": (*TESTSRC, *VARIED, "-c:v", "libx264"),
}


@needs_ffmpeg
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_recording_is_not_accused(tmp_path: Path, name: str) -> None:
    ffmpeg(*HEALTHY[name], tmp_path / name)
    source, frames, end = read_all(tmp_path / name)
    assert end.whole, end.reason
    assert source.missing == 0
    assert len(frames) == (41 if name == "paused.avi" else 50) or (name.startswith("varied") and 10 < len(frames) < 40)


@needs_ffmpeg
def test_a_recording_cut_at_its_start_is_not_accused(tmp_path: Path) -> None:
    """Its first frames are in the file and are not shown: the edit list says so."""
    ffmpeg(*TESTSRC, "-c:v", "libx264", "-g", "50", tmp_path / "whole.mp4")
    ffmpeg("-ss", "0.5", "-i", tmp_path / "whole.mp4", "-c", "copy", tmp_path / "cut.mp4")
    _, frames, end = read_all(tmp_path / "cut.mp4")
    assert end.whole, end.reason
    assert len(frames) > 30


@needs_ffmpeg
def test_times_come_from_the_stream(tmp_path: Path) -> None:
    ffmpeg(*HEALTHY["varied.mkv"], tmp_path / "a.mkv")
    _, frames, _ = read_all(tmp_path / "a.mkv")
    shown = [n for n in range(50) if n * n % 11 < 5]
    assert [frame.t_s for frame in frames] == pytest.approx([n / 25 for n in shown], abs=0.002)


@needs_ffmpeg
@pytest.mark.parametrize("name", ["plain.mkv", "plain.avi"])
def test_a_recording_that_is_cut_off_is_told(tmp_path: Path, name: str) -> None:
    ffmpeg(*HEALTHY[name], tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 6 // 10])
    source, frames, end = read_all(tmp_path / name)
    assert not end.whole
    assert source.missing == 50 - len(frames) > 5
    assert f"{source.missing} of 50 are missing" in end.reason


@needs_ffmpeg
@pytest.mark.parametrize("codec", ["mjpeg", "huffyuv"])
def test_an_avi_with_a_hole_is_told(tmp_path: Path, codec: str) -> None:
    """Its frames are found by their places, and those of other bytes are passed over without a word."""
    ffmpeg(*TESTSRC, "-c:v", codec, tmp_path / "a.avi")
    content = bytearray((tmp_path / "a.avi").read_bytes())
    at, size = len(content) * 45 // 100, len(content) * 15 // 100
    content[at : at + size] = bytes(size)
    (tmp_path / "a.avi").write_bytes(content)
    source, frames, end = read_all(tmp_path / "a.avi")
    assert source.missing == 50 - len(frames) > 5
    assert f"{source.missing} of 50 are missing" in end.reason


@needs_ffmpeg
def test_errors_of_the_decoder_are_told_where_nothing_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ffmpeg(*TESTSRC, "-c:v", "libx264", "-g", "10", tmp_path / "a.h264")
    assert read_all(tmp_path / "a.h264")[2].whole
    assert not caplog.messages
    content = bytearray((tmp_path / "a.h264").read_bytes())
    at, size = len(content) * 45 // 100, len(content) * 15 // 100
    content[at : at + size] = bytes(size)
    (tmp_path / "a.h264").write_bytes(content)
    read_all(tmp_path / "a.h264")
    assert any("errors: frames may be damaged or missing" in message for message in caplog.messages)
