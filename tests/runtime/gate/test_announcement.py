"""When people are told; ``tests/vectors/gate/hand_announced.json`` has the rules one by one."""

import pytest

from dgiqa_edge.runtime.gate.announcement import Announcer
from dgiqa_edge.runtime.gate.gate import Gate
from dgiqa_edge.runtime.gate.policy_file import parse_policy
from dgiqa_edge.runtime.gate.reading import Cues, Reading
from dgiqa_edge.runtime.gate.verdict import State


def told(gate, readings):
    """What people hear of: state and reason with their times."""
    verdicts = [(t, gate.update(reading, t)) for t, reading in readings]
    return [(round(t, 6), verdict.state.value, verdict.reason) for t, verdict in verdicts if verdict.announced]


def test_a_night_that_falls_is_told_as_too_dark():
    """Contrast goes before light does: a first reason that is wrong a moment later is not told."""
    day = {"luminance": 180.0, "shadows": 0.1, "contrast": 150.0, "sharpness": 0.5}
    dusk = {"luminance": 86.0, "shadows": 0.5, "contrast": 20.0, "sharpness": 0.5}
    night = {"luminance": 20.0, "shadows": 0.97, "contrast": 12.0, "sharpness": 0.5}
    parts = ((0.0, 3.0, 0.9, day), (3.0, 3.8, 0.1, dusk), (3.8, 9.0, 0.1, night))
    readings = [
        (i / 10, Reading(s, Cues(**c))) for start, end, s, c in parts for i in range(int(start * 10), int(end * 10))
    ]
    assert [(state, reason) for _, state, reason in told(Gate(parse_policy({})), readings)] == [
        ("pass", "good"),
        ("reject", "too dark"),
    ]


def test_a_later_change_of_reason_is_told_without_a_change_of_state():
    hazy, blurred = Cues(haze=0.45, sharpness=0.5), Cues(haze=0.0, sharpness=0.1)
    readings = [(i / 4, Reading(0.1, hazy if i < 24 else blurred)) for i in range(48)]
    heard = told(Gate(parse_policy({"smoothing": {"method": "none"}})), readings)
    assert heard == [(1.5, "reject", "hazy"), (7.0, "reject", "blurred")]


@pytest.mark.parametrize("settle_s", [0.0, 0.5, 2.0])
def test_what_flickers_is_told_late_and_once_but_never_left_out(settle_s):
    announcer = Announcer(settle_s)
    heard = [t for t in range(100) if announcer.update(State.REJECT, ("hazy", "blurred")[t % 2], t / 10)]
    if settle_s == 0.0:
        assert len(heard) == 100
    else:
        assert heard == [round(3 * settle_s * 10)]


def test_of_a_told_state_another_reason_is_told_once_it_settles_and_never_late():
    announcer = Announcer(1.0)
    steps = [(0.0, "hazy"), (1.0, "hazy"), *((1.0 + t / 2, ("blurred", "hazy")[t % 2]) for t in range(1, 12))]
    assert [t for t, reason in steps if announcer.update(State.REJECT, reason, t)] == [1.0]
    assert [t for t in (7.0, 7.5, 8.0, 9.0) if announcer.update(State.REJECT, "blurred", t)] == [8.0]


def test_a_loss_makes_the_same_verdict_news_which_settles_anew():
    announcer = Announcer(1.0)
    assert [announcer.update(State.PASS, "good", t) for t in (0.0, 1.0, 2.0)] == [False, True, False]
    announcer.forget()
    assert [announcer.update(State.PASS, "good", t) for t in (3.0, 3.5, 4.0, 5.0)] == [False, False, True, False]
