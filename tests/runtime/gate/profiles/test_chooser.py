"""The choice is one of those there are, never flaps within ``hold_s``, and is never quiet for long."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.profiles.chooser import (
    LONGEST,
    ClockRule,
    MessageRule,
    PictureRule,
    ProfileChooser,
    SwitchPolicy,
)
from dgiqa_edge.runtime.gate.reading import Cues

SWITCH = SwitchPolicy(hold_s=2.0, settle_s=3.0)
LEVELS = st.floats(16.0, 255.0)
PICTURES = st.builds(Cues, luminance=LEVELS, chroma=st.floats(0.0, 8.0))
FRAMES = st.lists(st.tuples(st.floats(0.0, 1.5), st.one_of(st.none(), PICTURES)), max_size=120)

IS_DARK, IS_LIGHT = (
    (lambda cues: cues.luminance < SWITCH.dark_below),
    (lambda cues: cues.luminance >= SWITCH.light_above),
)
IS_GREY, IS_COLOURED = (lambda cues: cues.chroma < SWITCH.grey_below), (lambda cues: cues.chroma >= SWITCH.colour_above)
ASKED = {  # for a switch from one profile to another; whoever was dark may have been grey for long
    (None, 0): IS_DARK,
    (1, 0): IS_DARK,
    (0, None): IS_LIGHT,
    (0, 1): IS_LIGHT,
    (None, 1): IS_GREY,
    (1, None): IS_COLOURED,
}


@settings(max_examples=200)
@example(
    Cues(luminance=16.0, chroma=0.0),
    [(0.0, Cues(luminance=95.0, chroma=0.0)), (2.0, Cues(luminance=95.0, chroma=4.0))],
)
@given(PICTURES, FRAMES)
def test_a_switch_is_what_pictures_ask_for_and_quiet_is_limited(first: Cues, frames: list[tuple[float, Cues]]) -> None:
    chooser = ProfileChooser([PictureRule("dark"), PictureRule("grey")], SWITCH)
    last, quiet_now = chooser.update(first, 0.0, 0.0)
    assert not quiet_now
    t, asked_since, quiet_since = 0.0, None, None
    for step, cues in frames:
        t += step
        profile, quiet = chooser.update(cues, 0.0, t)
        if profile != last:
            assert cues is not None
            assert asked_since is not None
            assert t - asked_since >= SWITCH.hold_s, "one picture alone never switches"
            assert ASKED[last, profile](cues)
        asked_since = None if cues is None else t if asked_since is None else asked_since
        quiet_since = (t if quiet_since is None else quiet_since) if quiet else None
        assert not quiet or t - quiet_since < LONGEST * (SWITCH.settle_s + SWITCH.hold_s)
        assert not (quiet and cues is None)
        last = profile


@pytest.mark.parametrize(
    ("begins", "ends", "at", "inside"),
    [
        (6, 20, 6, True),
        (6, 20, 20, False),
        (6, 20, 5.999, False),
        (21, 6, 21, True),
        (21, 6, 23.9, True),
        (21, 6, 0, True),
        (21, 6, 6, False),
        (21, 6, 12, False),
    ],
)
def test_the_clock_goes_over_midnight(begins: int, ends: int, at: float, inside: bool) -> None:
    chooser = ProfileChooser([ClockRule(3600 * begins, 3600 * ends)], SWITCH)
    assert chooser.update(None, 3600 * at, 0.0).profile == (0 if inside else None)


def test_of_two_that_apply_the_first_is_chosen() -> None:
    chooser = ProfileChooser([MessageRule("mode", "on"), PictureRule("dark")], SWITCH)
    dark = Cues(luminance=40.0, chroma=9.0)
    assert chooser.update(dark, 0.0, 0.0).profile == 1
    chooser.tell("mode", "on")
    assert chooser.update(dark, 0.0, 1.0) == (0, True)


@pytest.mark.parametrize(
    "dead",
    [
        Cues(luminance=15.0, chroma=0.0),
        Cues(luminance=128.0, chroma=0.0, occlusion=1.0),
        Cues(luminance=255.0, chroma=0.0, occlusion=0.86),
        Cues(luminance=60.0, chroma=0.0, occlusion=1.0),
    ],
)
def test_a_black_or_covered_picture_chooses_nothing(dead: Cues) -> None:
    chooser = ProfileChooser([PictureRule("dark"), PictureRule("grey")], SWITCH)
    assert chooser.update(dead, 0.0, 0.0) == (None, False)
    assert chooser.update(Cues(luminance=200.0, chroma=20.0), 0.0, 1.0) == (None, False)
    for t in range(2, 20):
        assert chooser.update(dead, 0.0, float(t)) == (None, False)
    assert chooser.update(Cues(luminance=60.0, chroma=0.0, occlusion=0.85), 0.0, 20.0) == (None, True), "asks"
    assert chooser.update(dead, 0.0, 21.0) == (None, False), "a break"


def test_an_infra_red_view_without_texture_chooses_as_soon_as_it_has_some() -> None:
    chooser = ProfileChooser([PictureRule("grey")], SWITCH)
    fog = Cues(luminance=180.0, chroma=0.0, occlusion=0.97)
    assert [chooser.update(fog, 0.0, float(t)).profile for t in range(30)] == [None] * 30
    clearing = Cues(luminance=180.0, chroma=0.0, occlusion=0.85)
    assert chooser.update(clearing, 0.0, 30.0) == (0, True)
    assert [chooser.update(fog, 0.0, float(t)).profile for t in range(31, 60)] == [0] * 29


@pytest.mark.parametrize(
    ("before", "now", "profile"),
    [
        ((200.0, 9.0), (75.0, 2.0), None),
        ((200.0, 9.0), (74.9, 2.0), 0),
        ((200.0, 9.0), (75.0, 1.9), 1),
        ((40.0, 9.0), (94.9, 9.0), 0),
        ((40.0, 9.0), (95.0, 9.0), None),
        ((200.0, 0.0), (200.0, 3.9), 1),
        ((200.0, 0.0), (200.0, 4.0), None),
        ((200.0, 9.0), (15.9, 0.0), None),
        ((200.0, 9.0), (16.0, 9.0), 0),
    ],
)
def test_a_picture_is_dark_and_grey_by_the_published_levels(
    before: tuple[float, float], now: tuple[float, float], profile: int | None
) -> None:
    """Below the lower level it becomes so, from the upper level on no more; one that is black tells nothing."""
    chooser = ProfileChooser([PictureRule("dark"), PictureRule("grey")], SwitchPolicy(hold_s=0.0))
    for t, (luminance, chroma) in enumerate((before, now)):
        found = chooser.update(Cues(luminance=luminance, chroma=chroma), 0.0, float(t))
    assert found.profile == profile
