"""Video files as sources."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stand_ins.pictures import encode, needs_ffmpeg

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, create_source
from dgiqa_edge.runtime.watch.sources.video_file import VideoFile


def read_up_to(source: Any, count: int) -> list[Any]:
    source.open()
    results: list[Any] = []
    while len(results) < count and not (results and isinstance(results[-1], End)):
        results.append(source.read())
    source.close()
    return results


def test_every_frame_of_a_video(make_video: Callable[..., Path]) -> None:
    source = create_source(str(make_video(7)))
    results = read_up_to(source, 99)
    assert [type(result) for result in results] == [Frame] * 7 + [End]
    assert results[-1].whole
    assert not source.live
    assert source.interval_s is None


def test_a_video_loops(make_video: Callable[..., Path]) -> None:
    results = read_up_to(create_source(f"file://{make_video(3)}?loop=true"), 8)
    assert [round(float(result.image[0, 0, 0]) / 20) for result in results] == [0, 1, 2, 0, 1, 2, 0, 1]


@pytest.mark.parametrize(("query", "interval_s"), [("pace=realtime", 0.1), ("fps=4", 0.25), ("pace=asap", None)])
def test_the_pace_of_a_video(make_video: Callable[..., Path], query: str, interval_s: float | None) -> None:
    source = create_source(f"file://{make_video(3, fps=10.0)}?{query}")
    source.open()
    assert source.interval_s == (None if interval_s is None else pytest.approx(interval_s))


def test_a_video_that_is_cut_off_says_so(make_video: Callable[..., Path], tmp_path: Path) -> None:
    whole = make_video(60, name="whole.avi")
    content = whole.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: len(content) // 2])
    results = read_up_to(create_source(str(cut)), 99)
    assert len(results) < 60
    assert isinstance(results[-1], End)


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [("absent.mp4", None, "does not exist"), ("empty.mp4", b"", "empty"), ("text.mp4", b"no video" * 99, "damaged")],
)
def test_files_that_are_no_video(tmp_path: Path, name: str, content: bytes | None, complaint: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=complaint):
        create_source(name, folder=tmp_path).open()


@pytest.mark.parametrize("query", ["speed=2", "loop=maybe", "pace=slow", "fps=0"])
def test_options_that_are_none(make_video: Callable[..., Path], query: str) -> None:
    with pytest.raises(ConfigurationError, match=query.partition("=")[0]):
        create_source(f"file://{make_video(1)}?{query}")


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
