"""Depth pictures: what they show, and that no two images share one."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import MachineError
from dgiqa_edge.runtime.frames.depth_picture import picture_names, write_depth_picture

PATHS = st.lists(
    st.builds(
        lambda folder, stem, suffix: Path(folder) / f"{stem}{suffix}",
        st.sampled_from(["a", "b", "a/b", "A"]),
        st.sampled_from(["photo", "Photo", "photo.depth", "x"]) | st.text("ab-", min_size=1, max_size=4),
        st.sampled_from([".jpg", ".png", ""]),
    ),
    unique=True,
    max_size=12,
)


def test_brighter_is_nearer(tmp_path: Path) -> None:
    depth = np.repeat(np.arange(0, 256, 5, dtype=np.uint8)[np.newaxis], 4, axis=0)
    path = tmp_path / "new folder" / "depth.png"
    write_depth_picture(path, depth)
    picture = cv2.imread(str(path))
    assert picture.shape == (4, 52, 3)
    brightness = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)[0].astype(int)
    assert (np.diff(brightness) >= -1).all()
    assert brightness[0] < 10
    assert brightness[-1] > 200
    assert [file.name for file in path.parent.iterdir()] == ["depth.png"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((MachineError, OSError)):
        write_depth_picture(tmp_path / "file" / "depth.png", np.zeros((2, 2), np.uint8))


def test_names_stay_plain_where_they_can() -> None:
    images = [Path("a/photo.jpg"), Path("b/photo.png"), Path("b/other.jpg")]
    names = picture_names(images)
    assert names[Path("b/other.jpg")] == "other.depth.png"
    assert names[Path("a/photo.jpg")] != names[Path("b/photo.png")]
    assert all(name.startswith("photo-") for image, name in names.items() if image.stem == "photo")


@given(PATHS)
def test_no_two_images_share_a_picture(images: list[Path]) -> None:
    names = picture_names(images)
    assert len(names) == len(images)
    assert len({name.casefold() for name in names.values()}) == len(images)
    assert all("/" not in name for name in names.values())


@given(PATHS, st.randoms())
def test_names_do_not_depend_on_the_order(images: list[Path], random: "object") -> None:
    shuffled = list(images)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert picture_names(shuffled) == picture_names(images)


def test_a_name_that_looks_like_a_digest_does_not_collide() -> None:
    twins = [Path("a/photo.jpg"), Path("b/photo.jpg")]
    taken = Path(picture_names(twins)[twins[0]]).name.removesuffix(".depth.png")
    images = [*twins, Path("c") / f"{taken}.jpg"]
    assert len(set(picture_names(images).values())) == 3
