"""Real GStreamer pipelines in processes of their own: what arrives, and what happens when they end or hang."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError, MachineError
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.watch.event import FrameEvent
from dgiqa_edge.runtime.watch.media import launch_process
from dgiqa_edge.runtime.watch.sinks import create, video_pipeline

Scored = Callable[..., FrameEvent]


def elements_missing() -> str | None:
    inspect = shutil.which("gst-inspect-1.0")
    if inspect is None or shutil.which(launch_process.LAUNCH) is None:
        return "gst-launch-1.0 is not installed"
    for name in ("rawvideoparse", "videoconvert", "avimux", "jpegenc"):
        if subprocess.run([inspect, "--exists", name], check=False).returncode:
            return f"GStreamer has no {name}"
    return None


MISSING = elements_missing()
needs_gstreamer = pytest.mark.skipif(
    MISSING is not None,
    reason=f"{MISSING}: apt-get install gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good",
)


def section(pipeline: str, **options: object) -> dict[str, object]:
    return {"type": "gstreamer", "camera": "front", "pipeline": pipeline, **options}


@needs_gstreamer
def test_passing_frames_of_one_camera_become_a_complete_file(scored: Scored, tmp_path: Path) -> None:
    path = tmp_path / "accepted.avi"
    sink = create(section(f"jpegenc quality=95 ! avimux ! filesink location={path}", queue=100), "sinks.0")
    for index in range(20):
        sink.put(scored(10 * index, State.PASS))
        sink.put(scored(255, State.REJECT))
        sink.put(scored(255, State.PASS, camera="rear"))
    stats = sink.close(60.0)
    assert (stats.delivered, stats.ignored) == (20, 40)
    video = cv2.VideoCapture(str(path))
    levels = []
    while True:
        read, frame = video.read()
        if not read:
            break
        assert frame.shape == (48, 64, 3)
        levels.append(float(frame.mean()))
    np.testing.assert_allclose(levels, [10 * index for index in range(20)], atol=3)


@needs_gstreamer
def test_frames_of_another_size_are_resized_to_the_first(scored: Scored, tmp_path: Path) -> None:
    path = tmp_path / "accepted.avi"
    sink = create(section(f"jpegenc ! avimux ! filesink location={path}"), "sinks.0")
    sink.put(scored(0, size=(48, 64)))
    sink.put(scored(1, size=(90, 120)))
    assert sink.close(60.0).delivered == 2
    assert sink.describe()["size"] == [64, 48]


@needs_gstreamer
def test_a_pipeline_that_ends_is_started_again_and_its_words_are_passed_on(
    scored: Scored, wait_for: Callable[..., object]
) -> None:
    sink = create(section("no_such_element ! fakesink"), "sinks.0")
    index = 0

    def refused() -> bool:
        nonlocal index
        sink.put(scored(index))
        index += 1
        return sink.stats().failed >= 2

    wait_for(refused, 60)
    stats = sink.close(20.0)
    assert "no_such_element" in (stats.last_error or "")
    assert sink.describe()["starts"] >= 2
    assert stats.offered == stats.delivered + stats.ignored + stats.missed + stats.failed


@needs_gstreamer
def test_a_pipeline_that_hangs_is_ended_and_the_caller_never_waits(
    scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``identity sleep-time`` holds its first buffer for 100 s; the frames are larger than the pipe's buffer."""
    monkeypatch.setattr(launch_process, "_START_S", 0.0)
    sink = create(section("identity sleep-time=100000000 ! fakesink", stall_s=0.3), "sinks.0")
    for index in range(60):
        sink.put(scored(index, size=(480, 640)))
    stats = sink.close(3.0)
    assert stats.offered == 60 == stats.delivered + stats.missed + stats.failed
    assert stats.delivered < 60


def test_without_gstreamer_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(video_pipeline, "opencv_has", lambda decoder: False)
    with pytest.raises(MachineError, match=r"apt-get install gstreamer1\.0-tools"):
        create(section("fakesink"), "sinks.0")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"pipeline": "x"}, "camera is missing"),
        ({"camera": "front"}, "pipeline is missing"),
        ({"camera": "front", "pipeline": " ! "}, "is empty"),
        ({"camera": "front", "pipeline": "filesink location='x"}, "quotes"),
        ({"camera": "front", "pipeline": "fakesink", "size": "big"}, "1280x720"),
        ({"camera": "front", "pipeline": "fakesink", "fps": 0}, "fps"),
    ],
)
def test_a_wrong_setting_is_named(options: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        create({"type": "gstreamer", **options}, "sinks.0")


def test_credentials_in_a_pipeline_are_not_shown() -> None:
    events = video_pipeline.accepted_of("front")
    if MISSING:
        pytest.skip(MISSING)
    pipeline = "rtspclientsink location=rtsp://joe:hunter2@192.0.2.1/x user-pw=hunter2"
    assert "hunter2" not in str(video_pipeline.VideoPipeline(pipeline, events, 30.0, None, 5.0).describe())
