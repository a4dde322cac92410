"""``dgiqa-edge demo`` as a user runs it, with a bundle whose score is the frame's brightness."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy.degradation_order import OrderReport, PhotoScores
from dgiqa_edge.benchmarks.commands.demo import headline
from dgiqa_edge.calibration.degradations.kinds import SHOWN
from dgiqa_edge.runtime import Scorer


@pytest.fixture
def photos(tmp_path, make_photo):
    folder = tmp_path / "photos"
    for name, size in (("one/photo.png", (48, 64)), ("two/photo.png", (48, 64)), ("two/tall.png", (160, 90))):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(
            str(folder / name), make_photo(seed=len(name) + size[0] + ord(name[0]), height=size[0], width=size[1])
        )
    return folder


def table_of(stdout):
    """Rows of the printed table by photo, the scores as printed."""
    lines = stdout.split("\n\n")[0].splitlines()
    assert lines[0].split() == ["photo", "clean", *SHOWN]
    return {line.split("  ")[0].strip(): line.split()[-len(SHOWN) - 1 :] for line in lines[1:-1]}, lines[-1].split()


def test_the_table_counts_what_its_rows_show(bundle_dir, photos, command_line, tmp_path):
    out, file = tmp_path / "out", tmp_path / "scores.json"
    result = command_line("demo", "--bundle", bundle_dir, "--out", out, "--json", file, photos / "one", photos / "two")
    assert result.returncode == 0, result.stderr
    rows, shares = table_of(result.stdout)
    assert list(rows) == [str(photos / "one/photo.png"), str(photos / "two/photo.png"), "tall.png"]
    below = dict.fromkeys(SHOWN, 0)
    for cells in rows.values():
        for kind, text in zip(SHOWN, cells[1:], strict=True):
            below[kind] += not text.endswith("!")
    assert shares[-len(SHOWN) :] == [f"{below[kind]}/3" for kind in SHOWN]
    in_order = sum(below.values())
    assert 3 <= in_order < 3 * len(SHOWN)  # a judge of brightness gets some kinds right and some wrong
    assert f"{in_order} of 24 degraded copies (strength 0.5) score below their photo" in result.stdout
    assert "3 photos in: 3 scored, 0 failed; 27 frames scored (3 photos and 24 copies)" in result.stdout
    assert "is not recorded in it" in result.stdout
    document = json.loads(file.read_text())
    assert (document["in_order"], document["pairs"]) == (in_order, 24)
    with Scorer(bundle_dir) as scorer:
        expected = scorer.score(cv2.imread(str(photos / "two/tall.png"))).score
    assert document["scored"][2]["score"] == pytest.approx(expected, abs=1e-6)
    assert float(rows["tall.png"][0]) == pytest.approx(expected, abs=1e-4)


def test_the_sheet_and_every_depth_map_are_written(bundle_dir, photos, command_line, tmp_path):
    out = tmp_path / "out"
    result = command_line("demo", "--bundle", bundle_dir, "--out", out, photos / "one", photos / "two")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["contact_sheet.png", "depth"]
    assert len(list((out / "depth").glob("*.depth.png"))) == 3
    assert f"contact sheet: {out / 'contact_sheet.png'}" in result.stdout
    assert f"depth maps: {out / 'depth'}" in result.stdout
    sheet = cv2.imread(str(out / "contact_sheet.png"))
    (wide,) = (path for path in (out / "depth").iterdir() if path.name.startswith("tall"))
    assert min(cv2.imread(str(wide)).shape[:2]) > 20  # as large as what was scored of the photo, 48 pixels high
    red = np.array((84, 84, 255))
    assert sheet.shape[1] == 1280
    assert (sheet == red).all(axis=2).any()


def test_the_sheets_headline_counts_the_copies_that_are_as_they_should_be():
    scored = PhotoScores(Path("photo.jpg"), None, 0.5, {"noise": 0.4, "haze": 0.5, "dirt": 0.6})
    said = headline(OrderReport(0.5, (scored, scored), {}))
    assert said == "A spoiled picture should score lower than its photo: 2 of 6 copies do"


def test_twelve_shipped_photos_are_the_default_and_are_credited_by_the_sheet(bundle_dir, command_line, tmp_path):
    result = command_line("demo", "--bundle", bundle_dir, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "12 photos in: 12 scored, 0 failed; 108 frames scored" in result.stdout
    assert len(list((tmp_path / "out" / "depth").iterdir())) == 12
    assert "note: quality weights are seeded" in result.stderr


def test_a_photo_that_cannot_be_read_spares_the_others_and_is_counted(bundle_dir, photos, command_line, tmp_path):
    (photos / "two" / "broken.jpg").write_text("no picture")
    out = tmp_path / "out"
    file = tmp_path / "scores.json"
    result = command_line(
        "demo", "--bundle", bundle_dir, "--out", out, "--json", file, photos / "two", photos / "absent.png"
    )
    assert result.returncode == 3
    assert "4 photos in: 2 scored, 2 failed; 18 frames scored" in result.stdout
    assert "error: " in result.stdout
    assert [record["photo"] for record in json.loads(file.read_text())["failed"]] == [
        str(photos / "two" / "broken.jpg"),
        str(photos / "absent.png"),
    ]
    assert (out / "contact_sheet.png").is_file()


def test_without_any_readable_photo_no_sheet_is_claimed(bundle_dir, command_line, tmp_path):
    out = tmp_path / "out"
    result = command_line("demo", "--bundle", bundle_dir, "--out", out, tmp_path / "absent.png")
    assert result.returncode == 3
    assert "absent.png does not exist" in result.stdout
    assert "no contact sheet" in result.stdout
    assert not out.exists()


@pytest.mark.parametrize("strength", ["0", "1.01", "-1", "nan"])
def test_a_strength_that_makes_no_sense_is_refused(bundle_dir, command_line, tmp_path, strength):
    result = command_line("demo", "--bundle", bundle_dir, "--out", tmp_path / "out", f"--strength={strength}")
    assert result.returncode == 2
    assert "--strength" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["contact_sheet.png", "depth/photo.depth.png"])
def test_no_photo_is_overwritten(bundle_dir, photos, command_line, tmp_path, name):
    mine = tmp_path / "out" / name
    mine.parent.mkdir(parents=True)
    content = (photos / "one" / "photo.png").read_bytes()
    mine.write_bytes(content)
    result = command_line("demo", "--bundle", bundle_dir, "--out", tmp_path / "out", mine, photos / "one" / "photo.png")
    assert result.returncode == 2
    assert "would overwrite one of the images" in result.stderr
    assert mine.read_bytes() == content


def test_more_photos_than_a_sheet_holds_are_refused_before_any_work(bundle_dir, photos, command_line, tmp_path):
    content = (photos / "one" / "photo.png").read_bytes()
    for number in range(101):
        (photos / "one" / f"{number}.png").write_bytes(content)
    result = command_line("demo", "--bundle", bundle_dir, "--out", tmp_path / "out", photos / "one")
    assert result.returncode == 2
    assert "102 photos are too many" in result.stderr
    assert not (tmp_path / "out").exists()
