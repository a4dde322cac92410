"""Cameras by RTSP, against a real server where its packages are installed."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from stand_ins.pictures import picture

from dgiqa_edge.benchmarks.cameras.rtsp_process import PACKAGES, RtspProcess, free_port, server_interpreter
from dgiqa_edge.runtime.errors import MachineError, SourceError
from dgiqa_edge.runtime.machine.opencv import opencv_has
from dgiqa_edge.runtime.watch.sources import End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings


@pytest.mark.skipif(opencv_has("gstreamer"), reason="this OpenCV has GStreamer")
def test_a_decoder_that_opencv_lacks() -> None:
    with pytest.raises(MachineError, match="built without gstreamer"):
        create_source("rtsp://127.0.0.1/live", {"decoder": "gstreamer"})


def test_nobody_there_is_said_without_the_password() -> None:
    with pytest.raises(SourceError, match="check address") as caught:
        create_source(f"rtsp://admin:verysecret@127.0.0.1:{free_port()}/live").open()
    assert "verysecret" not in str(caught.value)


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(10):
        cv2.imwrite(str(folder / f"{index:05d}.jpg"), picture(index, (160, 120)))
    return folder


@pytest.fixture
def serve(frames: Path) -> Iterator[Callable[..., RtspProcess]]:
    """``serve(port, ...)`` starts a real RTSP server; all are killed at the end."""
    if server_interpreter() is None:
        pytest.skip(f"needs an RTSP server: apt-get install {PACKAGES}")
    servers: list[RtspProcess] = []

    def start(port: int, **options: Any) -> RtspProcess:
        servers.append(RtspProcess(frames, port, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


def test_a_real_rtsp_server_with_login_that_dies_and_returns_with_another_size(
    serve: Callable[..., RtspProcess],
) -> None:
    port = free_port()
    server = serve(port, size="160x120", login="ad min:p@ss/word")
    source = create_source(
        f"rtsp://ad%20min:p%40ss%2Fword@127.0.0.1:{port}/live", surroundings=Surroundings(20.0, 20.0)
    )
    source.open()
    assert [source.read().image.shape for _ in range(5)] == [(120, 160, 3)] * 5
    server.kill()
    result: Any = Frame
    while not isinstance(result, End):
        result = source.read()
    source.close()

    serve(port, size="80x64", login="ad min:p@ss/word")
    source.open()
    first = source.read()
    assert isinstance(first, Frame)
    assert first.image.shape == (64, 80, 3)
    source.close()

    with pytest.raises(SourceError):
        create_source(f"rtsp://ad%20min:wrong@127.0.0.1:{port}/live").open()


def test_a_server_that_stands_still_ends_the_read(serve: Callable[..., RtspProcess]) -> None:
    port = free_port()
    server = serve(port, size="80x64")
    source = create_source(f"rtsp://127.0.0.1:{port}/live", surroundings=Surroundings(20.0, 1.0))
    source.open()
    source.read()
    server.pause()
    results: list[Any] = []

    def read_to_the_end() -> None:
        while not (results and isinstance(results[-1], End)):
            results.append(source.read())

    thread = threading.Thread(target=read_to_the_end, daemon=True)
    thread.start()
    thread.join(60)
    assert isinstance(results[-1], End)
    source.close()


def test_a_stream_of_sound_only_says_so(serve: Callable[..., RtspProcess]) -> None:
    port = free_port()
    serve(port, stream="sound")
    with pytest.raises(SourceError, match="has no video stream"):
        create_source(f"rtsp://127.0.0.1:{port}/live").open()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg (apt-get install ffmpeg)")
@pytest.mark.slow
def test_an_interlaced_stream_is_truly_read(serve: Callable[..., RtspProcess]) -> None:
    port = free_port()
    serve(port, stream="interlaced", size="160x120")
    source = create_source(f"rtsp://127.0.0.1:{port}/live", surroundings=Surroundings(30.0, 30.0))
    source.open()
    frames = [source.read() for _ in range(4)]
    source.close()
    assert all(isinstance(frame, Frame) and frame.image.mean() > 240 for frame in frames)


THROUGH_GSTREAMER = """
import sys
from dgiqa_edge.runtime.watch.sources import End, create_source
pipeline, rtsp = (create_source(uri) for uri in sys.argv[1:])
assert pipeline.describe()["decoder"] == rtsp.describe()["decoder"] == "gstreamer"
pipeline.open()
shapes = []
while not isinstance(result := pipeline.read(), End):
    shapes.append(result.image.shape)
assert shapes == [(50, 66, 3)] * 5, shapes
rtsp.open()
assert [rtsp.read().image.shape for _ in range(5)] == [(64, 80, 3)] * 5
"""


def test_an_opencv_with_gstreamer_uses_it(
    serve: Callable[..., RtspProcess], through_gstreamer: Callable[..., None]
) -> None:
    port = free_port()
    serve(port, size="80x64", login='ad min:p@ss/w"rd')
    through_gstreamer(
        THROUGH_GSTREAMER,
        "gst:videotestsrc num-buffers=5 ! video/x-raw,width=66,height=50 ! appsink",
        f"rtsp://ad%20min:p%40ss%2Fw%22rd@127.0.0.1:{port}/live",
    )
