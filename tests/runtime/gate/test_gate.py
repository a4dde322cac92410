"""The gate's promises, for any sequence of readings; single cases are vectors in ``tests/vectors/gate``."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.errors import ConfigurationError, GateError
from dgiqa_edge.runtime.gate.baseline import Baseline, Spread
from dgiqa_edge.runtime.gate.gate import NO_SIGNAL, REASONS, Gate, Reading
from dgiqa_edge.runtime.gate.policy import HEAD_CHECKS
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.reading import Cues
from dgiqa_edge.runtime.gate.verdict import State
from dgiqa_edge.runtime.gate.vocabulary import FAULTS

shares = st.floats(0.0, 1.0)
cue_sets = st.builds(
    Cues,
    luminance=st.none() | st.floats(0.0, 255.0),
    clipped=shares,
    sharpness=st.floats(0.0, 2.0),
    noise=st.floats(0.0, 20.0),
    haze=shares,
    change=st.none() | st.sampled_from([0.0, 1.0]),
    smear=shares,
    moved=st.none() | shares,
)
HEADS = [name.removeprefix("faults.") for name in HEAD_CHECKS]
probabilities = st.dictionaries(st.sampled_from([*HEADS, "a fault of one's own"]), shares)
readings = st.builds(Reading, st.none() | shares, st.none() | cue_sets, probabilities)
sequences = st.lists(st.tuples(st.floats(0.0, 3.0), readings), max_size=60)
seconds = st.floats(0.0, 3.0)
policies = st.fixed_dictionaries(
    {
        "smoothing": st.fixed_dictionaries({"method": st.sampled_from(["ema", "median", "none"])}),
        "dwell": st.fixed_dictionaries({"pass_s": seconds, "reject_s": seconds, "cool_down_s": seconds}),
        "start": st.fixed_dictionaries({"readings": st.integers(1, 4)}),
        "frozen": st.fixed_dictionaries({"after_s": seconds}),
        "watchdog": st.fixed_dictionaries(
            {"max_reject_s": st.floats(3.0, 10.0), "action": st.sampled_from(["report", "pass"])}
        ),
        "baseline": st.fixed_dictionaries({"learn_minutes": st.sampled_from([0.0, 0.05])}),
    }
)


def verdicts(gate, sequence):
    t, found = 0.0, []
    for dt, reading in sequence:
        t += dt
        found.append((t, reading, gate.update(reading, t)))
    return found


@given(policies, sequences)
def test_the_same_readings_give_the_same_verdicts(settings, sequence):
    first, second = (verdicts(Gate(parse_policy(settings)), sequence) for _ in range(2))
    assert first == second


@given(policies, sequences)
def test_no_change_between_pass_and_reject_within_the_dwell(settings, sequence):
    dwell = parse_policy(settings).dwell
    least = {State.PASS: dwell.pass_s, State.REJECT: dwell.reject_s}
    state, since = State.UNKNOWN, 0.0
    for t, _, verdict in verdicts(Gate(parse_policy(settings)), sequence):
        assert verdict.changed == (verdict.state is not state)
        if verdict.changed:
            if State.UNKNOWN not in (state, verdict.state):
                assert t - since >= least[state]
            state, since = verdict.state, t


@given(policies, sequences)
def test_unknown_never_passes_at_once_and_no_signal_is_always_unknown(settings, sequence):
    policy = parse_policy(settings)
    heard = 0
    fault_free_since = None
    for t, reading, verdict in verdicts(Gate(policy), sequence):
        assert verdict.reason in REASONS
        if reading == NO_SIGNAL:
            assert (verdict.state, verdict.reason) == (State.UNKNOWN, "no signal")
            heard, fault_free_since = 0, None
            continue
        heard += reading.score is not None
        if verdict.changed and verdict.state is State.PASS and verdict.reason == "good":
            assert heard >= policy.start.readings
            assert fault_free_since is None or t - fault_free_since >= policy.dwell.cool_down_s
        if heard >= policy.start.readings and fault_free_since is None:
            fault_free_since = t
        if heard < policy.start.readings:
            assert verdict.state is State.UNKNOWN


AT_ONCE = {"smoothing": {"method": "none"}, "dwell": {"cool_down_s": 0.0}, "start": {"readings": 1}}
every_head = st.fixed_dictionaries(dict.fromkeys(HEADS, shares))


@given(every_head)
def test_a_black_or_covered_picture_is_rejected_whatever_the_head_says(faults):
    black = Cues(luminance=3.0, shadows=1.0, occlusion=1.0)
    covered = Cues(luminance=150.0, shadows=0.0, occlusion=1.0)
    for cues, said in ((black, {"too dark"}), (covered, {"dirty or blocked", "too dark"})):
        verdict = Gate(parse_policy(AT_ONCE)).update(Reading(0.9, cues, faults), 0.0)
        assert verdict.state is State.REJECT
        assert verdict.reason in said


@given(every_head, shares)
def test_what_the_head_sees_better_cues_neither_reject_nor_name(faults, score):
    worst = Cues(clipped=1.0, haze=1.0, sharpness=0.0, contrast=0.0)
    with_cues, without = (
        Gate(parse_policy(AT_ONCE)).update(Reading(score, cues, faults), 0.0) for cues in (worst, Cues())
    )
    assert with_cues == without


@given(policies, sequences)
def test_without_probabilities_the_checks_of_the_head_change_nothing(settings, sequence):
    off = {"faults": {name: {"role": "off"} for name in HEADS}}
    sequence = [(dt, Reading(reading.score, reading.cues)) for dt, reading in sequence]
    with_heads, without = (verdicts(Gate(parse_policy({**settings, **more})), sequence) for more in ({}, off))
    assert with_heads == without


@given(policies, sequences)
def test_a_runner_up_is_another_fault_than_the_reason_and_never_alone(settings, sequence):
    for _, _, verdict in verdicts(Gate(parse_policy(settings)), sequence):
        if verdict.runner_up is not None:
            assert verdict.reason in FAULTS and verdict.runner_up.reason in FAULTS
            assert verdict.runner_up.reason != verdict.reason
            assert verdict.cue is not None


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_a_probability_out_of_range_is_refused(probability):
    with pytest.raises(ConfigurationError, match=r"the probability of 'dark' is .*: it must be a number from 0 to 1"):
        Reading(0.9, None, {"dark": probability})


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.floats(0.25, 0.3, exclude_max=True)), max_size=40), st.booleans())
def test_a_score_between_the_thresholds_never_changes_the_state(steps, start_low):
    gate = Gate(parse_policy({"smoothing": {"method": "none"}}))
    for index in range(20):
        state = gate.update(Reading(0.1 if start_low else 0.9), index * 0.25).state
    assert state is (State.REJECT if start_low else State.PASS)
    t = 5.0
    for dt, score in steps:
        t += dt
        assert gate.update(Reading(score), t).state is state


@given(policies, sequences)
def test_a_verdict_of_rejection_says_why(settings, sequence):
    lost = False  # a latch outlives a lost signal; its value does not
    compared = False  # nor does the change of a frame that had none before it to compare with
    for _, reading, verdict in verdicts(Gate(parse_policy(settings)), sequence):
        lost = lost or (reading.score is None and reading.cues is None)
        compared = compared if reading.cues is None else reading.cues.change is not None
        if verdict.state is State.REJECT:
            assert verdict.cue is not None
            without = lost or (verdict.cue == "change" and not compared)
            assert without if verdict.value is None else math.isfinite(verdict.value)
            assert verdict.threshold is not None


def test_a_frozen_camera_stays_rejected_by_a_frame_that_has_nothing_to_compare_with():
    gate = Gate(parse_policy({"start": {"readings": 1}, "frozen": {"after_s": 0.0}}))
    verdicts_ = [gate.update(Reading(0.9, Cues(change=change)), t) for t, change in ((0.0, 0.0), (0.1, None))]
    assert [(one.state, one.cue, one.value) for one in verdicts_] == [
        (State.REJECT, "change", 0.0),
        (State.REJECT, "change", None),
    ]


@pytest.mark.parametrize("t", [0.5, float("nan"), float("inf")])
def test_time_that_does_not_go_forward_is_refused(t):
    gate = Gate(parse_policy({}))
    gate.update(Reading(0.5), 1.0)
    for take_in in (gate.update, gate.hold):
        with pytest.raises(ConfigurationError, match="monotonic clock"):
            take_in(Reading(0.5), t)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_score_that_is_none_is_refused(score):
    with pytest.raises(ConfigurationError, match="from 0 to 1"):
        Reading(score)


def test_a_cue_that_is_no_number_is_refused():
    with pytest.raises(ConfigurationError, match="haze"):
        Cues(haze=float("nan"))


def test_the_watchdog_says_how_long_and_why():
    gate = Gate(
        parse_policy({"start": {"readings": 1}, "watchdog": {"max_reject_s": 5, "action": "raise"}}),
    )
    gate.update(Reading(0.1), 0.0)
    with pytest.raises(GateError, match=r"rejected for 6\.0 s \(low quality\), the policy allows 5 s"):
        gate.update(Reading(0.1), 6.0)


def test_a_learned_baseline_moves_the_thresholds_and_is_the_same_when_given():
    settings = {
        "start": {"readings": 1},
        "score": {"reject_ratio": 0.7, "accept_ratio": 0.8},
        "baseline": {"learn_minutes": 0.1},
        "dwell": {"cool_down_s": 0.0},
    }
    gate = Gate(parse_policy(settings))
    assert gate.thresholds().reject is None
    for index in range(6):
        assert gate.learning == (index, 6)
        gate.update(Reading(0.5), float(index))
    assert gate.learning is None
    assert (gate.thresholds().reject, gate.thresholds().accept) == (0.35, 0.4)
    again = Gate(parse_policy(settings), gate.baseline)
    assert again.thresholds() == gate.thresholds()
    assert again.learning is None


def test_rejected_frames_teach_nothing():
    gate = Gate(parse_policy({"start": {"readings": 1}, "baseline": {"learn_minutes": 1}}))
    for index in range(100):
        gate.update(Reading(0.1), float(index))
    assert gate.learning == (0, 60)


def test_a_check_that_is_off_has_no_thresholds():
    gate = Gate(parse_policy({"cues": {"noise": {"role": "off"}}}))
    assert gate.thresholds("noise") == gate.thresholds("no such check")
    assert gate.thresholds("luminance").reject == parse_policy({}).limits["luminance"].reject


AT_ONCE = {"smoothing": {"method": "none"}, "start": {"readings": 1}, "reason": {"settle_s": 0.0}}
BAD, GOOD = Reading(0.1), Reading(0.9)


def played(gate, steps):
    return [gate.update(reading, t) for t, reading in steps]


def test_a_dwell_is_over_at_its_last_moment():
    gate = Gate(parse_policy({**AT_ONCE, "dwell": {"pass_s": 1.0, "reject_s": 2.0, "cool_down_s": 0.5}}))
    steps = [(0.0, GOOD), (0.25, GOOD), (0.5, GOOD), (1.25, BAD), (1.5, BAD), (2.75, GOOD), (3.25, GOOD), (3.5, GOOD)]
    states = [verdict.state.value for verdict in played(gate, steps)]
    assert states == ["unknown", "unknown", "pass", "pass", "reject", "reject", "reject", "pass"]


def test_the_watchdog_lets_through_what_recovers_too_and_says_what_it_was():
    settings = {"dwell": {"cool_down_s": 60.0}, "watchdog": {"max_reject_s": 5.0, "action": "pass"}}
    gate = Gate(parse_policy({**AT_ONCE, **settings}))
    verdicts_ = played(gate, [(0.0, BAD), (4.0, GOOD), (5.0, GOOD), (6.0, GOOD)])
    assert [(one.state.value, one.reason, one.cue) for one in verdicts_] == [
        ("reject", "low quality", "score"),
        ("reject", "recovering", "score"),
        ("pass", "rejected too long", "score"),
        ("pass", "good", None),
    ]


def test_a_lost_signal_ends_what_the_watchdog_lets_through():
    gate = Gate(parse_policy({**AT_ONCE, "watchdog": {"max_reject_s": 5.0, "action": "pass"}}))
    verdicts_ = played(gate, [(0.0, BAD), (5.0, BAD), (6.0, NO_SIGNAL), (7.0, BAD), (8.0, BAD)])
    assert [(one.state.value, one.reason) for one in verdicts_] == [
        ("reject", "low quality"),
        ("pass", "rejected too long"),
        ("unknown", "no signal"),
        ("reject", "low quality"),
        ("reject", "low quality"),
    ]


def test_after_a_loss_that_people_were_told_of_the_next_verdict_is_announced():
    gate = Gate(parse_policy(AT_ONCE))
    assert [one.announced for one in played(gate, [(0.0, BAD), (1.0, BAD)])] == [True, False]
    gate.told_of_loss()
    assert [one.announced for one in played(gate, [(2.0, BAD), (3.0, BAD)])] == [True, False]


def test_a_given_baseline_is_the_gates_own():
    baseline = Baseline(6, {"score": Spread(0.4, 0.5, 0.6)})
    assert Gate(parse_policy({}), baseline).baseline is baseline
    assert Gate(parse_policy({})).baseline is None


def test_frames_of_a_switch_are_not_time_without_a_fault():
    gate = Gate(parse_policy({**AT_ONCE, "dwell": {"reject_s": 0.0, "cool_down_s": 2.0}}))
    played(gate, [(0.0, BAD), (1.0, GOOD)])
    held = [gate.hold(GOOD, t) for t in (2.0, 3.0)]
    assert {(one.state, one.reason) for one in held} == {(State.REJECT, "recovering")}
    assert [one.state.value for one in played(gate, [(4.0, GOOD), (6.0, GOOD)])] == ["reject", "pass"]


NO_DWELL = {**AT_ONCE, "dwell": {"pass_s": 0.0, "reject_s": 0.0, "cool_down_s": 0.0}}


def still(t):
    return t, Reading(0.9, Cues(change=0.0))


def test_how_long_the_picture_stands_still_is_known_to_the_next_policy_and_counted_while_held():
    own = parse_policy({**NO_DWELL, "frozen": {"after_s": 5.0}})
    sooner, blind = (parse_policy({**NO_DWELL, "frozen": it}) for it in ({"after_s": 4.0}, {"role": "off"}))
    gate = Gate(own)
    assert {one.reason for one in played(gate, [still(0.0), still(3.0)])} == {"good"}
    gate.change_to(sooner, None)
    assert gate.hold(still(4.0)[1], 4.0).reason == "good"
    assert [one.reason for one in played(gate, [still(4.5)])] == ["frozen"]
    gate.change_to(blind, None)
    assert [one.reason for one in played(gate, [still(5.0)])] == ["good"]
    gate.change_to(own, None)
    assert [one.reason for one in played(gate, [still(6.0)])] == ["frozen"]
    gate.change_to(own, None)
    for t in (7.0, 8.0):
        gate.hold(Reading(0.9, Cues(change=4.0)), t)
    assert [one.reason for one in played(gate, [(9.0, GOOD)])] == ["good"], "it moved while it was held"


def test_a_gate_that_goes_on_from_another_knows_what_is_frozen_and_nothing_else():
    former, gate = Gate(parse_policy(NO_DWELL)), Gate(parse_policy(NO_DWELL))
    played(former, [still(0.0), still(5.0)])
    gate.go_on_from(former)
    assert [one.reason for one in played(gate, [still(5.1)])] == ["frozen"]
    former, gate = Gate(parse_policy(NO_DWELL)), Gate(parse_policy(NO_DWELL))
    played(former, [(0.0, BAD)])
    gate.go_on_from(former)
    assert [one.reason for one in played(gate, [(5.1, GOOD)])] == ["good"]
