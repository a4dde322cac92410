"""A camera that shows nothing is never good, whatever is left out of the picture, learned, or set for a profile.

Cues alone must see it: the score here is a perfect one, and no fault head speaks.
"""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from dgiqa_edge.calibration.images.shipped import SHIPPED_PHOTOS
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.cues import CueMeter
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy import GatePolicy
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import ProfiledGate
from dgiqa_edge.runtime.gate.profiles.settings import PUBLISHED, laid_over, parse_profiles
from dgiqa_edge.runtime.gate.reading import Reading
from dgiqa_edge.runtime.gate.reference.reference import ReferenceTaker
from dgiqa_edge.runtime.gate.regions import Regions
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.settings.section import Section

SHAPE = (240, 320, 3)
OWN = GatePolicy()
POLICIES = {
    "own": OWN,
    **{name: parse_policy(laid_over(OWN.to_mapping(), it.get("gate", {})), name) for name, it in PUBLISHED.items()},
}
# Of a scene so changeable that hardly anything is unusual.
CHANGEABLE = Baseline(500, {name: Spread(0.0, 20.0, 1e4) for name in ("luminance", "sharpness", "noise", "contrast")})
REGIONS = {
    "whole": Regions(),
    "half": Regions(include=(((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)),
    "strip below": Regions(exclude=(((0.0, 0.0), (1.0, 0.0), (1.0, 0.85), (0.0, 0.85)),)),
    "strip left": Regions(include=(((0.0, 0.0), (0.1, 0.0), (0.1, 1.0), (0.0, 1.0)),)),
    "thinnest below": Regions(include=(((0.0, 0.94), (1.0, 0.94), (1.0, 1.0), (0.0, 1.0)),)),
    "thinnest left": Regions(include=(((0.0, 0.0), (0.035, 0.0), (0.035, 1.0), (0.0, 1.0)),)),
    "corner": Regions(include=(((0.0, 0.0), (0.15, 0.0), (0.15, 0.2), (0.0, 0.2)),)),
}


def grained(level: float, grain: float = 3.0, channels: int = 3) -> Callable[[np.random.Generator], NDArray[np.uint8]]:
    shape = (*SHAPE[:2], channels)  # one: the same grain in all three, of which grey levels have more
    return lambda random: np.clip(level + random.normal(0.0, grain, shape) + np.zeros(SHAPE), 0, 255).astype(np.uint8)


def even(*colour: int) -> Callable[[np.random.Generator], NDArray[np.uint8]]:
    return lambda random: np.full(SHAPE, colour, np.uint8)


DEAD = {
    "black": even(0, 0, 0),
    "black, with grain": grained(4.0),
    "grey": even(128, 128, 128),
    "grey, with grain": grained(128.0),
    "grey, with grey grain": grained(128.0, 6.0, 1),
    "dim, with grey grain": grained(45.0, 8.0, 1),
    "white": even(255, 255, 255),
    "white, with grain": grained(250.0),
    "green, of a decoder": even(0, 135, 0),
}


@pytest.mark.parametrize("baseline", [None, CHANGEABLE], ids=["no baseline", "changeable"])
@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("regions", REGIONS.values(), ids=REGIONS)
@pytest.mark.parametrize("picture", DEAD.values(), ids=DEAD)
def test_a_dead_camera_is_never_good(
    picture: Callable[[np.random.Generator], NDArray[np.uint8]],
    regions: Regions,
    policy: GatePolicy,
    baseline: Baseline | None,
) -> None:
    random = np.random.default_rng(0)
    frames = [picture(random) for _ in range(3)]
    gate, meter = Gate(policy, baseline), CueMeter(regions)
    verdicts = [gate.update(Reading(0.95, meter.measure(frames[place % 3])), 0.5 * place) for place in range(30)]
    assert verdicts[-1].state is State.REJECT
    assert not any(verdict.good for verdict in verdicts[8:])


def stamped(level: int) -> Callable[[np.random.Generator], NDArray[np.uint8]]:
    def picture(random: np.random.Generator) -> NDArray[np.uint8]:
        frame = np.full(SHAPE, level, np.uint8)
        for text, place in (("2026-12-01 03:41:44", (6, 16)), ("CAM 01 FRONT GATE", (190, 230))):
            cv2.putText(
                frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.35, (255, 255, 255) if level < 200 else (0, 0, 0)
            )
        return frame

    return picture


@pytest.mark.parametrize("picture", [*DEAD.values(), stamped(128), stamped(255)], ids=[*DEAD, "grey+", "white+"])
@pytest.mark.parametrize("light", [1.0, 0.3], ids=["day", "night"])
def test_what_goes_dead_while_profiles_watch_the_picture_is_told_within_a_second(
    picture: Callable[[np.random.Generator], NDArray[np.uint8]], light: float
) -> None:
    random = np.random.default_rng(0)
    healthy = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "room_with_drum.jpg")), (320, 240))  # type: ignore[arg-type]
    profiles = parse_profiles(Section({"profiles": [{"name": name} for name in PUBLISHED]}, ""), OWN)
    gate, meter = ProfiledGate(OWN, profiles), CueMeter()
    for place in range(110):
        grain = random.normal(0.0, 1.0, SHAPE)
        frame = np.clip(light * healthy + grain, 0, 255).astype(np.uint8) if place < 10 else picture(random)
        verdict = gate.update(Reading(0.95, meter.measure(frame)), 0.1 * place)
        assert verdict.good == (place < 10) or place < 8 or 10 <= place < 20, (place, verdict)


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("level", [42.0, 64.0, 128.0, 235.0])
@pytest.mark.parametrize("grain", [4.0, 8.0, 16.0])
def test_beside_a_reference_view_a_cover_is_told_whatever_the_grain(
    grain: float, level: float, policy: GatePolicy
) -> None:
    random = np.random.default_rng(0)
    healthy = cv2.resize(cv2.imread(str(SHIPPED_PHOTOS / "room_with_drum.jpg")), (320, 240))  # type: ignore[arg-type]
    taker = ReferenceTaker()
    taker.add(healthy.astype(np.uint8))
    gate, meter = Gate(policy), CueMeter(reference=taker.take())
    for place in range(14):
        noise = random.normal(0.0, grain, (*SHAPE[:2], 1)) + np.zeros(SHAPE)
        frame = (healthy if place < 6 else np.clip(level + noise, 0, 255)).astype(np.uint8)
        verdict = gate.update(Reading(0.95, meter.measure(frame)), 0.5 * place)
        assert verdict.good == (place < 6) or place in (0, 1, 2, 6, 7), (place, verdict)
    assert verdict.state is State.REJECT
