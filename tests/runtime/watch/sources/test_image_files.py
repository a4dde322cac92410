"""Image files as sources: one, several by name, a folder, again and again."""

from pathlib import Path
from typing import Any

import cv2
import pytest
from stand_ins.pictures import picture

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.runtime.watch.sources import Damaged, End, Frame, create_source


def read_up_to(source: Any, count: int) -> list[Any]:
    source.open()
    results: list[Any] = []
    while len(results) < count and not (results and isinstance(results[-1], End)):
        results.append(source.read())
    source.close()
    return results


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
