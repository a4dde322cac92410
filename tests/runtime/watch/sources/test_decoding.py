"""Decoder processes: crashes, hangs, silence, secrets, and sound only. All with real processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stand_ins.pictures import ffmpeg, needs_ffmpeg

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.decoding.program import BLANK
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings
from dgiqa_edge.runtime.watch.sources.video_file import VideoFile


@pytest.mark.parametrize("name", [b"caf\xe9.mp4", b"100%d.mp4", b"a b:c'd\".mp4", b"rtsp:x.mp4"])
def test_any_file_name(make_video: Callable[..., Path], tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path) + b"/" + name
    make_video(3).rename(os.fsdecode(path))
    source = create_source(os.fsdecode(path))
    source.open()
    assert [type(source.read()) for _ in range(4)] == [Frame] * 3 + [End]
    source.close()


def process_of(source: VideoFile) -> int:
    process = source._capture._process._process
    assert process is not None
    return process.pid


def test_a_decoder_that_crashes_is_an_end_and_takes_nothing_along(make_video: Callable[..., Path]) -> None:
    source = VideoFile(make_video(9), "video.mp4")
    source.open()
    source.read()
    os.kill(process_of(source), signal.SIGSEGV)
    end = source.read()
    assert isinstance(end, End)
    assert not end.whole
    assert "SIGSEGV" in end.reason
    source.open()
    assert isinstance(source.read(), Frame)
    source.close()


def test_a_decoder_that_hangs_is_ended(make_video: Callable[..., Path]) -> None:
    source = VideoFile(make_video(9), "video.mp4", surroundings=Surroundings(20.0, 0.1))
    source.open()
    source.read()
    os.kill(process_of(source), signal.SIGSTOP)
    started = time.monotonic()
    end = source.read()
    assert isinstance(end, End)
    assert "did not answer" in end.reason
    assert time.monotonic() - started < 10
    source.close()


def test_close_leaves_no_process(make_video: Callable[..., Path]) -> None:
    source = VideoFile(make_video(2), "video.mp4")
    source.open()
    pid = process_of(source)
    source.close()
    assert not Path(f"/proc/{pid}").exists()


PARENT = """
import sys, time
from pathlib import Path
from dgiqa_edge.runtime.watch.sources.video_file import VideoFile
source = VideoFile(Path(sys.argv[1]), "video")
source.open()
print(source._capture._process._process.pid, flush=True)
time.sleep(60)
"""


def test_a_decoder_ends_with_its_killed_parent(make_video: Callable[..., Path], wait_for: Callable[..., Any]) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(make_video(3))], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not Path(f"/proc/{pid}").exists() or "Z (zombie)" in Path(f"/proc/{pid}/status").read_text())


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


def test_opens_of_dead_cameras_do_not_wait_for_each_other(silent: int) -> None:
    took: list[float] = []
    started = time.monotonic()

    def attempt() -> None:
        source = create_source(f"rtsp://127.0.0.1:{silent}/live", surroundings=Surroundings(3.0, 3.0))
        with pytest.raises(SourceError):
            source.open()
        took.append(time.monotonic() - started)
        source.close()

    threads = [threading.Thread(target=attempt) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(took) == 5
    assert max(took) < 12, "one after the other they would take 15 s"


def test_an_open_that_waits_can_be_interrupted_and_shows_no_password(silent: int) -> None:
    source = create_source(f"rtsp://user:verysecret@127.0.0.1:{silent}/live", surroundings=Surroundings(60.0, 60.0))
    errors: list[str] = []

    def attempt() -> None:
        try:
            source.open()
        except SourceError as error:
            errors.append(str(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    time.sleep(1.0)
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    pids = [pid for task in children for pid in task.read_text().split()]
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids if Path(f"/proc/{pid}").exists()]
    assert any(b"program.py" in command for command in commands)
    assert not any(b"verysecret" in command for command in commands)
    source.interrupt()
    thread.join(10)
    assert not thread.is_alive()
    assert "verysecret" not in errors[0]
    source.close()


def test_a_camera_that_hangs_up_is_not_told_to_have_sound_only() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                while True:
                    server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(SourceError, match="or it hung up without a word"):
            create_source(f"rtsp://127.0.0.1:{server.getsockname()[1]}/live").open()


@needs_ffmpeg
def test_a_file_with_sound_only_says_so(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine", "-t", "1", tmp_path / "a.m4a")
    with pytest.raises(SourceError, match="has no video stream"):
        VideoFile(tmp_path / "a.m4a", "a.m4a").open()


@needs_ffmpeg
def test_the_canary_is_no_grey_of_limited_range(tmp_path: Path) -> None:
    """Or else a clip of that grey would be taken for unwritten memory."""
    raw = b"".join(bytes([luma]) * 1024 + b"\x80" * 512 for luma in range(256))
    (tmp_path / "a.yuv").write_bytes(raw)
    ffmpeg(
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        "-s",
        "32x32",
        "-i",
        tmp_path / "a.yuv",
        "-c:v",
        "ffv1",
        tmp_path / "a.mkv",
    )
    source = VideoFile(tmp_path / "a.mkv", "a.mkv")
    source.open()
    greys = set()
    while isinstance(result := source.read(), Frame):
        greys.add(int(result.image[5, 5, 0]))
    source.close()
    assert len(greys) > 200
    assert BLANK not in greys
