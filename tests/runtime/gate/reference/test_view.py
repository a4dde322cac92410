"""Cells and what is told of them, by pictures drawn cell by cell, where the answer follows from the rule."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.runtime.gate.reference.view import View, cells_of
from dgiqa_edge.runtime.gate.reference.view_meter import NO_COLOUR, ViewMeter

LEVEL = 2000
FLAT = np.full((36, 64), float(LEVEL))
GREY = np.full((9, 16, 3), LEVEL)
_TEXTURE = np.random.default_rng(1).normal(0.0, 1.0, (36, 84)).astype(np.float32)
TEXTURE = LEVEL + 4000.0 * cv2.GaussianBlur(_TEXTURE, (0, 0), 1.0)
HERE, ASIDE = TEXTURE[:, 10:74], TEXTURE[:, 16:80]
STRIPES = LEVEL + 1000.0 * np.tile(np.sin(np.arange(64) * np.pi / 4.0), (36, 1))


def view(levels, colours=GREY):
    return View(np.rint(levels).astype(np.int64), np.asarray(colours, np.int64))


@pytest.mark.parametrize(
    ("width", "height", "cells"),
    [
        (640, 360, (36, 64)),
        (360, 640, (64, 36)),
        (500, 500, (64, 64)),
        (640, 160, (16, 64)),
        (1000, 100, (16, 64)),
        (100, 1000, (64, 16)),
    ],
)
def test_cells_are_64_along_the_longer_side_and_at_least_16_along_the_other(width, height, cells):
    assert cells_of(width, height) == cells


def test_a_view_without_an_edge_has_no_tiles():
    assert ViewMeter(view(FLAT)).tiles == 0
    assert ViewMeter(view(HERE)).tiles == 4 * 8


def test_of_shifts_that_are_equally_like_the_shortest_is_told():
    """Stripes of 8 cells that went on by 3 may have gone back by 5, or on by 11, at any height."""
    for way in (3, -3):
        assert ViewMeter(view(STRIPES)).measure(view(np.roll(STRIPES, way, axis=1))).moved == 3 / 64


@pytest.mark.parametrize(("share", "moved"), [(0.4, 6 / 64), (0.48, 0.0), (0.55, 0.0)])
def test_a_view_has_moved_only_where_it_is_clearly_more_like_elsewhere(share, moved):
    """Two pictures over each other, that of the reference and the same 6 cells aside."""
    found = ViewMeter(view(HERE)).measure(view(share * HERE + (1.0 - share) * ASIDE))
    assert found.moved == moved and found.likeness < 0.8


@pytest.mark.parametrize(("tiles", "says"), [(2, False), (3, True)])
def test_half_of_the_tiles_that_a_reference_needs_say_something_about_a_frame(tiles, says):
    frame = FLAT.copy()
    frame[3:9, : 8 * tiles] = HERE[3:9, : 8 * tiles]
    frame[:, 7 : 8 * tiles : 8] = frame[:, 0 : 8 * tiles : 8] = LEVEL
    found = ViewMeter(view(HERE)).measure(view(frame))
    assert (found.likeness > 0.0) if says else (found.likeness == 0.0)


@pytest.mark.parametrize(("coloured", "grey"), [(0, True), (10, True), (20, False)])
def test_colours_in_less_than_a_tenth_of_a_grey_picture_are_none(coloured, grey):
    """Of 144 cells; the lamps of an infra-red picture."""
    tinted = np.tile([LEVEL - 400, LEVEL, LEVEL + 400], (9, 16, 1))
    now = GREY.copy()
    now.reshape(-1, 3)[:coloured] = tinted[0, 0]
    found = ViewMeter(view(HERE, tinted)).measure(view(HERE, now))
    assert (found.cast == NO_COLOUR) == grey
