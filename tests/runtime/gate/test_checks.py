"""A value against its thresholds: which are in force, how severe it is, when a latch is set and cleared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.baseline import QUANTITIES, Baseline, Spread
from dgiqa_edge.runtime.gate.checks import Check, FrozenCheck, Thresholds, thresholds
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy import (
    CHECKS,
    FROZEN,
    FrozenPolicy,
    GatePolicy,
    Limits,
    Role,
    Side,
    SmoothingPolicy,
)
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.gate.verdict import State

RAW = SmoothingPolicy("none")
ABSOLUTE, RELATIVE = {"reject": 0.3, "accept": 0.4}, {"reject_ratio": 0.5, "accept_ratio": 0.75}


@pytest.mark.parametrize(
    ("side", "limits", "median", "expected"),
    [
        (Side.BELOW, ABSOLUTE, None, (0.3, 0.4)),
        (Side.BELOW, RELATIVE, None, (None, None)),
        (Side.BELOW, RELATIVE, 1.0, (0.5, 0.75)),
        (Side.BELOW, RELATIVE, 0.0, (None, None)),
        (Side.BELOW, RELATIVE, -1.0, (None, None)),
        (Side.BELOW, {"reject_ratio": 0.5}, 0.8, (None, None)),
        (Side.BELOW, {"accept_ratio": 0.5}, 0.8, (None, None)),
        (Side.BELOW, {"reject": 0.3}, None, (None, None)),
        (Side.BELOW, {"accept": 0.3}, None, (None, None)),
        (Side.BELOW, ABSOLUTE | RELATIVE, 1.0, (0.5, 0.75)),
        (Side.BELOW, ABSOLUTE | RELATIVE, 0.25, (0.3, 0.4)),
        (Side.ABOVE, ABSOLUTE | RELATIVE, 1.0, (0.3, 0.4)),
        (Side.ABOVE, ABSOLUTE | RELATIVE, 0.25, (0.125, 0.1875)),
    ],
)
def test_the_stricter_thresholds_are_in_force(side, limits, median, expected):
    normal = None if median is None else Spread(median, median, median)
    assert thresholds(Limits(Role.REJECT, side, **limits), normal) == Thresholds(*expected)


@pytest.mark.parametrize(
    ("name", "normal", "expected"),
    [
        ("faults.hazy", (0.0, 0.1), (0.8, 0.6)),  # none is tightened
        ("faults.hazy", (0.2, 0.5), (8 / 9, 0.8)),
        ("faults.hazy", (0.2, 0.9), (72 / 73, 36 / 37)),
        ("occlusion", (0.5, 0.75), (24 / 25, 12 / 13)),
        ("luminance", (100.0, 200.0), (40.0, 52.0)),
        ("luminance", (40.0, 60.0), (24.0, 30.0)),
        ("luminance", (20.0, 60.0), (16.0, 16.0)),  # the bound
        ("score", (0.3, 0.5), (0.18, 0.225)),
        ("score", (0.1, 0.5), (0.1, 0.1)),
        ("sharpness", (0.3, 0.4), (0.15, 0.18)),
        ("noise", (1.0, 4.0), (7.0, 5.5)),
        ("noise", (1.0, 8.0), (12.0, 10.0)),
        ("cast", (1.0, 80.0), (18.0, 13.0)),  # no rule
    ],
)
def test_what_is_normal_moves_thresholds_out(name, normal, expected):
    check = check_of(name)
    check.relate_to(Spread(normal[0], sum(normal) / 2.0, normal[1]))
    assert (check.limits_now.reject, check.limits_now.accept) == pytest.approx(expected)
    check.relate_to(None)
    assert check.limits_now == Thresholds(CHECKS[name].default.reject, CHECKS[name].default.accept)


def test_ratios_of_the_policy_take_the_place_of_the_rule():
    check = check_of("score", reject_ratio=0.9, accept_ratio=0.95)
    check.relate_to(Spread(0.2, 0.5, 0.6))
    assert check.limits_now == Thresholds(0.45, 0.95 * 0.5)


def test_sharpness_decides_only_beside_what_is_normal():
    check = check_of("sharpness", Role.EXPLAIN)
    check.head = check_of("faults.blurred")
    check.head.smooth(0.0, 0.0)
    normal = Spread(0.4, 0.5, 0.6)
    for spread, counts in ((None, False), (normal, True), (None, False)):
        check.relate_to(spread)
        check.smooth(0.1, 0.0)
        check.judge(0.0)
        assert (check.faulty, check.decides, check.counts) == (True, counts, counts)
    check.relate_to(normal)
    assert check.severity == pytest.approx((0.24 - 0.1) / (0.24 + 0.5))


finite = st.floats(-1e6, 1e6)
spreads = st.lists(finite, min_size=3, max_size=3).map(lambda values: Spread(*sorted(values)))


@given(st.sampled_from(sorted(CHECKS)), spreads)
def test_no_normal_makes_a_threshold_stricter_or_turns_them_round(name, normal):
    spec, check = CHECKS[name], check_of(name)
    check.relate_to(normal)
    reject, accept = check.limits_now.reject, check.limits_now.accept
    if spec.default.side is Side.BELOW:
        assert reject <= spec.default.reject and accept <= spec.default.accept and reject <= accept
    else:
        assert reject >= spec.default.reject and accept >= spec.default.accept and accept <= reject


@given(st.dictionaries(st.sampled_from(QUANTITIES), spreads))
def test_a_dead_picture_is_rejected_whatever_is_normal(normal):
    gate = Gate(GatePolicy(), Baseline(9, normal))
    for number in range(20):
        cues = Cues(luminance=0.0, shadows=1.0, occlusion=1.0, sharpness=0.0, contrast=0.0, smear=0.0)
        verdict = gate.update(Reading(0.3, cues, {"dark": 0.5}), 0.1 * number)
    assert verdict.state is State.REJECT
    assert verdict.reason in ("too dark", "dirty or blocked")


def check_of(name, role=Role.REJECT, **limits):
    spec = CHECKS[name].default
    chosen = {"reject": spec.reject, "accept": spec.accept, **limits}
    return Check(name, Limits(role, spec.side, **chosen), RAW, None)


@pytest.mark.parametrize(
    ("name", "limits", "value", "severity"),
    [
        ("luminance", {"accept": 80.0}, None, 0.0),
        ("luminance", {"accept": 80.0}, 80.0, 0.0),
        ("luminance", {"accept": 80.0}, 48.0, 0.5),
        ("luminance", {"accept": 80.0}, 16.0, 1.0),
        ("luminance", {"accept": 80.0}, 4.0, 1.0),
        ("luminance", {"accept": 8.0}, 4.0, 1.0),  # an accept behind the worst
        ("luminance", {"accept": 8.0}, 8.0, 0.0),
        ("luminance", {"accept": 8.0}, 9.0, 0.0),
        ("luminance", {"reject": None, "accept": None}, 4.0, 0.0),
        ("noise", {"accept": 4.0}, 3.0, 0.0),
        ("noise", {"accept": 4.0}, 8.0, 0.25),
        ("noise", {"accept": 4.0}, 255.0, 1.0),
    ],
)
def test_severity_is_the_way_from_accept_to_the_worst(name, limits, value, severity):
    check = check_of(name, **limits)
    check.smooth(value, 0.0)
    assert check.severity == pytest.approx(severity)


@pytest.mark.parametrize(
    ("name", "values", "faulty", "in_doubt"),
    [
        ("score", [0.5, 0.25, 0.24, 0.29, 0.3], [0, 0, 1, 1, 0], [0, 1, 1, 1, 1]),
        ("score", [0.29, 0.324, 0.326, 0.301, 0.299], [0, 0, 0, 0, 0], [1, 1, 0, 0, 1]),
        ("noise", [5.5, 7.0, 7.1, 5.6, 5.5], [0, 0, 1, 1, 0], [0, 1, 1, 1, 1]),
        ("noise", [5.6, 4.9, 4.7, 5.4, 5.6], [0, 0, 0, 0, 0], [1, 1, 0, 0, 1]),
    ],
)
def test_a_latch_is_set_beyond_one_threshold_and_cleared_at_the_other(name, values, faulty, in_doubt):
    check = check_of(name)
    seen = []
    for t, value in enumerate(values):
        check.smooth(value, float(t))
        check.judge(float(t))
        seen.append((check.faulty, check.in_doubt))
        assert check.threshold == (check.limits_now.accept if check.faulty else check.limits_now.reject)
    assert seen == [(bool(one), bool(other)) for one, other in zip(faulty, in_doubt, strict=True)]


def test_without_a_value_or_thresholds_nothing_is_judged():
    check = check_of("score")
    check.judge(0.0)
    assert (check.faulty, check.in_doubt, check.value) == (False, False, None)
    open_ended = check_of("score", reject=None)
    open_ended.smooth(0.0, 0.0)
    open_ended.judge(0.0)
    assert not open_ended.faulty


def test_smoothing_begins_anew_and_the_latch_stays():
    check = Check("score", CHECKS["score"].default, SmoothingPolicy("ema", time_constant_s=1.0), None)
    check.smooth(0.0, 0.0)
    check.judge(0.0)
    check.smooth(None, 0.5)
    assert (check.value, check.faulty) == (0.0, True)
    check.forget()
    assert (check.value, check.faulty) == (None, True)
    check.smooth(0.9, 1.0)
    assert check.value == 0.9


def test_lost_slices_must_show_in_two_frames_and_all_else_is_smoothed_by_the_policy():
    values = {}
    for name in CHECKS:
        check = check_of(name)
        for t, value in enumerate((0.1, 0.9)):
            check.smooth(value, float(t))
        values[name] = check.value
    assert values == {name: 0.1 if name == "smear" else 0.9 for name in CHECKS}


@pytest.mark.parametrize(
    ("name", "role", "decides", "testifies"),
    [
        ("noise", Role.REJECT, True, True),
        ("noise", Role.EXPLAIN, False, True),
        ("contrast", Role.REJECT, True, True),
        ("contrast", Role.EXPLAIN, False, False),
    ],
)
def test_a_witness_testifies_without_deciding(name, role, decides, testifies):
    check = check_of(name, role)
    assert (check.decides, check.testifies) == (decides, testifies)


STILL, KEYFRAME, NEW = 0.0, FROZEN.keyframe, FROZEN.keyframe + 0.01


def frozen_at(*steps, after_s=5.0):
    """Times at which a camera is called frozen; ``steps``: (time, change)."""
    check = FrozenCheck(FrozenPolicy(after_s=after_s))
    found = []
    for t, change in steps:
        check.smooth(change, t)
        assert check.value == change
        check.judge(t)
        assert check.severity == (FROZEN.severity if check.faulty else 0.0)
        if check.faulty:
            found.append(t)
    return found


@pytest.mark.parametrize(
    ("steps", "frozen"),
    [
        ([(0.0, STILL), (4.9, STILL), (5.0, STILL)], [5.0]),
        ([(0.0, 0.008), (5.0, 0.008)], [5.0]),  # up to the threshold is still
        ([(0.0, 0.009), (5.0, 0.009)], []),
        # What a keyframe changes is passed over, for as long as a keyframe takes.
        ([(0.0, STILL), (2.0, KEYFRAME), (2.4, KEYFRAME), (5.0, STILL)], [5.0]),
        ([(0.0, STILL), (2.0, KEYFRAME), (2.5, KEYFRAME), (5.0, STILL), (7.5, STILL)], []),
        ([(0.0, STILL), (2.0, KEYFRAME), (2.4, STILL), (2.6, KEYFRAME), (5.0, STILL)], [5.0]),
        # More than that is a new picture, and so is one that cannot be compared.
        ([(0.0, STILL), (2.0, NEW), (5.0, STILL), (9.9, STILL), (10.0, STILL)], [10.0]),
        ([(0.0, STILL), (2.0, None), (5.0, STILL), (10.0, STILL)], [10.0]),
        # Frozen ends with a second of nothing but new frames.
        ([(0.0, STILL), (5.0, STILL), (6.0, NEW), (6.9, NEW), (7.0, NEW)], [5.0, 6.0, 6.9]),
        ([(0.0, STILL), (5.0, STILL), (6.0, NEW), (6.9, STILL), (7.0, NEW), (7.9, NEW)], [5.0, 6.0, 6.9, 7.0, 7.9]),
    ],
)
def test_frozen_takes_its_time_and_so_does_its_end(steps, frozen):
    assert frozen_at(*steps) == frozen


def test_a_threshold_above_a_keyframes_change_holds_alone():
    check = FrozenCheck(FrozenPolicy(change_at_most=2.0, after_s=1.0))
    for t, change in ((0.0, 1.5), (1.0, 2.0)):
        check.smooth(change, t)
        check.judge(t)
    assert check.faulty


def test_after_a_reconnect_stillness_is_counted_anew():
    check = FrozenCheck(FrozenPolicy(after_s=1.0))
    for t in (0.0, 1.0):
        check.smooth(STILL, t)
        check.judge(t)
    assert check.faulty
    check.forget()
    assert (check.faulty, check.value, check.severity) == (False, None, 0.0)
    for t, faulty in ((1.1, False), (2.0, False), (2.1, True)):
        check.smooth(STILL, t)
        check.judge(t)
        assert check.faulty is faulty
