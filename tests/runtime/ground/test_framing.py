"""Where frames of other shapes lie: numbers by hand, and what must hold of any sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.ground.framing import FITS, Box, fit_named, framing, scaled_box

SIDES = st.integers(1, 5000)
SIZES = st.tuples(SIDES, SIDES)


def whole(size: tuple[int, int]) -> Box:
    return Box(0, 0, size[1], size[0])


# Sizes are (height, width); boxes left, top, width, height.
@pytest.mark.parametrize(
    ("size", "to_size", "fit", "shown", "at"),
    [
        ((1600, 1200), (480, 640), "stretch", (0, 0, 1200, 1600), (0, 0, 640, 480)),
        ((1600, 1200), (480, 640), "pad", (0, 0, 1200, 1600), (140, 0, 360, 480)),
        ((1600, 1200), (480, 640), "crop", (0, 350, 1200, 900), (0, 0, 640, 480)),
        ((1920, 1080), (480, 640), "pad", (0, 0, 1080, 1920), (185, 0, 270, 480)),
        ((1080, 1920), (480, 640), "pad", (0, 0, 1920, 1080), (0, 60, 640, 360)),
        ((1080, 1920), (480, 640), "crop", (240, 0, 1440, 1080), (0, 0, 640, 480)),
        ((768, 1366), (360, 640), "pad", (0, 0, 1366, 768), (0, 0, 640, 360)),
        ((768, 1366), (360, 640), "crop", (0, 0, 1366, 768), (0, 0, 640, 360)),
        ((5, 1000), (480, 640), "pad", (0, 0, 1000, 5), (0, 238, 640, 3)),
        ((1, 5000), (480, 640), "pad", (0, 0, 5000, 1), (0, 239, 640, 1)),
        ((1, 5000), (480, 640), "crop", (2499, 0, 1, 1), (0, 0, 640, 480)),
    ],
)
def test_framings(size: tuple[int, int], to_size: tuple[int, int], fit: str, shown: tuple, at: tuple) -> None:
    found = framing(size, to_size, fit)
    assert (found.shown, found.at) == (Box(*shown), Box(*at))


@given(SIZES, SIZES, st.sampled_from(FITS))
def test_what_holds_of_any_sizes(size: tuple[int, int], to_size: tuple[int, int], fit: str) -> None:
    placed = framing(size, to_size, fit)
    for box, (height, width) in ((placed.shown, size), (placed.at, to_size)):
        assert box.width >= 1 and box.height >= 1
        for start, length, side in ((box.left, box.width, width), (box.top, box.height, height)):
            before, after = start, side - start - length
            assert 0 <= before <= after <= before + 1  # in the middle, the odd pixel behind
    # Padding shows all of the frame and touches two opposite edges; cropping fills the result.
    assert fit == "crop" or placed.shown == whole(size)
    assert fit == "pad" or placed.at == whole(to_size)
    assert placed.at.width == to_size[1] or placed.at.height == to_size[0]
    assert placed.shown.width == size[1] or placed.shown.height == size[0]


@given(SIZES, st.integers(1, 8))
def test_frames_of_the_same_aspect_are_taken_whole_by_every_fit(size: tuple[int, int], times: int) -> None:
    larger = size[0] * times, size[1] * times
    for fit in FITS:
        for first, second in ((size, larger), (larger, size)):
            placed = framing(first, second, fit)
            assert (placed.shown, placed.at) == (whole(first), whole(second))


@given(SIZES, SIZES)
def test_padding_keeps_the_aspect_to_half_a_pixel(size: tuple[int, int], to_size: tuple[int, int]) -> None:
    at = framing(size, to_size, "pad").at
    scale = min(to_size[0] / size[0], to_size[1] / size[1])
    assert abs(at.height - max(1, size[0] * scale)) <= 0.5 + 1e-9
    assert abs(at.width - max(1, size[1] * scale)) <= 0.5 + 1e-9


@given(SIZES, SIZES, SIZES, st.sampled_from(FITS))
def test_a_box_at_another_scale_stays_inside_and_is_never_empty(
    size: tuple[int, int], to_size: tuple[int, int], depth: tuple[int, int], fit: str
) -> None:
    at = framing(size, to_size, fit).at
    box = scaled_box(at, to_size, depth)
    assert box.left >= 0 and box.top >= 0 and box.width >= 1 and box.height >= 1
    assert box.left + box.width <= depth[1] and box.top + box.height <= depth[0]
    assert (box == whole(depth)) or at != whole(to_size)
    assert abs(box.left - at.left * depth[1] / to_size[1]) <= 1
    assert box.unless_whole(depth) == (None if box == whole(depth) else box)


def test_another_word_is_refused() -> None:
    assert [fit_named(fit) for fit in FITS] == list(FITS)
    with pytest.raises(ConfigurationError, match="fit is 'letterbox': give stretch, pad or crop"):
        fit_named("letterbox")
