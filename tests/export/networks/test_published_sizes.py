"""The published rules of sizes, and the grid of crops."""

import pytest

from dgiqa_edge.export.networks.published_sizes import CROP, crop_grid, depth_input_size, quality_image_size


@pytest.mark.parametrize(
    ("frame", "expected"),
    [((427, 640), (518, 770)), ((720, 1280), (518, 924)), ((300, 451), (518, 784)), ((518, 518), (518, 518))],
)
def test_depth_input_follows_the_published_rounding(frame, expected):
    assert depth_input_size(frame, 518) == expected


@pytest.mark.parametrize(
    ("frame", "expected"), [((427, 640), (384, 576)), ((720, 1280), (384, 683)), ((512, 384), (512, 384))]
)
def test_quality_image_keeps_the_aspect(frame, expected):
    assert quality_image_size(frame, 384) == expected


def test_the_grid_reaches_all_borders_and_follows_the_aspect():
    boxes = crop_grid((384, 683), 20)
    assert len(boxes) == 20
    assert {min(x for x, _ in boxes), max(x for x, _ in boxes)} == {0, 683 - CROP}
    assert {min(y for _, y in boxes), max(y for _, y in boxes)} == {0, 384 - CROP}
    assert len({x for x, _ in boxes}) > len({y for _, y in boxes})


def test_one_crop_is_the_centre():
    assert crop_grid((384, 512), 1) == ((144, 80),)


def test_a_grid_without_freedom_downwards_is_one_row():
    assert {y for _, y in crop_grid((224, 398), 4)} == {0}
