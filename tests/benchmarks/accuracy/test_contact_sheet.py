"""The drawn sheet: the right picture, colour, bar and mark in the right cell, and nothing outside its cell."""

from pathlib import Path

import numpy as np
import pytest

from dgiqa_edge.benchmarks.accuracy import contact_sheet as sheet
from dgiqa_edge.benchmarks.accuracy.contact_sheet import Anchors, SheetTexts, cells, row_height
from dgiqa_edge.benchmarks.accuracy.degradation_order import PhotoPictures, PhotoScores
from dgiqa_edge.runtime.frames.depth_picture import depth_colours

ANCHORS = Anchors(bad=0.35, good=0.42)
LEVEL = {"clean": 200, "noise": 120, "haze": 60}


def scores(clean=0.5, noise=0.25, haze=0.75):
    return PhotoScores(Path("photo.jpg"), None, clean, {"noise": noise, "haze": haze})


def pictures(shape=(90, 160)):
    flat = {name: np.full((48, 64, 3), level, np.uint8) for name, level in LEVEL.items()}
    depth = np.full((12, 16), 90, np.uint8)
    return PhotoPictures(shape, flat["clean"], depth, {kind: flat[kind] for kind in ("noise", "haze")})


def draw_row(label, scores, pictures):
    return sheet.draw_row(label, scores, pictures, ANCHORS)


def draw_sheet(rows, texts):
    return sheet.draw_sheet(rows, texts, ANCHORS)


def cell(row, number, copies=2):
    return row[list(cells(copies))[number]]


def bar_length(part):
    """Pixels of the score bar that are filled."""
    return int((part[-2] != sheet.TRACK).any(axis=1).sum())


def has_alarm(part):
    return bool((part == sheet.ALARM).all(axis=2).any())


@pytest.mark.parametrize("shape", [(90, 160), (480, 640), (640, 426), (1, 500), (500, 1), (4000, 6000)])
def test_each_picture_stands_in_its_own_cell_in_the_photos_proportions(shape):
    row = draw_row("photo.jpg", scores(haze=0.1), pictures(shape))
    depth = depth_colours(np.full((1, 1), 90, np.uint8))[0, 0]
    expected = [np.full(3, LEVEL["clean"]), depth, np.full(3, LEVEL["noise"]), np.full(3, LEVEL["haze"])]
    assert row.shape == (row_height(2), 1280, 3)
    for number, colour in enumerate(expected):
        room = sheet.PHOTO if number < 2 else sheet.COPY
        shown = (cell(row, number)[: room[1]] == colour).all(axis=2)
        height, width = int(shown.any(axis=1).sum()), int(shown.any(axis=0).sum())
        assert height and width
        assert abs(width * shape[0] - height * shape[1]) <= max(shape)  # within one pixel of the proportions
        assert height == room[1] or width == room[0]


def test_bars_are_as_long_as_scores_and_coloured_by_the_side_of_the_anchors():
    row = draw_row("photo.jpg", scores(0.5, 0.2, 0.4), pictures())
    widths = [sheet.PHOTO[0], sheet.COPY[0], sheet.COPY[0]]
    parts = [cell(row, number) for number in (0, 2, 3)]
    assert [bar_length(part) for part in parts] == [
        round(width * score) for width, score in zip(widths, (0.5, 0.2, 0.4), strict=True)
    ]
    assert [tuple(part[-2, 4]) for part in parts] == [sheet.GOOD, sheet.BAD, sheet.UNSURE]
    assert [ANCHORS.colour(score) for score in (0.35, 0.42, 0.0)] == [sheet.UNSURE, sheet.GOOD, sheet.BAD]


def test_the_scale_of_the_heading_has_the_colours_of_the_bars():
    heading = draw_sheet([], SheetTexts("headline", [], []))[: sheet.HEADING]
    line = heading[91]
    drawn = [int((line == colour).all(axis=1).sum()) for colour in (sheet.BAD, sheet.UNSURE, sheet.GOOD)]
    assert drawn == pytest.approx([0.35 * sheet.SCALE_WIDTH, 0.07 * sheet.SCALE_WIDTH, 0.58 * sheet.SCALE_WIDTH], abs=2)


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
    assert not np.array_equal(cell(left, 0), cell(right, 0))


def test_a_sheet_is_as_wide_as_it_is_looked_at_and_holds_its_rows_between_heading_and_notes():
    rows = [draw_row("photo.jpg", scores(noise=value), pictures()) for value in (0.1, 0.2)]
    bare = draw_sheet(rows, SheetTexts("headline", ["line"], []))
    top = sheet.HEADING
    assert bare.shape[1] == 1280
    np.testing.assert_array_equal(bare[top : top + 2 * row_height(2)], np.concatenate(rows))
    noted = draw_sheet(rows, SheetTexts("headline", ["line"], ["a long note with many words " * 12]))
    assert noted.shape[0] > bare.shape[0] + sheet.LINE  # the note takes several lines
    assert (noted[:, -sheet.MARGIN // 2 :] == sheet.PAPER).all()


def test_a_long_line_of_the_heading_stays_left_of_the_scale():
    short, long = (draw_sheet([], SheetTexts("headline", [text], [])) for text in ("word", "word " * 60))
    left = sheet.WIDTH - sheet.MARGIN - sheet.SCALE_WIDTH
    np.testing.assert_array_equal(short[: sheet.HEADING, left:], long[: sheet.HEADING, left:])
    assert not np.array_equal(short[:, :left], long[:, :left])


def test_eight_copies_stand_in_two_rows_beside_the_photo():
    found = list(cells(8))
    assert len({rows.start for rows, _ in found[2:]}) == 2
    assert max(rows.stop for rows, _ in found[2:]) == found[0][0].stop == row_height(8) - 2 * sheet.GAP
    assert found[-1][1].stop == sheet.WIDTH - sheet.MARGIN


def test_depth_is_drawn_along_the_photos_edges():
    clean = np.zeros((90, 160, 3), np.uint8)
    clean[:, 83:] = 200
    depth = np.zeros((9, 16), np.uint8)
    depth[:, 9:], depth[:, 8] = 255, 178  # that pixel holds its share of both sides
    row = draw_row("photo.jpg", scores(), PhotoPictures((90, 160), clean, depth, pictures().degraded))
    line = cell(row, 1)[sheet.PHOTO[1] // 2, :, 1].astype(int)
    edge = round(83 / 160 * sheet.PHOTO[0])
    assert line[: edge - 4].max() < 40
    assert line[edge + 4 :].min() > 200


def test_names_with_accents_can_be_drawn_by_any_opencv(monkeypatch):
    monkeypatch.setattr(sheet.cv2, "__version__", "4.12.0")
    assert sheet._drawable("Stéfan") == "Stefan"


@pytest.mark.parametrize("name", ["caf\udce9.jpg", "\ud800.jpg", "two\nlines.jpg", "\u202egpj.jpg", "写真.jpg"])
def test_a_row_takes_a_name_of_any_bytes(name):
    """OpenCV 5 crashes where it writes text that is not valid, which a file's name need not be."""
    assert draw_row(name, scores(), pictures()).shape == draw_row("photo.jpg", scores(), pictures()).shape
