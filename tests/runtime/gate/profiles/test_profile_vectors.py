"""Gates with profiles answer as the vectors say, which are those of the script beside them; refusals are by path."""

import json
import math

import pytest
from places import VECTORS
from vectors.profiles import make_vectors

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.profiles.chooser import ClockRule
from dgiqa_edge.runtime.gate.profiles.profiled_gate import Profile, ProfiledGate, Profiles
from dgiqa_edge.runtime.gate.profiles.settings import parse_profiles
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.settings.section import Section

FOLDER = VECTORS / "profiles"
FILES = sorted(file for file in FOLDER.glob("*.json") if file.stem != "refused")


def test_the_files_are_those_of_the_script(tmp_path):
    make_vectors.write(tmp_path)
    written = {file.name: file.read_text() for file in tmp_path.iterdir()}
    assert written == {file.name: file.read_text() for file in FILES}


def told(name):
    """State, reason and profile of a vector wherever one of them changes, with the time."""
    steps = json.loads((FOLDER / f"{name}.json").read_text())["steps"]
    found = []
    for step in steps:
        now = tuple(step["expect"][key] for key in ("state", "reason", "profile"))
        if not found or found[-1][1:] != now:
            found.append((step["t"], *now))
    return found


@pytest.mark.parametrize("name", ["round", "headlamp", "between", "clock", "message"])
def test_a_switch_names_nothing(name):
    assert {(state, reason) for _, state, reason, _ in told(name)} == {("unknown", "starting"), ("pass", "good")}


def test_the_round_goes_through_every_profile():
    assert [profile for *_, profile in told("round")][-4:] == ["day", "dusk", "lamp", "day"]


def test_what_was_rejected_stays_so_and_what_goes_black_is_rejected_soon():
    steps = json.loads((FOLDER / "faults.json").read_text())["steps"]
    assert all(step["expect"]["state"] == "reject" for step in steps if 6.0 <= step["t"] < 17.0)
    black = [step["t"] for step in steps if step["expect"]["reason"] == "too dark"]
    assert black[0] - 9.0 <= 3.0
    second = [t for t in black if t >= 26.0]
    assert second[0] - 26.0 <= 1.0, "by day it is black at once"


def test_a_picture_that_never_settles_is_judged():
    assert "too dark" in {reason for *_, reason, _ in told("restless")}


def test_what_is_frozen_is_so_in_every_profile():
    found = told("frozen")
    assert (8.0, "reject", "frozen", "day") in found
    assert {(state, reason) for t, state, reason, _ in found if 8.0 <= t < 18.0} == {("reject", "frozen")}
    assert (24.0, "reject", "frozen", "day") in found, "at the end of the switch from a profile that does not use it"
    assert found[-1][1:] == ("pass", "good", "day")


def test_stillness_counts_from_its_begin_whatever_the_profile():
    frozen = [(t, profile) for t, _, reason, profile in told("stillness") if reason == "frozen"]
    assert frozen == [(12.0, "site"), (18.0, "day"), (42.0, "day")]


def test_a_cover_is_told_at_once_by_day_and_by_night():
    blocked = [(t, profile) for t, _, reason, profile in told("covered") if reason == "dirty or blocked"]
    assert blocked[:4] == [(0.4, "day"), (5.0, "day"), (14.0, "day"), (26.0, "night")]
    assert told("covered")[-1][1:] == ("pass", "good", "infra-red")


def test_a_loss_is_told_within_a_switch():
    found = told("lost")
    assert (3.0, "unknown", "no signal", "day") in found
    assert found[-1][1:] == ("pass", "good", "day")


@pytest.mark.parametrize("t", [math.nan, math.inf, 0.5])
def test_a_frame_that_is_refused_switches_no_profile(t):
    own = parse_policy({"smoothing": {"method": "none"}, "start": {"readings": 1}, "dwell": {"cool_down_s": 0}})
    gate = ProfiledGate(own, Profiles((Profile("late", ClockRule(22 * 3600, 6 * 3600), own),)))
    good, bad = (Reading(score, Cues(luminance=150.0, chroma=9.0)) for score in (0.9, 0.1))
    noon, late = 12 * 3600.0, 23 * 3600.0
    assert gate.update(good, 1.0, noon).state is State.PASS
    with pytest.raises(ConfigurationError, match="monotonic clock"):
        gate.update(good, t, late)
    verdict = gate.update(bad, 9.0, noon)
    assert (verdict.state, verdict.profile) == (State.REJECT, "day"), "no switch, and so no quiet time of one"


@pytest.mark.parametrize("case", json.loads((FOLDER / "refused.json").read_text()), ids=lambda case: case["path"])
def test_settings_that_break_a_rule_are_refused_by_their_path(case):
    with pytest.raises(ConfigurationError) as refused:
        section = Section(case["settings"], "")
        parse_profiles(section, GatePolicy())
        section.finish()
    assert case["path"] in str(refused.value)
