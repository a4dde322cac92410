"""What a gate with profiles says of itself, and whose baseline is learned; the vectors have its verdicts."""

import pytest

from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.profiles.chooser import MessageRule, PictureRule, SwitchPolicy
from dgiqa_edge.runtime.gate.profiles.profiled_gate import OWN, Profile, ProfiledGate, Profiles
from dgiqa_edge.runtime.gate.reading import Cues, Reading

POLICY = parse_policy(
    {
        "start": {"readings": 1},
        "reason": {"settle_s": 0.0},
        "dwell": {"cool_down_s": 0.0},
        "score": {"reject_ratio": 0.7, "accept_ratio": 0.8},
        "baseline": {"learn_minutes": 0.05},
    }
)
MODE = Profile("site", MessageRule("mode", "on"), parse_policy({"score": {"reject_below": 0.1, "accept_above": 0.2}}))
SITE = Profiles((MODE, Profile("dark", PictureRule("dark"), POLICY)), SwitchPolicy(settle_s=0.0))
NORMAL = Baseline(5, {"score": Spread(0.4, 0.5, 0.6)})


def test_it_says_which_profile_is_in_force():
    gate = ProfiledGate(POLICY, SITE)
    assert SITE.topics == {"mode"} and gate.names == (OWN, "site", "dark")
    assert (gate.profile, gate.chosen, gate.policy) == (OWN, None, POLICY)
    gate.tell("mode", "on")
    assert gate.update(Reading(0.9), 0.0).profile == "site"
    assert (gate.profile, gate.chosen, gate.policy) == ("site", "site", MODE.policy)
    assert gate.thresholds().reject == 0.1 and gate.thresholds("noise") == ProfiledGate(MODE.policy).thresholds("noise")


def test_without_profiles_none_is_in_force():
    gate = ProfiledGate(POLICY)
    assert (gate.names, gate.profile, gate.chosen, gate.policy) == ((), None, None, POLICY)
    assert gate.update(Reading(0.9), 0.0).profile is None
    assert Profiles().topics == frozenset()


def test_what_each_profile_learned_is_told_once_and_kept_while_another_is_in_force():
    gate = ProfiledGate(POLICY, SITE, {"site": NORMAL})
    told = []
    for t in range(3):
        told.append(gate.learned())
        gate.update(Reading(0.5), float(t))
    name, baseline = gate.learned()
    assert told == [None] * 3 and name is None and baseline.spreads["score"] == Spread(0.5, 0.5, 0.5)
    assert gate.learned() is None
    own = gate.thresholds()
    assert own.reject == pytest.approx(0.35)
    for t, payload in ((3.0, "on"), (4.0, "off")):
        gate.tell("mode", payload)
        gate.update(Reading(0.5), t)
        assert gate.learned() is None, "given, or told before"
    assert gate.thresholds() == own


def test_what_was_learned_is_in_force_again_though_nobody_asked_for_it():
    gate = ProfiledGate(POLICY, SITE)
    for t, payload in enumerate(("off", "off", "off", "on", "off")):
        gate.tell("mode", payload)
        gate.update(Reading(0.5), float(t))
    assert gate.profile == OWN and gate.thresholds().reject == pytest.approx(0.35)


def test_a_given_baseline_is_in_force_and_never_told_of():
    gate = ProfiledGate(POLICY, baselines={None: NORMAL})
    assert gate.thresholds().reject == pytest.approx(0.35)
    gate.update(Reading(0.5), 0.0)
    assert gate.learned() is None


def test_after_a_loss_that_people_were_told_of_the_next_verdict_is_announced():
    gate = ProfiledGate(POLICY)
    assert [gate.update(Reading(0.9), t).announced for t in (0.0, 1.0)] == [True, False]
    gate.told_of_loss()
    assert gate.update(Reading(0.9), 2.0).announced


def test_the_gate_of_another_bundle_knows_how_long_the_picture_has_stood_still():
    def still(t):
        return Reading(0.9, Cues(change=0.0)), t

    former, after = ProfiledGate(POLICY), ProfiledGate(POLICY)
    for t in range(5):
        former.update(*still(float(t)))
    after.go_on_from(former)
    assert after.update(*still(5.0)).reason == "frozen"
