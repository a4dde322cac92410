"""A camera to be iterated over: videos, images and scripted cameras, their times, losses and ends."""

from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime import Camera, Damaged, Frame
from dgiqa_edge.runtime.api import camera as camera_module
from dgiqa_edge.runtime.errors import ConfigurationError, SourceError


@pytest.fixture
def folder(tmp_path: Path, make_photo: Any) -> Path:
    """Three images, the second of them damaged."""
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), make_photo(seed=number))
    (tmp_path / "1.png").write_text("not an image")
    return tmp_path


@pytest.fixture
def video(tmp_path: Path, make_photo: Any) -> Path:
    """Ten frames, ten in a second."""
    file = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (64, 48))
    for number in range(10):
        writer.write(make_photo(seed=number))
    writer.release()
    return file


def test_images_have_the_time_of_their_number(folder: Path, make_photo: Any) -> None:
    with Camera(folder) as camera:
        frames = list(camera)
        assert [frame.t_s for frame in frames] == [0.0, 0.08]
        np.testing.assert_array_equal(frames[1].image, make_photo(seed=2))
        assert (camera.damaged, camera.problem, camera.live) == (1, None, False)
        assert [type(result) for result in camera.results()] == [Frame, Damaged, Frame]
        assert camera.damaged == 1
    assert [frame.t_s for frame in Camera(folder / "*.png", fps=100)] == [0.0, 0.02]


def test_a_video_has_its_own(video: Path) -> None:
    with Camera(str(video)) as camera:
        frames = list(camera)
        assert [frame.t_s for frame in frames] == pytest.approx([number / 10 for number in range(10)])
        assert frames[0].image.shape == (48, 64, 3)
        assert len(list(camera)) == 10
    assert camera.describe()["family"] == "file"
    assert repr(camera) == f"Camera({str(video)!r})"


def test_an_iteration_that_was_left_goes_on(video: Path) -> None:
    with Camera(video) as camera:
        assert [frame.t_s for frame in islice(camera, 3)] == pytest.approx([0.0, 0.1, 0.2])
        assert next(iter(camera)).t_s == pytest.approx(0.3)
    assert next(iter(camera)).t_s == 0.0  # closed in between


def test_a_video_that_is_cut_off_says_so(video: Path) -> None:
    video.write_bytes(video.read_bytes()[:-6000])
    camera = Camera(video)
    assert 0 < len(list(camera)) < 10
    assert camera.problem is not None
    assert "missing" in camera.problem


def until_lost(camera: Camera) -> list[float]:
    """The times of a live camera's frames until it is lost."""
    times = []
    with pytest.raises(SourceError, match=r"test://.* is lost \(.*\): iterate again to connect anew"):
        for frame in camera:
            assert frame.image.shape == (48, 64, 3)
            times.append(frame.t_s or 0.0)
    return times


def test_a_live_source_has_one_clock_and_its_own_pace() -> None:
    camera = Camera("test://?script=clean:4,lost:1", size="64x48", fps=50, loop=True)
    assert camera.live
    times = [*until_lost(camera), *until_lost(camera)]
    assert len(times) == 8
    assert times == sorted(set(times))
    for first, last in (times[0], times[3]), (times[4], times[7]):
        assert last - first > 0.035  # three intervals of 0.02 s; one that is late may be caught up with


def test_damaged_frames_of_a_live_source_are_counted() -> None:
    camera = Camera("test://?script=clean:2,damaged:3,clean:1,lost:1&fps=0&size=64x48")
    assert len(until_lost(camera)) == 3
    assert camera.damaged == 3


def test_a_source_that_gives_no_frames_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "_STALL_PAUSE_S", 0.01)
    frames = iter(Camera("test://?script=clean:1,stall:1000,lost:1&fps=0&size=64x48", timeout_s=0.6))
    assert next(frames).image.shape == (48, 64, 3)
    with pytest.raises(SourceError, match="no frame for 1 s"):
        next(frames)
    short = Camera("test://?script=clean:1,stall:3,clean:1,lost:1&fps=0&size=64x48")
    assert len(until_lost(short)) == 2


@pytest.mark.parametrize(
    ("source", "options", "error", "words"),
    [
        ("absent.mp4", {}, SourceError, "absent.mp4 does not exist"),
        (97, {}, SourceError, "/dev/video97 does not exist"),
        ("tcp://camera", {}, ConfigurationError, "no known scheme"),
        ("clip.mp4", {"lop": True}, ConfigurationError, "lop"),
        (97, {"size": "wide"}, ConfigurationError, "size"),
    ],
)
def test_what_cannot_be_opened(source: Any, options: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        list(Camera(source, **options))


def test_no_password_is_shown() -> None:
    camera = Camera("rtsp://admin:secret@192.0.2.7/live")
    assert "secret" not in repr(camera) + str(camera.describe())
