"""Levels and values that ROS's tools show."""

import pytest

from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.ros2.diagnostics import ERROR, OK, STALE, WARN, level, values
from dgiqa_edge.runtime.ros2.newest import Counts


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (Verdict(State.PASS, "good"), OK),
        (Verdict(State.REJECT, "too dark"), ERROR),
        (Verdict(State.REJECT, "recovering"), ERROR),
        (Verdict(State.UNKNOWN, "starting"), WARN),
        (Verdict(State.UNKNOWN, "no signal"), STALE),
    ],
)
def test_the_level(verdict: Verdict, expected: int) -> None:
    assert level(verdict) == expected


def test_values_are_texts_of_what_is_known() -> None:
    verdict = Verdict(State.REJECT, "too dark", "luminance", 12.0, 40.0, 0.25, runner_up=RunnerUp("noisy", "noise"))
    told = values(verdict, Counts(received=9, passed=1, held=7, skipped=1))
    assert told["reason"] == "too dark"
    assert told["value"] == "12"
    assert (told["received"], told["held"]) == ("9", "7")
    assert (told["fault.too_dark"], told["fault.noisy"], told["fault.hazy"]) == ("true", "true", "false")
    assert "smoothed" not in told
    assert values(Verdict(State.UNKNOWN, "no signal"), Counts())["fault.no_signal"] == "true"
    assert "fault.hazy" not in values(Verdict(State.UNKNOWN, "no signal"), Counts())
