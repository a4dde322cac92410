"""Which thresholds two sets of readings propose, and which they leave alone."""

import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate_policy import CHECKS, GatePolicy, Role, Side, parse_policy
from dgiqa_edge.runtime.gate_tuning import TUNED, propose, with_proposals
from dgiqa_edge.runtime.reading import Cues, Reading


def reading(score, **cues):
    values = {"luminance": 180.0, "shadows": 0.1, "clipped": 0.0, "sharpness": 0.6, "noise": 0.4, "haze": 0.05}
    return Reading(score, Cues(**{**values, "contrast": 150.0, "occlusion": 0.1, **cues}))


GOOD = [reading(score) for score in np.linspace(0.6, 0.8, 21)]
BLURRED = [reading(score, sharpness=0.25) for score in np.linspace(0.1, 0.3, 21)]


def by_check(good, bad, policy=None, bound=None):
    return {proposal.check: proposal for proposal in propose(good, bad, policy or GatePolicy(), bound)}


def test_the_score_is_cut_between_the_sets_and_recovers_a_quarter_of_the_way():
    limits = by_check(GOOD, BLURRED)["score"].limits
    assert (limits.reject, limits.accept) == (0.45, 0.5125)  # halfway from 0.3 to 0.6; the good median is 0.7


def test_only_the_cue_of_the_fault_gets_new_thresholds():
    proposals = by_check(GOOD, BLURRED)
    assert set(proposals) == set(TUNED)
    assert {check for check, proposal in proposals.items() if proposal.adopted} == {"score", "sharpness"}
    limits = proposals["sharpness"].limits
    assert (limits.reject, limits.accept) == (0.425, 0.4688)
    assert proposals["noise"].limits == CHECKS["noise"].default


def test_a_cue_that_may_reject_becomes_more_lenient_but_not_stricter():
    dim = [reading(score, luminance=100.0) for score in np.linspace(0.1, 0.3, 21)]
    assert not by_check(GOOD, dim)["luminance"].adopted
    night = [reading(score, luminance=55.0) for score in np.linspace(0.6, 0.8, 21)]
    black = [reading(score, luminance=15.0) for score in np.linspace(0.1, 0.3, 21)]
    proposal = by_check(night, black)["luminance"]
    assert proposal.adopted
    assert (proposal.limits.reject, proposal.limits.accept) == (35.0, 40.0)
    assert (proposal.effect.false_reject, proposal.effect.caught) == (0.0, 1.0)


def test_a_cue_may_reject_where_it_catches_what_the_score_misses():
    vivid = [reading(0.7, haze=0.5) for _ in range(5)]
    assert by_check(GOOD, BLURRED)["sharpness"].limits.role is Role.EXPLAIN
    limits = by_check(GOOD, [*BLURRED, *vivid])["haze"].limits
    assert (limits.role, limits.reject) == (Role.REJECT, 0.275)
    assert by_check(GOOD, [*BLURRED, *vivid[:1]])["haze"].limits.role is Role.EXPLAIN


def test_good_photos_that_the_score_rejects_do_not_hold_a_cue_back():
    soft = reading(0.2, sharpness=0.2)
    limits = by_check([*GOOD, soft], BLURRED)["sharpness"].limits
    assert limits == by_check(GOOD, BLURRED)["sharpness"].limits


def test_a_bound_on_false_rejects_is_kept():
    mixed = [*GOOD, reading(0.2), reading(0.25)]
    free, bound = by_check(mixed, BLURRED)["score"], by_check(mixed, BLURRED, bound=0.0)["score"]
    assert free.effect.false_reject == pytest.approx(2 / 23)
    assert bound.effect.false_reject == 0.0
    assert bound.limits.reject <= 0.2


def test_checks_that_are_off_or_not_measured_are_left_out():
    policy = parse_policy({"cues": {"noise": {"role": "off"}}})
    assert "noise" not in by_check(GOOD, BLURRED, policy)
    assert set(by_check([Reading(0.8)], [Reading(0.2)])) == {"score"}


@pytest.mark.parametrize("seed", range(5))
def test_any_proposal_is_a_valid_policy(seed):
    draw = np.random.default_rng(seed)

    def some():
        return [
            reading(
                draw.uniform(), **{name: draw.uniform(0.0, 1.0) for name in ("sharpness", "haze", "shadows", "clipped")}
            )
            for _ in range(12)
        ]

    policy = with_proposals(GatePolicy(), propose(some(), some(), GatePolicy(), draw.choice([None, 0.1, 1.0])))
    assert parse_policy(policy.to_mapping()) == policy
    for name, limits in policy.limits.items():
        assert (
            limits.accept >= limits.reject
            if CHECKS[name].default.side is Side.BELOW
            else limits.accept <= limits.reject
        )


@pytest.mark.parametrize(("good", "bad", "name"), [([], BLURRED, "good"), (GOOD, [], "bad")])
def test_an_empty_set_is_refused(good, bad, name):
    with pytest.raises(ConfigurationError, match=f"no {name} photo"):
        propose(good, bad, GatePolicy(), None)
