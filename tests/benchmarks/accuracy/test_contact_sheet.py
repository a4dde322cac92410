"""The drawn sheet: the right picture, colour, bar and mark in the right cell, and nothing outside its cell."""

from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy import contact_sheet as sheet
from dgiqa_edge.benchmarks.accuracy.contact_sheet import SheetTexts, draw_row, draw_sheet, sheet_width
from dgiqa_edge.benchmarks.accuracy.degradation_order import PhotoPictures, PhotoScores
from dgiqa_edge.runtime.frames.depth_picture import depth_colours

LEVEL = {"clean": 200, "noise": 120, "haze": 60}


def scores(clean=0.5, noise=0.25, haze=0.75):
    return PhotoScores(Path("photo.jpg"), None, clean, {"noise": noise, "haze": haze})


def pictures(shape=(90, 160)):
    flat = {name: np.full((48, 64, 3), level, np.uint8) for name, level in LEVEL.items()}
    depth = np.full((12, 16), 90, np.uint8)
    return PhotoPictures(shape, flat["clean"], depth, {kind: flat[kind] for kind in ("noise", "haze")})


def cell(row, number):
    left = sheet.MARGIN + number * (sheet.PICTURE_WIDTH + sheet.GAP)
    return row[: sheet.CELL_HEIGHT, left : left + sheet.PICTURE_WIDTH]


def bar_length(part):
    """Pixels of the score bar that are filled."""
    line = part[sheet.PICTURE_HEIGHT + 27, 7 : sheet.PICTURE_WIDTH - 7]
    return int((line != sheet.TRACK).any(axis=1).sum())


def has_alarm(part):
    return bool((part == sheet.ALARM).all(axis=2).any())


@pytest.mark.parametrize("shape", [(90, 160), (480, 640), (640, 426), (1, 500), (500, 1), (4000, 6000)])
def test_each_picture_stands_in_its_own_cell_in_the_photos_proportions(shape):
    row = draw_row("photo.jpg", scores(haze=0.1), pictures(shape))
    depth = depth_colours(np.full((1, 1), 90, np.uint8))[0, 0]
    expected = [np.full(3, LEVEL["clean"]), depth, np.full(3, LEVEL["noise"]), np.full(3, LEVEL["haze"])]
    assert row.shape == (sheet.ROW_HEIGHT, sheet_width(2), 3)
    for number, colour in enumerate(expected):
        shown = (cell(row, number)[: sheet.PICTURE_HEIGHT] == colour).all(axis=2)
        height, width = int(shown.any(axis=1).sum()), int(shown.any(axis=0).sum())
        assert height and width
        assert abs(width * shape[0] - height * shape[1]) <= max(shape)  # within one pixel of the proportions
        assert height == sheet.PICTURE_HEIGHT or width == sheet.PICTURE_WIDTH


def test_bars_are_as_long_as_scores_and_coloured_by_them():
    row = draw_row("photo.jpg", scores(0.5, 0.0, 1.0), pictures())
    length = sheet.PICTURE_WIDTH - 14
    assert [bar_length(cell(row, number)) for number in (0, 2, 3)] == [round(length * 0.5), 0, length]
    colours = [tuple(cell(row, number)[sheet.PICTURE_HEIGHT + 27, 9]) for number in (0, 3)]
    assert colours[0] != colours[1]


@pytest.mark.parametrize(
    ("haze", "marked"), [(0.4999, False), (0.5, True), (0.75, True)], ids=["below", "equal", "above"]
)
def test_a_copy_that_does_not_score_below_its_photo_is_marked(haze, marked):
    row = draw_row("photo.jpg", scores(haze=haze), pictures())
    assert [has_alarm(cell(row, number)) for number in range(4)] == [False, False, False, marked]


def test_nothing_is_drawn_outside_the_cells_however_long_the_name():
    row = draw_row("a very long name of a photo " * 20 + ".jpg", scores(), pictures())
    for number in range(4):
        cell(row, number)[:] = sheet.PAPER
    assert (row == sheet.PAPER).all()


def test_a_long_name_keeps_its_end():
    left, right = (draw_row("x" * 200 + end, scores(), pictures()) for end in ("first.jpg", "other.jpg"))
    assert not np.array_equal(cell(left, 1), cell(right, 1))


def test_a_sheet_holds_its_rows_unchanged_between_heading_and_notes():
    rows = [draw_row("photo.jpg", scores(noise=value), pictures()) for value in (0.1, 0.2)]
    texts = SheetTexts("title", ["line"], [])
    bare = draw_sheet(rows, ["noise", "haze"], texts)
    top = sheet.HEADING + sheet.COLUMN_TITLES
    assert bare.shape[1] == sheet_width(2)
    np.testing.assert_array_equal(bare[top : top + 2 * sheet.ROW_HEIGHT], np.concatenate(rows))
    noted = draw_sheet(rows, ["noise", "haze"], SheetTexts("title", ["line"], ["a long note with many words " * 10]))
    assert noted.shape[0] > bare.shape[0] + sheet.LINE  # the note takes several lines
    assert (noted[:, -sheet.MARGIN // 2 :] == sheet.PAPER).all()
    assert not np.array_equal(bare[:top], draw_sheet(rows, ["haze", "noise"], texts)[:top])


def test_names_with_accents_can_be_drawn_by_any_opencv(monkeypatch):
    monkeypatch.setattr(sheet.cv2, "__version__", "4.12.0")
    assert sheet._drawable("Stéfan") == "Stefan"


@pytest.mark.parametrize("name", ["caf\udce9.jpg", "\ud800.jpg", "two\nlines.jpg", "\u202egpj.jpg", "写真.jpg"])
def test_a_row_takes_a_name_of_any_bytes(name):
    """OpenCV 5 crashes where it writes text that is not valid, which a file's name need not be."""
    assert draw_row(name, scores(), pictures()).shape == draw_row("photo.jpg", scores(), pictures()).shape
