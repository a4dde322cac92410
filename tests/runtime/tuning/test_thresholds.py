"""Which thresholds two sets of readings propose, and which they leave alone."""

import numpy as np
import pytest

from dgiqa_edge.runtime.errors import ConfigurationError
from dgiqa_edge.runtime.gate.policy import CHECKS, HEAD_CHECKS, GatePolicy, Role, Side
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.tuning.reason_table import reason_table
from dgiqa_edge.runtime.tuning.thresholds import TUNED, propose, with_proposals


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
    assert set(proposals) == {*TUNED} - {*HEAD_CHECKS}  # whose probabilities these photos do not have
    assert {check for check, proposal in proposals.items() if proposal.adopted} == {"score", "sharpness"}
    limits = proposals["sharpness"].limits
    assert (limits.reject, limits.accept) == (0.425, 0.4688)
    assert proposals["noise"].limits == CHECKS["noise"].default


def test_a_cue_that_may_reject_becomes_more_lenient_but_not_stricter():
    dim = [reading(score, luminance=80.0) for score in np.linspace(0.1, 0.3, 21)]
    assert not by_check(GOOD, dim)["luminance"].adopted
    night = [reading(score, luminance=36.0) for score in np.linspace(0.6, 0.8, 21)]
    black = [reading(score, luminance=15.0) for score in np.linspace(0.1, 0.3, 21)]
    proposal = by_check(night, black)["luminance"]
    assert proposal.adopted
    assert (proposal.limits.reject, proposal.limits.accept) == (25.5, 28.12)
    assert (proposal.effect.false_reject, proposal.effect.caught) == (0.0, 1.0)


def test_a_cue_may_reject_where_it_catches_what_the_score_misses():
    soft = [reading(0.7, sharpness=0.2) for _ in range(5)]
    hazy = [reading(score, haze=0.5) for score in np.linspace(0.1, 0.3, 21)]
    assert by_check(GOOD, BLURRED)["sharpness"].limits.role is Role.EXPLAIN
    limits = by_check(GOOD, [*hazy, *soft])["sharpness"].limits
    assert (limits.role, limits.reject) == (Role.REJECT, 0.4)
    assert by_check(GOOD, [*hazy, *soft[:1]])["sharpness"].limits.role is Role.EXPLAIN


# Blur and a lens cover are a little hazy too, as real ones are; no photo is hazy.
A_LITTLE_HAZY = [
    *(reading(score, sharpness=0.2, haze=0.06) for score in np.linspace(0.1, 0.3, 15)),
    *(reading(score, sharpness=0.1, occlusion=0.98, haze=0.09) for score in np.linspace(0.1, 0.3, 15)),
]
CLEAR = [reading(score, haze=0.002) for score in np.linspace(0.6, 0.8, 21)]


def test_an_explaining_cue_is_not_moved_to_the_edge_of_the_good_photos():
    policy = parse_policy({"cues": {"haze": {"role": "explain"}}})
    proposals = propose(CLEAR, A_LITTLE_HAZY, policy, None)
    assert next(proposal for proposal in proposals if proposal.check == "haze").limits == policy.limits["haze"]
    labels = ["blur"] * 15 + ["cover"] * 15
    table = reason_table(zip(labels, A_LITTLE_HAZY, strict=True), with_proposals(policy, proposals))
    assert table == {"blur": {"blurred": 15}, "cover": {"dirty or blocked": 15}}


def test_labels_say_which_photos_show_a_cue_s_fault():
    hazy = [reading(score, haze=0.6) for score in np.linspace(0.1, 0.3, 15)]
    odd = [reading(score, sharpness=0.2, haze=0.22) for score in np.linspace(0.1, 0.3, 4)]
    blurred = [*odd, *(reading(score, sharpness=0.2) for score in np.linspace(0.1, 0.3, 11))]
    policy = parse_policy({"cues": {"haze": {"role": "explain"}}})
    labels = ["haze"] * 15 + ["blur"] * 15
    for given, cut in ((labels, 0.301), (None, 0.111)):
        proposals = propose(CLEAR, [*hazy, *blurred], policy, None, given)
        assert {proposal.check: proposal for proposal in proposals}["haze"].limits.reject == cut


def test_a_cue_that_rejects_good_photos_is_moved_away_from_them():
    night = [reading(score, luminance=36.0) for score in np.linspace(0.6, 0.8, 21)]
    limits = by_check(night, BLURRED)["luminance"].limits
    assert limits.reject == (36.0 + CHECKS["luminance"].worst) / 2
    assert limits.role is Role.REJECT


def with_head(score, **faults):
    return Reading(score, reading(score).cues, faults)


def test_the_fault_head_is_tuned_as_cues_are():
    clean = [with_head(score, hazy=0.9, dirty=0.1) for score in np.linspace(0.6, 0.8, 21)]
    dirty = [with_head(score, hazy=0.1, dirty=0.7) for score in np.linspace(0.1, 0.3, 21)]
    proposals = by_check(clean, dirty)
    assert not proposals["faults.dirty"].adopted  # its thresholds spare the good photos
    assert proposals["faults.hazy"].limits.reject == 0.95  # a veiled scene that no bad photo shows
    assert "faults.dark" not in proposals
    policy = with_proposals(GatePolicy(), proposals.values())
    assert reason_table([("bad", dirty[0]), ("good", clean[0])], policy) == {
        "bad": {"dirty or blocked": 1},
        "good": {"passes": 1},
    }


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
