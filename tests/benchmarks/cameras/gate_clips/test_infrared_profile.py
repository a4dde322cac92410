"""Beside the published profile infra-red a camera that switches to it is told nothing, and its view is judged on."""

from types import SimpleNamespace

import pytest

from dgiqa_edge.benchmarks.cameras.gate_clips.clips import Clip
from dgiqa_edge.benchmarks.cameras.gate_clips.footage import DAY, DUSK, SWITCH, Footage
from dgiqa_edge.benchmarks.cameras.gate_clips.readings import measure
from dgiqa_edge.calibration.degradations import kinds
from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import ProfiledGate
from dgiqa_edge.runtime.gate.profiles.settings import parse_profiles
from dgiqa_edge.runtime.settings.section import Section
from dgiqa_edge.runtime.tuning.label_score import VerdictSpans

SECONDS = 18.0


class BlindScorer:
    """Every picture is fair and without a fault."""

    def score(self, image):
        return SimpleNamespace(score=0.6, faults=dict.fromkeys(kinds.FAULTS, 0.0))


@pytest.mark.parametrize(
    ("light", "profiles"), [(SWITCH, ["day", "infra-red"]), (DUSK, ["day"]), (DAY, ["day"])], ids=str
)
def test_a_change_of_light_is_no_fault(light, profiles):
    camera = Footage(SHIPPED_PHOTOS / "room_with_drum.jpg", seed=1)
    (clip,) = measure([Clip(camera, light, None, 0.0, SECONDS)], BlindScorer())
    own = GatePolicy()
    gate = ProfiledGate(own, parse_profiles(Section({"profiles": [{"name": "infra-red"}, {"name": "night"}]}, ""), own))
    spans, seen = VerdictSpans(), []
    for t, reading in clip.without_reference().timed():
        verdict = gate.update(reading, t)
        spans.add(t, verdict)
        seen.append(verdict.profile)
    assert spans.until(SECONDS)[0] == []
    assert list(dict.fromkeys(seen)) == profiles
    assert verdict.state.value == "pass"
