"""The published policy never says good of a dead camera: its cues are measured here, the rest is what `nano` reads.

Of black the score is 0.42 and no fault is certain, of snow nothing but a cue is beyond its threshold: cues catch both.
"""

import numpy as np
import pytest

from dgiqa_edge.calibration.degradations.kinds import FAULTS
from dgiqa_edge.calibration.degradations.sensor import blank, dead_frames
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.reading import Reading

SIZE = (384, 512)
SAID = {
    "black": (0.424, (0.157, 0.0001, 0.7315, 0.125, 0.0004, 0.0001, 0.5044, 0.0294)),
    "grey": (0.211, (0.0193, 0.0, 0.0112, 0.1458, 0.6383, 0.0275, 0.2595, 0.0116)),
    "white": (0.295, (0.2208, 0.0004, 0.0074, 0.9772, 0.2348, 0.7253, 0.1189, 0.0506)),
    "noise": (0.257, (0.0, 0.999, 0.0234, 0.0027, 0.012, 0.0006, 0.0001, 0.0004)),
}
"""Score, and probabilities in the order of ``FAULTS``."""


def states(cues, score, faults):
    gate = Gate(GatePolicy())
    return [gate.update(Reading(score, cues, faults), index / 10).state.value for index in range(20)]


@pytest.mark.parametrize("kind", SAID)
def test_a_dead_camera_is_rejected(kind):
    score, probabilities = SAID[kind]
    cues = CueMeter().measure(dead_frames(SIZE)[kind])
    found = states(cues, score, dict(zip(FAULTS, probabilities, strict=True)))
    assert "pass" not in found
    assert found[-1] == "reject"


@pytest.mark.parametrize("seed", range(12))
def test_so_is_any_blank_frame_of_which_the_bundle_says_nothing(seed):
    cues = CueMeter().measure(blank(SIZE, np.random.default_rng(seed)))
    assert states(cues, 0.6, dict.fromkeys(FAULTS, 0.0))[-1] == "reject"
