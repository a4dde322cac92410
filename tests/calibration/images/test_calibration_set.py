import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import SHARED

from dgiqa_edge.calibration.images.calibration_set import open_calibration_set, spread_order
from dgiqa_edge.runtime.errors import CalibrationError
from dgiqa_edge.runtime.frames.fit import fit_frame
from dgiqa_edge.runtime.ground.framing import FITS

PHOTOS = SHARED / "data" / "photos"
SIZE = {"height": 24, "width": 32}


def picture(seed: int, height: int = 30, width: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def fill(folder: Path, count: int, *, first: int = 0) -> Path:
    """``count`` different pictures, the odd ones in a subfolder."""
    (folder / "more").mkdir(parents=True, exist_ok=True)
    for index in range(first, first + count):
        name = f"more/{index:03}.png" if index % 2 else f"{index:03}.png"
        cv2.imwrite(str(folder / name), picture(index))
    return folder


def write_video(path: Path, count: int, *, still: bool = False) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (40, 32))
    assert writer.isOpened()
    for index in range(count):
        frame = np.zeros((32, 40, 3), np.uint8)
        cv2.circle(frame, (4 if still else index % 40, 16), 6, (0, 128, 255), -1)
        writer.write(frame)
    writer.release()
    return path


def test_a_folder_is_read_recursively_and_fitted_to_the_frame(tmp_path):
    fill(tmp_path, 20)
    chosen = open_calibration_set(tmp_path, **SIZE)
    assert (len(chosen), chosen.considered, chosen.skipped) == (20, 20, ())
    assert any(image.name == str(Path("more", "001.png")) for image in chosen.images)
    paths = [image.path for image in chosen.images]
    assert paths == sorted(paths)
    for image, frame in zip(chosen.images, chosen, strict=True):
        assert frame.shape == (1, 24, 32, 3) and frame.dtype == np.uint8
        np.testing.assert_array_equal(frame[0], fit_frame(cv2.imread(str(image.path)), 24, 32))


@pytest.mark.parametrize("fit", FITS)
def test_pictures_of_another_shape_are_fitted_as_the_bundles_frames_will_be(tmp_path, fit):
    for index in range(16):
        cv2.imwrite(str(tmp_path / f"{index:03}.png"), picture(index, height=60, width=20 + index))
    chosen = open_calibration_set(tmp_path, **SIZE, fit=fit)
    for image, frame in zip(chosen.images, chosen, strict=True):
        np.testing.assert_array_equal(frame[0], fit_frame(cv2.imread(str(image.path)), 24, 32, fit))


def test_a_set_can_be_iterated_again(tmp_path):
    chosen = open_calibration_set(fill(tmp_path, 16), **SIZE)
    for first, second in zip(chosen, chosen, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("count", [16, 20])
def test_the_choice_is_spread_over_the_folder_and_repeatable(tmp_path, count):
    fill(tmp_path, 50)
    (tmp_path / ".hidden.png").write_bytes((tmp_path / "000.png").read_bytes())
    told = []
    chosen = open_calibration_set(
        tmp_path, **SIZE, count=count, progress=lambda done, total: told.append((done, total))
    )
    positions = sorted(int(image.path.stem) // 2 + 25 * (image.path.parent.name == "more") for image in chosen.images)
    assert len(chosen) == count
    assert max(np.diff([-1, *positions, 50])) <= 5
    assert chosen == open_calibration_set(tmp_path, **SIZE, count=count)
    assert told == [(index, count) for index in range(1, count + 1)]


@given(st.integers(1, 600))
def test_spread_order_is_a_permutation_with_even_prefixes(count):
    order = spread_order(count)
    assert sorted(order) == list(range(count))
    prefix = sorted(order[: max(1, count // 4)])
    gaps = np.diff([-1, *prefix, count])
    assert gaps.max() <= 9


@pytest.mark.parametrize("kind", ["glob", "list", "list with comments"])
def test_other_ways_to_name_the_same_pictures(tmp_path, kind):
    folder = fill(tmp_path / "photos", 18)
    expected = open_calibration_set(folder, **SIZE)
    if kind == "glob":
        source = str(folder / "**" / "*.png")
    else:
        names = [str(path.relative_to(tmp_path)) for path in sorted(folder.rglob("*.png"))]
        head = ["# site 3", ""] if kind == "list with comments" else []
        (tmp_path / "list.txt").write_text("\n".join([*head, *names]))
        source = str(tmp_path / "list.txt")
    chosen = open_calibration_set(source, **SIZE)
    assert chosen.image_set_sha256 == expected.image_set_sha256


def test_a_missing_file_of_a_list_is_named(tmp_path):
    fill(tmp_path, 16)
    names = [*(str(path) for path in sorted(tmp_path.rglob("*.png"))), "gone.png"]
    (tmp_path / "list.txt").write_text("\n".join(names))
    chosen = open_calibration_set(tmp_path / "list.txt", **SIZE)
    assert len(chosen) == 16
    assert chosen.skipped == (f"{tmp_path / 'gone.png'} (missing)",)


def test_unusable_files_are_named_and_replaced(tmp_path):
    fill(tmp_path, 20)
    (tmp_path / "notes.txt").write_text("not a picture")
    whole = (tmp_path / "000.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "copy.png").write_bytes(whole)
    chosen = open_calibration_set(tmp_path, **SIZE)
    assert len(chosen) == 20
    names = {name.split(" (")[0] for name in chosen.skipped}
    assert names >= {"notes.txt", "cut.png", "empty.jpg"}
    assert len(names & {"copy.png", "000.png"}) == 1
    assert len({image.pixels_sha256 for image in chosen.images}) == 20


@pytest.mark.parametrize(
    ("pictures", "texts", "message"),
    [
        (3, 0, r"3 of 3 usable, at least 16 are needed; add photos"),
        (0, 7, r"0 of 7 usable, .*not usable: a0\.txt \(not an image\), .*a4\.txt \(not an image\) and 2 more"),
        (15, 1, r"15 of 16 usable, .*not usable: a0\.txt"),
    ],
)
def test_too_few_pictures(tmp_path, pictures, texts, message):
    fill(tmp_path, pictures)
    for index in range(texts):
        (tmp_path / f"a{index}.txt").write_text("text")
    with pytest.raises(CalibrationError, match=message) as caught:
        open_calibration_set(tmp_path, **SIZE)
    assert "\n" not in str(caught.value)


def test_copies_of_one_picture_are_no_calibration_set(tmp_path):
    for index in range(20):
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture(0))
    with pytest.raises(CalibrationError, match=r"1 of 20 usable.*same picture as"):
        open_calibration_set(tmp_path, **SIZE)


@pytest.mark.parametrize("source", ["nowhere", "empty", "nothing/*.jpg"])
def test_nothing_there(tmp_path, source):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CalibrationError, match="calibration images not found"):
        open_calibration_set(tmp_path / source, **SIZE)


def test_the_hash_knows_pixels_order_frame_size_and_fit_but_no_names(tmp_path):
    first = open_calibration_set(fill(tmp_path / "a", 16), **SIZE)
    same = open_calibration_set(fill(tmp_path / "b", 16), **SIZE)
    assert first.image_set_sha256 == same.image_set_sha256
    assert first.image_set_sha256 != open_calibration_set(tmp_path / "a", height=32, width=24).image_set_sha256
    assert first.image_set_sha256 != open_calibration_set(tmp_path / "a", **SIZE, fit="pad").image_set_sha256

    changed = picture(4)
    changed[7, 9, 1] ^= 1
    cv2.imwrite(str(tmp_path / "b" / "004.png"), changed)
    assert first.image_set_sha256 != open_calibration_set(tmp_path / "b", **SIZE).image_set_sha256

    (tmp_path / "a" / "000.png").rename(tmp_path / "a" / "099.png")
    assert first.image_set_sha256 != open_calibration_set(tmp_path / "a", **SIZE).image_set_sha256


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: cv2.imwrite(str(path), picture(99))])
def test_a_picture_that_changes_during_the_run_is_noticed(tmp_path, damage):
    chosen = open_calibration_set(fill(tmp_path, 16), **SIZE)
    damage(chosen.images[5].path)
    with pytest.raises(CalibrationError, match=chosen.images[5].path.name):
        list(chosen)


def test_a_video_gives_evenly_spaced_frames(tmp_path):
    path = write_video(tmp_path / "clip.avi", 39)
    chosen = open_calibration_set(path, **SIZE, count=20)
    assert [image.video_frame for image in chosen.images] == list(range(0, 39, 2))
    capture = cv2.VideoCapture(str(path))
    decoded = [capture.read()[1] for _ in range(39)]
    for image, frame in zip(chosen.images, chosen, strict=True):
        np.testing.assert_array_equal(frame[0], fit_frame(decoded[image.video_frame], 24, 32))


def test_a_short_or_still_video_is_too_few(tmp_path):
    with pytest.raises(CalibrationError, match="10 of 10 usable"):
        open_calibration_set(write_video(tmp_path / "short.avi", 10), **SIZE)
    with pytest.raises(CalibrationError, match=r"1 of 20 usable.*same picture as frame 0"):
        open_calibration_set(write_video(tmp_path / "still.avi", 20, still=True), **SIZE)


def test_a_cut_video_gives_what_it_holds(tmp_path):
    whole = write_video(tmp_path / "whole.avi", 40).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole[: int(len(whole) * 0.7)])
    chosen = open_calibration_set(cut, **SIZE, count=18)
    assert len(chosen) == 18
    assert chosen.images[-1].video_frame < 30
    assert len(list(chosen)) == 18


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="development photos (../shared/data/photos) are not here")
def test_real_photos():
    chosen = open_calibration_set(PHOTOS, height=120, width=160, count=24)
    assert len(chosen) == 24
    assert chosen.skipped == ("mos.csv (not an image)",)
    frame = next(iter(chosen))
    assert frame.shape == (1, 120, 160, 3) and frame.std() > 5


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg (apt-get install ffmpeg)")
def test_an_interlaced_video_is_truly_read(tmp_path):
    """OpenCV 4.13 and later give unwritten memory for it."""
    progressive = write_video(tmp_path / "clip.avi", 20)
    interlaced = tmp_path / "interlaced.mpg"
    encode = ("-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-r", "25", "-b:v", "4M")
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-i", progressive, *encode, interlaced], check=True)
    levels = [
        np.mean([frame.mean() for frame in open_calibration_set(path, **SIZE, count=16)])
        for path in (progressive, interlaced)
    ]
    assert levels[1] == pytest.approx(levels[0], abs=3.0)
