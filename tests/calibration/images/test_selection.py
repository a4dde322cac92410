"""Why these photos and no others, and photos far smaller than the frame."""

import cv2
import numpy as np
import pytest

from dgiqa_edge.calibration.images.calibration_set import open_calibration_set
from dgiqa_edge.calibration.images.selection import Selection


@pytest.fixture
def chosen(tmp_path):
    def make(sizes, most=20, held_out=4, frame=(64, 48), fit="stretch"):
        random = np.random.default_rng(0)
        for index, (width, height) in enumerate(sizes):
            cv2.imwrite(str(tmp_path / f"{index:03}.png"), random.integers(0, 256, (height, width, 3), np.uint8))
        photos = open_calibration_set(tmp_path, width=frame[0], height=frame[1], fit=fit, count=most)
        return Selection.of(photos, most, held_out)

    return make


def test_photos_that_were_left_are_counted_and_explained(chosen):
    selection = chosen([(64, 48)] * 46)
    assert (selection.found, selection.taken, selection.calibration) == (46, 20, 16)
    words = selection.why_not_all()
    assert "these 20 of 46 are spread evenly over the sorted paths" in words
    assert "--calib-images and --check-images" in words
    record = selection.to_json()
    assert (record["found"], record["taken_at_most"], record["held_out"]) == (46, 20, 4)


def test_nothing_is_said_where_all_are_taken(chosen):
    selection = chosen([(64, 48)] * 18)
    assert selection.why_not_all() == ""
    assert selection.warning() is None


@pytest.mark.parametrize(("small", "count"), [((31, 24), 5), ((64, 23), 5), ((32, 24), 0), ((200, 200), 0)])
def test_far_too_small_photos_are_counted(chosen, small, count):
    warning = chosen([small] * 5 + [(64, 48)] * 13).warning()
    if not count:
        assert warning is None
    else:
        assert (
            f"5 of 18 photos (28%) are enlarged more than 2x to 64x48 (the smallest is {small[0]}x{small[1]})"
            in warning
        )


@pytest.mark.parametrize(("fit", "count"), [("stretch", 5), ("pad", 0), ("crop", 5)])
def test_a_photo_that_is_padded_is_enlarged_less(chosen, fit, count):
    selection = chosen([(25, 72)] * 5 + [(64, 48)] * 13, fit=fit)
    assert len(selection.small) == count
