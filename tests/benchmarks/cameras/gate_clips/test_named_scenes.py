"""What happens to cameras, a test each: moved, turned to the wall, covered by a hand, sprayed, switched to infra-red.

Pixels of shipped photos through the cues, beside a reference view, and through the gate with its published policy. What
only a bundle sees, paint, is in ``tests/vectors/gate/clip_*.json``, as `nano` read it.
"""

from types import SimpleNamespace

import pytest

from dgiqa_edge.benchmarks.cameras.gate_clips.clips import CLEAN_S, FAULTY_S, MEANS, Clip
from dgiqa_edge.benchmarks.cameras.gate_clips.footage import DAY, DUSK, SWITCH, Footage
from dgiqa_edge.benchmarks.cameras.gate_clips.readings import measure
from dgiqa_edge.benchmarks.cameras.gate_clips.report import IN_TIME_S, PROFILED, PROFILES, WITH, WITHOUT, judge
from dgiqa_edge.calibration.degradations import kinds as degradations
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import ProfiledGate
from dgiqa_edge.runtime.gate.profiles.settings import parse_profiles
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.settings.section import Section


class BlindScorer:
    """Every picture is fair and without a fault: the cues are on their own."""

    def score(self, image):
        return SimpleNamespace(score=0.6, faults=dict.fromkeys(degradations.FAULTS, 0.0))


def outcome(fault, condition=DAY, title=WITH, photo="room_with_drum", clean_s=6.0):
    seconds = CLEAN_S + (FAULTY_S if fault else clean_s)
    clip = Clip(Footage(SHIPPED_PHOTOS / f"{photo}.jpg", seed=1), condition, fault, CLEAN_S, seconds)
    (measured,) = measure([clip], BlindScorer())
    return judge(measured, GatePolicy(), title)


@pytest.mark.parametrize("fault", ["moved view", "turned to the wall", "covered by a hand", "no signal"])
def test_it_is_named_in_time_and_nothing_else_is(fault):
    found = outcome(fault)
    assert found.delay_s is not None and found.delay_s <= IN_TIME_S
    assert [span.reason for span in found.told] == [MEANS[fault].reason]


def test_a_healthy_camera_is_named_nothing():
    assert outcome(None).told == []


def test_a_switch_to_infra_red_is_no_fault_but_no_longer_the_view_of_the_day():
    """The reference of a day has colours: a profile for infra-red has one of its own, and none is taken for all."""
    assert outcome(None, SWITCH, WITHOUT).told == []
    assert [span.reason for span in outcome(None, SWITCH).told] == ["colour cast"]


@pytest.mark.parametrize(
    ("light", "profiles"), [(SWITCH, ["day", "infra-red"]), (DUSK, ["day"]), (DAY, ["day"])], ids=str
)
def test_beside_profiles_a_change_of_light_is_no_fault(light, profiles):
    found = outcome(None, light, PROFILED, clean_s=15.0)
    assert found.told == []
    policy = GatePolicy()
    gate = ProfiledGate(
        policy, parse_profiles(Section({"profiles": [{"name": name} for name in PROFILES]}, ""), policy)
    )
    verdicts = [gate.update(reading, t) for t, reading in found.clip.without_reference().timed()]
    assert not [verdict for verdict in verdicts if verdict.announced and verdict.reason in FAULTS]
    assert list(dict.fromkeys(verdict.profile for verdict in verdicts)) == profiles
    assert verdicts[-1].state.value == "pass"
