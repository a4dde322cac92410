import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.errors import SourceError
from dgiqa_edge.training.data.datasets import TEST_CSV, TRAIN_CSV, read_biq2021, read_photo, read_photo_of_size


@pytest.fixture
def folder(tmp_path):
    images = tmp_path / "Images"
    images.mkdir()
    for number in range(12):
        cv2.imwrite(str(images / f"s ({number}).jpg"), np.full((20, 24, 3), 10 * number, np.uint8))
    (images / "s (3).jpg").rename(images / "s (3).JPG")
    rows = [f"s ({number}).jpg,0.{number:02d},," for number in range(12)]
    (tmp_path / TRAIN_CSV).write_text("\n".join(["Image Name,MOS,,", *rows[:10]]) + "\n")
    (tmp_path / TEST_CSV).write_text("\n".join(["Image Name,MOS", *(row.rstrip(",") for row in rows[10:])]) + "\n")
    return tmp_path


def test_the_official_split_is_read_whole(folder):
    photos = read_biq2021(folder)
    assert len(photos.photos) == 12
    assert photos.indices("train").tolist() == list(range(10))
    assert photos.indices("test").tolist() == [10, 11]
    assert photos.mos[7] == pytest.approx(0.07)
    assert all(photo.path.is_file() for photo in photos.photos)


def test_validation_is_a_fixed_part_of_train(folder):
    photos = read_biq2021(folder)
    fit, validation = photos.indices("fit"), photos.indices("validation")
    assert len(validation) == 2
    assert sorted([*fit, *validation]) == list(range(10))
    assert np.array_equal(validation, read_biq2021(folder).indices("validation"))


def test_a_photo_of_another_size_is_brought_to_size(folder):
    path = read_biq2021(folder).photos[5].path
    assert read_photo(path).shape == (20, 24, 3)
    assert read_photo_of_size(path, (32, 32)).shape == (32, 32, 3)


def test_missing_lists_damaged_lists_and_unreadable_photos_are_named(folder, tmp_path):
    with pytest.raises(SourceError, match="is missing"):
        read_biq2021(tmp_path / "nowhere")
    (folder / TEST_CSV).write_text("Image Name,MOS\nx.jpg,good\n")
    with pytest.raises(SourceError, match="line 2"):
        read_biq2021(folder)
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match=r"broken\.jpg"):
        read_photo(tmp_path / "broken.jpg")
