"""Decoder processes: crashes, hangs, silence, secrets, and what OpenCV cannot read. All with real processes."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.decoding.complaints import Complaints
from dgiqa_edge.runtime.watch.sources.decoding.deinterlacing import VideoInput, deinterlacer, file_input
from dgiqa_edge.runtime.watch.sources.decoding.program import BLANK
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings
from dgiqa_edge.runtime.watch.sources.video_file import VideoFile

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg (apt-get install ffmpeg)")
FAULTS = Path(__file__).resolve().parents[5] / "shared" / "faults"
LEVEL = 210  # bright, and no grey that a limited range cannot have


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def bright(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures whose upper half is bright and whose lower half is dark."""
    folder = tmp_path_factory.mktemp("bright")
    for index in range(10):
        picture = np.full((96, 128, 3), LEVEL, np.uint8)
        picture[48:] = 20
        cv2.imwrite(str(folder / f"{index}.png"), picture)
    return folder


def encode(bright: Path, out: Path, *options: str) -> Path:
    ffmpeg("-framerate", "10", "-i", bright / "%d.png", "-pix_fmt", "yuv420p", *options, out)
    return out


INTERLACED = {
    "h264.mp4": ("-c:v", "libx264", "-flags", "+ildct+ilme", "-x264opts", "tff=1"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-r", "25", "-b:v", "4M"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-r", "25", "-b:v", "4M"),
}


def levels(source: Any, most: int = 99) -> tuple[list[float], Any]:
    """Mean of the upper half of each frame, and how it ended."""
    source.open()
    found: list[float] = []
    result: Any = None
    while len(found) < most and not isinstance(result := source.read(), End):
        if isinstance(result, Frame):
            found.append(float(result.image[:40].mean()))
    source.close()
    return found, result


@needs_ffmpeg
@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_video_is_truly_read(bright: Path, tmp_path: Path, name: str) -> None:
    path = encode(bright, tmp_path / name, *INTERLACED[name])
    found, end = levels(create_source(str(path)))
    assert len(found) >= 10
    assert end.whole
    np.testing.assert_allclose(found, LEVEL, atol=6)


@pytest.mark.skipif(not FAULTS.is_dir(), reason="development data (../shared/faults) is not here")
@needs_ffmpeg
@pytest.mark.parametrize("name", ["interlaced.mp4", "good_i.mp4"])
def test_the_reported_interlaced_files(name: str) -> None:
    source = create_source(str(FAULTS / name))
    source.open()
    frames = []
    while isinstance(result := source.read(), Frame):
        frames.append(float(result.image.mean()))
    source.close()
    assert len(frames) == 50
    assert frames[0] == pytest.approx(114.7, abs=1.0)


@needs_ffmpeg
def test_a_video_that_becomes_interlaced_goes_on_where_it_was(bright: Path, tmp_path: Path) -> None:
    parts = [
        encode(bright, tmp_path / "0.ts", "-c:v", "mpeg2video", "-r", "25", "-b:v", "4M"),
        encode(bright, tmp_path / "1.ts", *INTERLACED["mpeg2.ts"]),
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    found, _ = levels(create_source(str(both)))
    assert len(found) == 2 * 10
    np.testing.assert_allclose(found, LEVEL, atol=6)


@needs_ffmpeg
def test_without_another_decoder_interlaced_video_is_refused_with_its_remedy(
    bright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(bright, tmp_path / "a.mp4", *INTERLACED["h264.mp4"])
    monkeypatch.setenv("PATH", "")
    source = create_source(str(path))
    try:
        source.open()
    except SourceError as error:
        assert "apt-get install ffmpeg" in str(error)
        return
    result = source.read()  # an OpenCV that reads it right (up to 4.12)
    assert isinstance(result, Frame)
    assert result.image[:40].mean() == pytest.approx(LEVEL, abs=6)
    source.close()


@needs_ffmpeg
@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="needs gst-launch-1.0")
def test_gstreamer_reads_it_where_ffmpeg_is_not_here(
    bright: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = encode(bright, tmp_path / "a.mpg", *INTERLACED["mpeg2.mpg"])
    only = tmp_path / "bin"
    only.mkdir()
    for name in ("gst-launch-1.0", "gst-inspect-1.0"):
        (only / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(only))
    decoder = deinterlacer(file_input(path, "a.mpg", 30.0))
    decoder.open("")
    frames = []
    while isinstance(result := decoder.read(), Frame):
        frames.append(result.image[:40].mean())
    decoder.close()
    assert len(frames) >= 15
    np.testing.assert_allclose(frames, LEVEL, atol=6)


def test_an_address_is_in_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    decoder = deinterlacer(VideoInput("rtsp://***@host", 5.0, "rtsp://user:pass'word@host/live?tcp", "rtspsrc"))
    assert "word" not in " ".join(decoder._arguments)
    assert "file 'rtsp://user:pass'\\''word@host/live?tcp'" in str(decoder._feed)


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
def test_a_damaged_frame_does_not_end_the_file(bright: Path, tmp_path: Path) -> None:
    path = encode(bright, tmp_path / "a.avi", "-c:v", "png")
    content = bytearray(path.read_bytes())
    start = content.index(b"\x89PNG", content.index(b"\x89PNG") + 1)
    content[start : start + 8] = bytes(8)
    path.write_bytes(content)
    source = VideoFile(path, "a.avi")
    source.open()
    results = []
    while not (results and isinstance(results[-1], End)):
        results.append(source.read())
    source.close()
    kinds = [type(result) for result in results]
    assert Frame in kinds[kinds.index(Damaged) :], "it is read on past the damage"
    assert kinds.count(Frame) + source.missing == 10
    assert source.missing >= 1
    assert not results[-1].whole


@pytest.mark.parametrize(
    ("said", "count", "unwritten", "text"),
    [
        (b"[swscaler @ 0x55e] Cannot convert\n (Invalid argument): fmt:yuv\n", 1, 1, "swscaler: Cannot convert"),
        (b"[tcp @ 0x55e] refused\n[tcp @ 0x55f] refused\n", 2, 0, "tcp: refused"),
        (
            b"[ WARN:0@0.05] global cap.cpp:212 open VIDEOIO(FFMPEG): backend is generally available but can't be used "
            b"to capture by name\n",
            0,
            0,
            "",
        ),
        (b"no line end", 0, 0, ""),
    ],
)
def test_what_a_decoder_says(said: bytes, count: int, unwritten: int, text: str) -> None:
    complaints = Complaints()
    for half in (said[:9], said[9:]):
        complaints.add(half)
    assert (complaints.count, complaints.unwritten, complaints.text()) == (count, unwritten, text)


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
