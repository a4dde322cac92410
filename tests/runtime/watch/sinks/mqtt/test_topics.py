"""What holds of each fault, whatever the gate says: never OFF where nobody can know."""

import pytest

from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.gate.vocabulary import FAULTS
from dgiqa_edge.runtime.watch.sinks.mqtt.topics import OFF, ON, UNKNOWN, Message, fault_states

SECOND = RunnerUp("noisy", "noise", 9.0, 6.0)


@pytest.mark.parametrize(
    ("verdict", "scored", "on", "others", "no_signal"),
    [
        (Verdict(State.PASS, "good"), True, [], OFF, OFF),
        (Verdict(State.PASS, "too dark"), True, ["too dark"], OFF, OFF),  # the least dwell holds the reject back
        (Verdict(State.PASS, "rejected too long"), True, [], UNKNOWN, OFF),
        (Verdict(State.REJECT, "too dark"), True, ["too dark"], OFF, OFF),
        (Verdict(State.REJECT, "too dark", runner_up=SECOND), True, ["too dark", "noisy"], OFF, OFF),
        (Verdict(State.REJECT, "recovering"), True, [], OFF, OFF),
        (Verdict(State.UNKNOWN, "starting"), True, [], UNKNOWN, OFF),  # a frame came
        (Verdict(State.UNKNOWN, "starting"), False, [], UNKNOWN, UNKNOWN),
        (Verdict(State.UNKNOWN, "not scored"), False, [], UNKNOWN, UNKNOWN),
        (Verdict(State.UNKNOWN, "no signal"), False, ["no signal"], UNKNOWN, ON),
        (Verdict(State.UNKNOWN, "no signal"), True, ["no signal"], UNKNOWN, ON),
        (Verdict(State.UNKNOWN, "ended"), False, [], UNKNOWN, UNKNOWN),
    ],
)
def test_the_state_of_each_fault(verdict: Verdict, scored: bool, on: list[str], others: str, no_signal: str) -> None:
    states = fault_states(verdict, scored)
    assert list(states) == list(FAULTS)
    assert states["no signal"] == no_signal
    assert [name for name, state in states.items() if state == ON] == [name for name in FAULTS if name in on]
    assert {state for name, state in states.items() if name not in (*on, "no signal")} == {others}


def test_what_repeats_is_what_a_topic_holds_already() -> None:
    first = Message("t", "at 1", says="True")
    assert Message("t", "at 2", says="True").repeats(first)
    assert not Message("t", "at 2", says="False").repeats(first)
    assert not Message("t", "at 1").repeats(None)
    assert not Message("t", "x", retain=False).repeats(Message("t", "x", retain=False))
