"""What happens to cameras, a test each: moved, turned to the wall, covered by a hand, sprayed, switched to infra-red.

Pixels of shipped photos through the cues, beside a reference view, and through the gate with its published policy. What
only a bundle sees, paint, is in ``tests/vectors/gate/clip_*.json``, as `nano` read it.
"""

from types import SimpleNamespace

import pytest

from dgiqa_edge.benchmarks.cameras.gate_clips.clips import CLEAN_S, FAULTY_S, MEANS, Clip
from dgiqa_edge.benchmarks.cameras.gate_clips.footage import DAY, SWITCH, Footage
from dgiqa_edge.benchmarks.cameras.gate_clips.readings import measure
from dgiqa_edge.benchmarks.cameras.gate_clips.report import IN_TIME_S, PROFILED, WITH, WITHOUT, judge
from dgiqa_edge.calibration.degradations import kinds as degradations
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.policy import GatePolicy


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
    assert outcome(None, SWITCH, PROFILED, clean_s=12.0).told == []
