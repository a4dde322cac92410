"""Video files and image files as sources."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest
from stand_ins.pictures import picture

from dgiqa_edge.runtime.errors import ConfigurationError, SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, create_source


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


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in (2, 0, 1):
        cv2.imwrite(str(folder / f"{index}.png"), picture(index))
    (folder / "1b.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (folder / "notes.txt").write_text("no image")
    return folder


@pytest.mark.parametrize("form", ["{}", "{}/", "file://{}", "{}/*.*g"])
def test_images_by_name_a_damaged_one_told(photos: Path, form: str) -> None:
    results = read_up_to(create_source(form.format(photos)), 99)
    assert [type(result) for result in results] == [Frame, Frame, Damaged, Frame, End]
    assert "1b.jpg" in results[2].reason


def test_one_image(photos: Path) -> None:
    assert [type(result) for result in read_up_to(create_source(str(photos / "0.png")), 9)] == [Frame, End]


def test_images_loop_and_find_new_ones(photos: Path) -> None:
    (photos / "1b.jpg").unlink()
    source = create_source(f"file://{photos}?loop=true&fps=20")
    source.open()
    assert source.interval_s == pytest.approx(0.05)
    for _ in range(3):
        source.read()
    cv2.imwrite(str(photos / "3.png"), picture(3))
    levels = [round(float(source.read().image[0, 0, 0]) / 20) for _ in range(5)]
    assert levels == [0, 1, 2, 3, 0]


def test_a_folder_without_images(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="means no image"):
        create_source(str(tmp_path)).open()


@pytest.mark.parametrize("query", ["speed=2", "loop=maybe", "pace=slow", "fps=0"])
def test_options_that_are_none(make_video: Callable[..., Path], query: str) -> None:
    with pytest.raises(ConfigurationError, match=query.partition("=")[0]):
        create_source(f"file://{make_video(1)}?{query}")
