"""Texts of pipelines for recorded machines, and the same pipelines on elements that run."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stand_ins.jetson_elements import ELEMENTS, JETSONS, compile_jetson_elements

from dgiqa_edge.runtime.errors import ConfigurationError, MachineError, SourceError
from dgiqa_edge.runtime.watch.media.pipeline_text import property_text
from dgiqa_edge.runtime.watch.sources import End, Frame, create_source, gstreamer, rtsp, video_file
from dgiqa_edge.runtime.watch.sources.decoding import gst_launch
from dgiqa_edge.runtime.watch.sources.decoding.deinterlacing import VideoInput, deinterlacer
from dgiqa_edge.runtime.watch.sources.decoding.pipelines import ends_in_device_memory, shrunk, turned
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings

OPENCV, LAUNCH = "gstreamer", "gst-launch-1.0"
BGR = "videoconvert ! video/x-raw,format=BGR ! appsink max-buffers=2 drop=false sync=false"
I420 = "videoconvert ! video/x-raw,format=I420,colorimetry=bt601 ! y4menc ! fdsink sync=false"
CAMERA = "nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM),width=1920,height=1080,framerate=30/1,format=NV12"
RTSP = "rtspsrc location=rtsp://192.0.2.7/a protocols=tcp latency=200"
SCALED = "nvvidconv interpolation-method=3"
JPEG = "v4l2src device=/dev/video0 ! image/jpeg,width=1280,height=720,framerate=30000/1001"

# machines, source, options, through what -> the pipeline
TEXTS = [
    (JETSONS, "csi://1", {}, OPENCV, f"{CAMERA} ! {SCALED} ! video/x-raw,format=BGRx,width=1280,height=720 ! {BGR}"),
    (JETSONS, "csi://1", {}, LAUNCH, f"{CAMERA} ! {SCALED} ! video/x-raw,format=I420,width=1280,height=720 ! {I420}"),
    (
        JETSONS,
        "csi://1?flip=3",
        {},
        LAUNCH,
        f"{CAMERA} ! nvvidconv flip-method=3 interpolation-method=3 ! "
        f"video/x-raw,format=I420,width=1080,height=1920 ! {I420}",
    ),
    (
        JETSONS,
        "csi://1?shrink=false",
        {},
        LAUNCH,
        f"{CAMERA} ! {SCALED} ! video/x-raw,format=I420,width=1920,height=1080 ! {I420}",
    ),
    (
        JETSONS,
        "gst:rtspsrc ! decodebin",
        {},
        LAUNCH,
        f"rtspsrc ! decodebin ! nvvidconv ! video/x-raw,format=I420 ! {I420}",
    ),
    (
        JETSONS,
        "gst:rtspsrc ! decodebin",
        {},
        OPENCV,
        f"rtspsrc ! decodebin ! nvvidconv ! video/x-raw,format=BGRx ! {BGR}",
    ),
    (JETSONS, "gst:v4l2src ! video/x-raw", {}, LAUNCH, f"v4l2src ! video/x-raw ! {I420}"),
    (["desktop"], "gst:rtspsrc ! decodebin", {}, LAUNCH, f"rtspsrc ! decodebin ! {I420}"),
    (["desktop"], "gst:rtspsrc ! decodebin", {}, OPENCV, f"rtspsrc ! decodebin ! {BGR}"),
    (
        JETSONS,
        "rtsp://192.0.2.7/a",
        {"decoder": "gstreamer"},
        OPENCV,
        f"{RTSP} ! decodebin ! nvvidconv ! video/x-raw,format=BGRx ! deinterlace fields=top ! {BGR}",
    ),
    (
        ["desktop"],
        "rtsp://192.0.2.7/a",
        {"decoder": "gstreamer"},
        OPENCV,
        f"{RTSP} ! decodebin ! deinterlace fields=top ! {BGR}",
    ),
    (JETSONS, "a.mp4", {}, OPENCV, f"filesrc location={{}} ! decodebin ! nvvidconv ! video/x-raw,format=BGRx ! {BGR}"),
    (["desktop"], "a.mp4", {}, OPENCV, ""),
    (
        JETSONS,
        "v4l2:///dev/video0?size=1280x720&fps=29.97&jpeg_decoder=nvv4l2decoder",
        {},
        LAUNCH,
        f"{JPEG} ! nvv4l2decoder mjpeg=1 ! {SCALED} ! video/x-raw,format=I420,width=1280,height=720 ! {I420}",
    ),
    (
        ["jetpack 5", "jetpack 6"],
        "v4l2:///dev/video0?fourcc=MJPG&jpeg_decoder=nvjpegdec",
        {},
        OPENCV,
        f"v4l2src device=/dev/video0 ! image/jpeg ! nvjpegdec ! nvvidconv ! video/x-raw,format=BGRx ! {BGR}",
    ),
]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """``machine(name, through)``: the elements of a recorded machine, and how its GStreamer is reached."""

    def become(name: str, through: str) -> None:
        monkeypatch.setattr(gst_launch, "missing_element", lambda element: element not in ELEMENTS[name])
        monkeypatch.setattr(shutil, "which", lambda program: None if program == "ffmpeg" else f"/usr/bin/{program}")
        for module in (gstreamer, rtsp, video_file):
            monkeypatch.setattr(module, "opencv_has", lambda decoder: decoder == through)

    return become


def text_of(source: Any) -> str:
    """The pipeline of a source that is not open, whoever will run it."""
    decoder = source._decoder if hasattr(source, "_decoder") else source
    decoder = getattr(decoder, "_capture", decoder)
    if hasattr(decoder, "_arguments"):
        program, quiet, *parts = decoder._arguments
        assert (program, quiet, decoder._output) == ("gst-launch-1.0", "-q", "fd={}")
        return " ".join(parts)
    return str(decoder._pipeline if decoder._is_file else decoder._target)


@pytest.mark.parametrize(("machines", "uri", "options", "through", "text"), TEXTS)
def test_the_text_on_each_machine(
    machine: Callable[..., None], machines: Any, uri: str, options: dict[str, str], through: str, text: str
) -> None:
    for name in machines:
        machine(name, through)
        assert text_of(create_source(uri, options, Surroundings(frame_size=(1280, 720)))) == text


@pytest.mark.parametrize(
    ("name", "between"), [("desktop", ""), ("jetpack 6", "nvvidconv ! video/x-raw,format=I420 ! ")]
)
def test_the_text_that_deinterlaces(machine: Callable[..., None], name: str, between: str) -> None:
    machine(name, LAUNCH)
    decoder = deinterlacer(VideoInput("a", 5.0, "a", "rtspsrc location=a"))
    assert text_of(decoder) == f"rtspsrc location=a ! decodebin ! {between}deinterlace fields=top ! {I420}"


@pytest.mark.parametrize(
    ("name", "uri", "problem"),
    [
        ("desktop", "csi://0", "nvarguscamerasrc"),
        ("desktop", "v4l2:///dev/video0?jpeg_decoder=nvjpegdec", "leave jpeg_decoder out"),
        ("jetpack 7", "v4l2:///dev/video0?jpeg_decoder=nvjpegdec", "nvjpegdec"),
    ],
)
def test_an_element_that_a_machine_lacks(machine: Callable[..., None], name: str, uri: str, problem: str) -> None:
    machine(name, LAUNCH)
    with pytest.raises(MachineError, match=problem):
        create_source(uri)


@pytest.mark.parametrize("query", ["jpeg_decoder=jpegdec", "jpeg_decoder=nvjpegdec&fourcc=YUYV"])
def test_a_jpeg_decoder_that_cannot_be(machine: Callable[..., None], query: str) -> None:
    machine("jetpack 6", LAUNCH)
    with pytest.raises(ConfigurationError):
        create_source(f"v4l2:///dev/video0?{query}")


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ("videotestsrc", False),
        ("filesrc location=nvidia ! decodebin", True),
        ("uridecodebin3 uri=a", True),
        ("rtspsrc ! rtph264depay ! nvv4l2decoder ! queue", True),
        ("rtspsrc ! decodebin ! videoconvert", False),
        ("nvarguscamerasrc ! nvvidconv flip-method=2", False),
        ("nvarguscamerasrc ! nvvidconv ! video/x-raw(memory:NVMM), width=640", True),
        ("nvarguscamerasrc ! nvvidconv ! video/x-raw, format=BGRx ! queue", False),
        ('nvarguscamerasrc ! capsfilter caps="video/x-raw(memory:NVMM),width=640"', True),
        ("nvarguscamerasrc ! nvvidconv ! capsfilter caps=video/x-raw,format=I420", False),
    ],
)
def test_where_a_pipeline_leaves_its_pictures(pipeline: str, expected: bool) -> None:
    assert ends_in_device_memory(pipeline) is expected


@pytest.mark.parametrize(
    ("size", "frame", "expected"),
    [
        ((1920, 1080), (1280, 720), (1280, 720)),
        ((1920, 1080), (640, 480), (854, 480)),  # its shape is kept: what is wider is cut to by the scorer
        ((1920, 1080), (640, 640), (1138, 640)),
        ((1920, 1080), None, (1920, 1080)),
        ((1280, 720), (1280, 720), (1280, 720)),
        ((640, 480), (1280, 720), (640, 480)),
        ((1280, 960), (1270, 200), (1270, 954)),
    ],
)
def test_a_camera_gives_no_more_than_is_needed(size: Any, frame: Any, expected: Any) -> None:
    assert shrunk(size, frame) == expected


SIDES = st.tuples(st.integers(2, 8000), st.integers(2, 8000))


@given(SIDES, SIDES)
def test_a_shrunk_picture_holds_the_frame_and_keeps_its_shape(size: tuple[int, int], frame: tuple[int, int]) -> None:
    width, height = shrunk(size, frame)
    if (width, height) == size:
        return
    assert width < size[0] and height < size[1]
    assert frame[0] <= width and frame[1] <= height
    assert width % 2 == height % 2 == 0
    assert abs(width * size[1] - height * size[0]) <= 2 * max(size)


@pytest.mark.parametrize(("flip", "expected"), [(0, (4, 2)), (1, (2, 4)), (2, (4, 2)), (3, (2, 4)), (7, (2, 4))])
def test_sides_change_with_a_quarter_turn(flip: int, expected: tuple[int, int]) -> None:
    assert turned((4, 2), flip) == expected


@pytest.fixture(scope="module")
def elements_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("jetson")
    if shutil.which(LAUNCH) is None or compile_jetson_elements(folder) is None:
        pytest.skip("needs gst-launch-1.0, a C compiler and libgstreamer-plugins-base1.0-dev")
    return folder


@pytest.fixture
def jetson(elements_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine with stand-ins of a Jetson's elements that run."""
    monkeypatch.setenv("GST_PLUGIN_PATH", str(elements_folder))
    monkeypatch.setenv("GST_REGISTRY", str(elements_folder / "registry.bin"))
    gst_launch._lacks.cache_clear()
    yield
    gst_launch._lacks.cache_clear()


def frames_of(source: Any, most: int = 99) -> list[Any]:
    source.open()
    frames = []
    while len(frames) < most and isinstance(result := source.read(), Frame):
        frames.append(result.image)
    source.close()
    return frames


def has_white(part: Any) -> bool:
    """The first bar of SMPTE's picture is white, and nothing else at an edge of it is."""
    return bool(np.all(part.reshape(-1, 3).mean(axis=0) > 170))


@pytest.mark.parametrize(
    ("query", "frame_size", "shape", "corner"),
    [
        ("size=320x240", (160, 120), (120, 160), (slice(2, 40), slice(2, 10))),
        ("size=320x240&shrink=false", (160, 120), (240, 320), (slice(2, 40), slice(2, 10))),
        ("size=320x240&flip=2", (160, 120), (120, 160), (slice(-40, -2), slice(-10, -2))),
        ("size=320x240&flip=3", (120, 160), (160, 120), (slice(2, 10), slice(-40, -2))),
        ("size=320x240", None, (240, 320), (slice(2, 40), slice(2, 10))),
    ],
)
def test_a_camera_on_elements_that_run(
    jetson: None, query: str, frame_size: Any, shape: tuple[int, int], corner: tuple[slice, slice]
) -> None:
    frames = frames_of(create_source(f"csi://0?{query}&fps=60", surroundings=Surroundings(frame_size=frame_size)), 3)
    assert [frame.shape for frame in frames] == [(*shape, 3)] * 3
    assert has_white(frames[-1][corner])


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """JPEG in a file whose name a pipeline would have to quote."""
    video = tmp_path / 'a "b" %d.avi'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(6):
        writer.write(np.full((48, 64, 3), 126, np.uint8))
    writer.release()
    return video


def test_what_decodes_to_device_memory_is_read_only_through_the_converter(
    jetson: None, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"gst:filesrc location={property_text(str(video))} ! decodebin"
    frames = frames_of(create_source(uri))
    assert len(frames) == 6
    assert all(abs(frame.mean() - 126) < 4 for frame in frames)
    monkeypatch.setattr(gstreamer, "has_element", lambda name: False)
    monkeypatch.setattr(gst_launch, "has_element", lambda name: False)
    with pytest.raises(SourceError, match="gives no frames by gst-launch"):
        create_source(uri, surroundings=Surroundings(2.0, 2.0)).open()


@pytest.mark.parametrize("printed", [0, 100, 100_000])
def test_a_camera_that_prints_gives_every_frame(jetson: None, printed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each of its pictures, as a Jetson's camera element does at its start."""
    monkeypatch.setenv("DGIQA_TEST_PRINTS", str(printed))
    source = create_source("gst:nvarguscamerasrc num-buffers=12 ! video/x-raw(memory:NVMM),width=64,height=48")
    frames = frames_of(source)
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 12
    assert all(has_white(frame[2:30, 2:6]) for frame in frames)
    source.open()
    assert isinstance(source.read(), Frame)
    source.close()
    assert isinstance(source.read(), End)


# A camera that prints, and a file that decodes to device memory, by OpenCV's GStreamer.
THROUGH_OPENCV = """
import sys
from dgiqa_edge.runtime.watch.sources import End, create_source, video_file
from dgiqa_edge.runtime.watch.sources.protocol import Surroundings
video_file._decoder = lambda: "gstreamer"  # Debian's OpenCV has FFmpeg beside it, a Jetson's has not
camera = create_source("csi://0?size=320x240&fps=60&flip=1", surroundings=Surroundings(frame_size=(120, 160)))
camera.open()
assert [camera.read().image.shape for _ in range(5)] == [(160, 120, 3)] * 5
assert camera.describe()["decoder"] == "gstreamer"
camera.close()
video = create_source(sys.argv[1])
video.open()
levels = []
while not isinstance(result := video.read(), End):
    levels.append(int(result.image.mean()))
assert len(levels) == 6 and all(abs(level - 126) < 4 for level in levels), (levels, result)
"""


def test_the_same_through_opencv(
    jetson: None, video: Path, through_gstreamer: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DGIQA_TEST_PRINTS", "100000")
    through_gstreamer(THROUGH_OPENCV, str(video))
