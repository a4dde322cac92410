"""GStreamer pipelines: their text, and real ones through ``gst-launch-1.0`` where it is installed."""

import io
import shutil
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import ConfigurationError, MachineError, SourceError
from dgiqa_edge.runtime.watch.media.pipeline_text import arguments, property_text, without_appsink
from dgiqa_edge.runtime.watch.sources import End, Frame, create_source
from dgiqa_edge.runtime.watch.sources import gstreamer as gstreamer_module
from dgiqa_edge.runtime.watch.sources.decoding.gst_launch import missing_element
from dgiqa_edge.runtime.watch.sources.decoding.y4m import Y4mError, Y4mReader
from dgiqa_edge.runtime.watch.sources.rtsp import ffmpeg_address, rtsp_source

needs_gstreamer = pytest.mark.skipif(
    shutil.which("gst-launch-1.0") is None or missing_element("y4menc") is not False,
    reason="needs gst-launch-1.0 and y4menc (apt-get install gstreamer1.0-tools gstreamer1.0-plugins-good)",
)


def read_all(source: Any) -> list[Any]:
    source.open()
    results = []
    while not (results and isinstance(results[-1], End)):
        results.append(source.read())
    source.close()
    return results


@needs_gstreamer
@pytest.mark.parametrize("size", [(64, 48), (66, 50), (67, 49), (64, 49), (63, 48)])
def test_a_real_pipeline_gives_its_pictures(size: tuple[int, int]) -> None:
    """Bars of SMPTE's test picture: white first; a wrong row length would tear them."""
    width, height = size
    pipeline = f"videotestsrc num-buffers=4 pattern=smpte ! video/x-raw,width={width},height={height}"
    *frames, end = read_all(create_source(f"gst:{pipeline} ! appsink drop=true"))
    assert len(frames) == 4
    assert isinstance(end, End)
    for frame in frames:
        assert frame.image.shape == (height - height % 2, width - width % 2, 3)
        np.testing.assert_allclose(frame.image[:20, 2:5].reshape(-1, 3).mean(axis=0), [255, 255, 255], atol=70)
        np.testing.assert_allclose(frame.image[5, width // 2 - 2], [0, 255, 0], atol=12)


@needs_gstreamer
def test_a_pipeline_with_an_unknown_element() -> None:
    with pytest.raises(SourceError, match="nosuchelement"):
        create_source("gst:nosuchelement ! videoconvert").open()


@needs_gstreamer
def test_a_pipeline_that_waits_can_be_interrupted() -> None:
    source = create_source("gst:videotestsrc is-live=true ! video/x-raw,width=64,height=48,framerate=30/1")
    source.open()
    results: list[Any] = []

    def read_on() -> None:
        while not (results and isinstance(results[-1], End)):
            results.append(source.read())

    thread = threading.Thread(target=read_on)
    thread.start()
    while sum(isinstance(result, Frame) for result in results) < 3:
        thread.join(0.01)
    source.interrupt()
    thread.join(30)
    assert not thread.is_alive()
    source.close()
    source.close()


def test_without_gstreamer_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gstreamer_module, "opencv_has", lambda decoder: False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MachineError, match=r"apt-get install gstreamer1\.0-tools"):
        create_source("gst:videotestsrc ! videoconvert")


@pytest.mark.parametrize("uri", ["csi://", "csi://front", "csi://99", "csi://0?flip=9", "csi://0?size=big"])
def test_csi_uris_that_are_none(uri: str) -> None:
    with pytest.raises(ConfigurationError):
        create_source(uri)


@pytest.mark.parametrize(
    ("pipeline", "body"),
    [
        ("videotestsrc ! appsink", "videotestsrc"),
        ("videotestsrc ! queue !appsink drop=true max-buffers=1", "videotestsrc ! queue"),
        ("videotestsrc ! queue", "videotestsrc ! queue"),
        ("videotestsrc !", "videotestsrc"),
    ],
)
def test_a_closing_appsink_is_removed(pipeline: str, body: str) -> None:
    assert without_appsink(pipeline) == body


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1))
def test_a_quoted_property_is_one_argument(value: str) -> None:
    assert arguments(f"name={property_text(value)}") == [f"name={value}"]


def test_quotes_that_do_not_close() -> None:
    with pytest.raises(ConfigurationError, match="quotes do not close"):
        create_source('gst:filesrc location="a.mp4')


def test_a_login_becomes_properties_of_rtspsrc() -> None:
    text = rtsp_source("rtsp://ad%20min:p%40ss@192.0.2.7:554/live?channel=1", "udp", 150)
    assert text == (
        'rtspsrc location="rtsp://192.0.2.7:554/live?channel=1" user-id="ad min" user-pw="p@ss" protocols=udp '
        "latency=150"
    )


@pytest.mark.parametrize(
    ("address", "expected"),
    [("rtsp://h/live", "rtsp://h/live?tcp"), ("rtsp://h/live?channel=1", "rtsp://h/live?channel=1&tcp")],
)
def test_the_transport_in_ffmpegs_address(address: str, expected: str) -> None:
    assert ffmpeg_address(address, "tcp") == expected


def y4m(size: tuple[int, int], frames: int, header: str = "") -> bytes:
    width, height = size
    planes = bytes([120]) * (width * height) + bytes([128]) * (2 * ((width + 1) // 2) * ((height + 1) // 2))
    text = header or f"YUV4MPEG2 C420 W{width} H{height} Ip F30:1 A1:1\n"
    return text.encode() + (b"FRAME\n" + planes) * frames


def test_a_header_in_the_stream_changes_the_size() -> None:
    reader = Y4mReader(io.BytesIO(y4m((32, 16), 2) + y4m((18, 10), 1)))
    shapes = [reader.read().shape for _ in range(3)]  # type: ignore[union-attr]
    assert shapes == [(16, 32, 3), (16, 32, 3), (10, 18, 3)]
    assert reader.read() is None


def test_an_end_in_the_middle_of_a_picture_is_the_end() -> None:
    assert Y4mReader(io.BytesIO(y4m((32, 16), 1)[:-5])).read() is None


@pytest.mark.parametrize(
    "content",
    [b"FRAME\n", b"hello\n", y4m((32, 16), 1, "YUV4MPEG2 C444 W32 H16\n"), y4m((2, 2), 1, "YUV4MPEG2 W99999 H2\n")],
)
def test_streams_that_are_none(content: bytes) -> None:
    with pytest.raises(Y4mError):
        Y4mReader(io.BytesIO(content)).read()


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_end_or_are_refused(content: bytes, after_header: bool) -> None:
    reader = Y4mReader(io.BytesIO((y4m((6, 4), 1) if after_header else b"") + content))
    try:
        for _ in range(20):
            if reader.read() is None:
                return
    except Y4mError:
        return
