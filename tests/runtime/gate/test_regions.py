"""Regions: what they refuse, the mask they give, their file, and that nothing excluded has a part in any cue."""

import json
from dataclasses import asdict

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.regions import (
    MOST_CORNERS,
    WHOLE,
    Regions,
    parse_regions,
    read_regions,
    regions_from,
    write_regions,
)

TOP = [[0, 0], [1, 0], [1, 0.25], [0, 0.25]]
shares = st.floats(0.0, 1.0).map(lambda share: round(share, 4))
polygons = st.lists(st.tuples(shares, shares), min_size=3, max_size=8).map(tuple)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"include": [[[0, 0], [1, 1]]]}, r"include\[0\] has 2 corners: give 3 to 256"),
        ({"exclude": [TOP, [[0, 0], [1, 0], [1, 1.2]]]}, r"exclude\[1\] has a corner at \[1, 1.2\]"),
        ({"exclude": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "leave too little of the picture"),
        ({"include": [[[0.5, 0.5], [0.52, 0.5], [0.5, 0.52]]]}, "leave too little of the picture"),
        ({"include": [[[0, 0.97], [1, 0.97], [1, 1], [0, 1]]]}, "or too thin a strip"),
        ({"include": [[[0, 0], [0.02, 0], [0.02, 1], [0, 1]]]}, "or too thin a strip"),
        ({"exclude": [[[0.3, 0.1], [0.3, 0.5], [0.3, 0.9]]]}, r"exclude\[0\] has no area"),
        ({"include": [TOP] * 33}, "include has 33 polygons: give at most 32"),
        ({"include": [[["x", 0], [1, 0], [1, 1]]]}, "include is no list of polygons"),
        ({"include": [TOP[0]]}, "include is no list of polygons"),
        ({"include": {}}, "include is {}: give a list"),
        ({"exclude": [[[0, 0], [1, 0], [float("nan"), 1]]]}, "exclude is no list of polygons"),
        ({"exclude": [[[0, 0], [1, 0], [10**400, 1]]]}, "exclude is no list of polygons"),
        ({"exclud": []}, "did you mean 'exclude'"),
    ],
)
def test_what_is_no_regions_is_refused_in_words(values, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_regions(values)


def test_a_refusal_names_the_camera_s_section():
    with pytest.raises(ConfigurationError, match=r"^cameras\[2\]\.include\[0\] has 2 corners"):
        parse_regions({"include": [[[0, 0], [1, 1]]]}, "cameras[2]")


def test_without_polygons_all_of_the_picture_counts():
    assert not WHOLE and not parse_regions({}) and parse_regions({"exclude": [TOP]})
    assert WHOLE.mask(3, 4).min() == 255


def test_regions_are_taken_as_they_are_and_none_are_the_whole_picture():
    given = Regions(exclude=(tuple(map(tuple, TOP)),))
    assert regions_from(given) is given
    assert regions_from(None) == regions_from(Regions()) == Regions()


def test_a_bow_tie_and_a_hair_have_an_area():
    bow = [[0.2, 0.2], [0.4, 0.4], [0.4, 0.2], [0.2, 0.4]]
    hair = [[0.5, 0.1], [0.5015, 0.1], [0.5015, 0.9], [0.5, 0.9]]
    assert len(parse_regions({"exclude": [bow, hair]}).exclude) == 2
    assert parse_regions({"exclude": [hair]}).mask(90, 160).all(), "too thin for a small picture"


def test_what_is_crossed_twice_is_outside_and_what_is_excluded_wins():
    twice = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    np.testing.assert_array_equal(Regions(include=(twice,)).mask(2, 4), [[0, 0, 255, 255]] * 2)
    left = ((0.0, 0.0), (0.75, 0.0), (0.75, 1.0), (0.0, 1.0))
    right = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
    np.testing.assert_array_equal(Regions((left,), (right,)).mask(1, 4), [[255, 255, 0, 0]])
    np.testing.assert_array_equal(Regions((left, right)).mask(1, 4), [[255] * 4])  # in any of them
    corner = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.25))  # level with the centres of the first row
    np.testing.assert_array_equal(Regions((corner,)).mask(2, 4), [[255] * 4] * 2)


def test_a_polygon_has_up_to_so_many_corners():
    ring = [[round(0.5 + 0.4 * float(f(0.02 * at)), 4) for f in (np.cos, np.sin)] for at in range(MOST_CORNERS)]
    assert parse_regions({"include": [ring]})
    with pytest.raises(ConfigurationError, match="has 257 corners: give 3 to 256"):
        parse_regions({"include": [[*ring, ring[0]]]})


def _inside(x, y, polygon):
    """By a ray to the left, in plain Python."""
    found = False
    for (x0, y0), (x1, y1) in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        if (y0 <= y) != (y1 <= y):
            found ^= x >= x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return found


@settings(max_examples=60)
@given(polygon=polygons, height=st.integers(1, 40), width=st.integers(1, 40))
def test_a_pixel_counts_where_its_centre_is_inside(polygon, height, width):
    try:
        mask = Regions(include=(polygon,)).mask(height, width)
    except ConfigurationError:
        return  # too small
    for row, column in np.ndindex(height, width):
        x, y = (column + 0.5) / width, (row + 0.5) / height
        sides = [_inside(x + nudge, y, polygon) for nudge in (-1e-9, 1e-9)]
        assert sides[0] != sides[1] or (mask[row, column] == 255) == sides[0]


def test_a_file_gives_back_what_was_written(tmp_path):
    file = tmp_path / "regions" / "front.json"
    assert read_regions(file) is None
    drawn = parse_regions({"include": [TOP], "exclude": [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]]})
    write_regions(file, drawn)
    assert read_regions(file) == regions_from(file) == drawn
    write_regions(file, WHOLE)
    assert read_regions(file) == WHOLE
    assert [path.name for path in file.parent.iterdir()] == ["front.json"]


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"include": [[[0, 0]]]}), '{"include": [], "include": []}'])
def test_a_damaged_file_is_named_with_the_way_out(tmp_path, text):
    file = tmp_path / "front.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"front.json: no regions can be read .*: mend the file, or delete it"):
        read_regions(file)


def test_a_file_that_was_named_must_be_there(tmp_path):
    with pytest.raises(ConfigurationError, match="is not there"):
        regions_from(tmp_path / "none.json")


@settings(max_examples=40, deadline=None)
@given(polygon=polygons, seed=st.integers(0, 2**32 - 1), size=st.sampled_from([(360, 640), (135, 203), (481, 853)]))
def test_nothing_that_is_excluded_has_a_part_in_any_cue(polygon, seed, size):
    try:
        regions = Regions(exclude=(polygon,))
    except ConfigurationError:
        return
    photo = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "coffee.jpg")), size[::-1], interpolation=cv2.INTER_AREA)
    other, draw = photo.copy(), np.random.default_rng(seed)
    excluded = regions.mask(*size) == 0
    other[excluded] = draw.integers(0, 256, (np.count_nonzero(excluded), 3), np.uint8)
    moved = np.roll(photo, 3, 1)
    measured = []
    for frame in (photo, other):
        meter = CueMeter(regions)
        first = moved.copy()
        first[excluded] = frame[excluded]
        measured.append([asdict(meter.measure(first)), asdict(meter.measure(frame))])
    assert measured[0] == measured[1]


def test_a_stamp_no_longer_decides():
    photo = cv2.imread(str(SHIPPED_PHOTOS / "coffee.jpg"))
    stamped = photo.copy()
    stamped[: photo.shape[0] // 4] = 255
    assert CueMeter().measure(stamped).clipped > 0.2
    without = Regions(exclude=(tuple(map(tuple, TOP)),))
    assert CueMeter(without).measure(stamped).clipped == CueMeter(without).measure(photo).clipped < 0.1


def test_what_is_too_thin_to_be_measured_is_none():
    strip = Regions(include=(((0.0, 0.4), (1.0, 0.4), (1.0, 0.52), (0.0, 0.52)),))
    cues = CueMeter(strip).measure(cv2.imread(str(SHIPPED_PHOTOS / "coffee.jpg"))[:120, :160].copy())
    assert cues.noise is None and cues.smear is None and cues.luminance is not None


def test_a_strip_of_which_nothing_is_left_at_half_size_has_no_sharpness():
    strip = Regions(include=(((8 / 64, 0.0), (12 / 64, 0.0), (12 / 64, 1.0), (8 / 64, 1.0)),))
    photo = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "pagoda.jpg")), (64, 96))
    cues = CueMeter(strip).measure(photo)
    assert (cues.sharpness, cues.luminance is None) == (None, False)


def test_another_size_is_measured_anew():
    regions = Regions(exclude=(tuple(map(tuple, TOP)),))
    meter = CueMeter(regions)
    photo = cv2.imread(str(SHIPPED_PHOTOS / "coffee.jpg"))
    meter.measure(photo)
    assert meter.measure(photo[:200, :300].copy()).change is None
    assert meter.measure(photo[:200, :300].copy()).change == 0.0


def test_a_frame_of_another_size_has_none_to_compare_with_though_as_much_of_it_counts() -> None:
    meter = CueMeter(Regions(include=(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)))
    sizes = ((64, 128), (64, 128), (128, 64), (128, 64))
    changes = [meter.measure(np.full((*size, 3), 90, np.uint8)).change for size in sizes]
    assert changes == [None, 0.0, None, 0.0]
