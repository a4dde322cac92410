"""Every photo that ships is credited, in code as in PHOTOS.md."""

import re

import pytest
from places import ROOT

from dgiqa_edge.calibration.images.shipped import CREDITS, DETAIL, SHIPPED_PHOTOS, credit_of

PHOTOS = sorted(SHIPPED_PHOTOS.glob("*.jpg"))
TABLE = (ROOT / "calibration" / "PHOTOS.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.stem)
def test_a_photo_is_credited_as_in_its_row_of_the_table(photo):
    author, licence = re.fullmatch(r"(.+) \((.+)\)", credit_of(photo)).groups()
    (row,) = [line for line in TABLE.splitlines() if f"`{photo.stem.removesuffix(DETAIL)}`" in line]
    assert author in row
    assert licence in row


def test_no_credit_stands_without_its_photo():
    assert len(PHOTOS) >= 24
    assert {photo.stem.removesuffix(DETAIL) for photo in PHOTOS} == set(CREDITS)


def test_a_users_photo_of_the_same_name_is_not_credited(tmp_path):
    assert credit_of(tmp_path / "cat.jpg") is None
