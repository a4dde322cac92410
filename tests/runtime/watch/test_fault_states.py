"""What holds of each fault, whatever the gate says: never absent where nobody can know."""

import pytest

from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.watch.fault_states import fault_states

SECOND = RunnerUp("noisy", "noise", 9.0, 6.0)


@pytest.mark.parametrize(
    ("verdict", "scored", "on", "others", "no_signal"),
    [
        (Verdict(State.PASS, "good"), True, [], False, False),
        (Verdict(State.PASS, "too dark"), True, ["too dark"], False, False),  # the least dwell holds the reject back
        (Verdict(State.PASS, "rejected too long"), True, [], None, False),
        (Verdict(State.REJECT, "too dark"), True, ["too dark"], False, False),
        (Verdict(State.REJECT, "too dark", runner_up=SECOND), True, ["too dark", "noisy"], False, False),
        (Verdict(State.REJECT, "recovering"), True, [], False, False),
        (Verdict(State.UNKNOWN, "starting"), True, [], None, False),  # a frame came
        (Verdict(State.UNKNOWN, "starting"), False, [], None, None),
        (Verdict(State.UNKNOWN, "not scored"), False, [], None, None),
        (Verdict(State.UNKNOWN, "no signal"), False, ["no signal"], None, True),
        (Verdict(State.UNKNOWN, "no signal"), True, ["no signal"], None, True),
        (Verdict(State.UNKNOWN, "ended"), False, [], None, None),
    ],
)
def test_the_state_of_each_fault(
    verdict: Verdict, scored: bool, on: list[str], others: bool | None, no_signal: bool | None
) -> None:
    states = fault_states(verdict, scored)
    assert list(states) == list(FAULTS)
    assert states["no signal"] == no_signal
    assert [name for name, state in states.items() if state] == [name for name in FAULTS if name in on]
    assert {state for name, state in states.items() if name not in (*on, "no signal")} == {others}
