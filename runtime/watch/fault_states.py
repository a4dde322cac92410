"""What a verdict says of each fault of the vocabulary: for those who keep them apart, as topics, gauges, entities."""

from collections.abc import Mapping

from ..gate.verdict import State, Verdict
from ..gate.vocabulary import FAULTS

_NO_SIGNAL = "no signal"
_GONE_ON = "rejected too long"  # stands in the place of the fault that goes on


def fault_states(verdict: Verdict, scored: bool) -> Mapping[str, bool | None]:
    """By the name of each fault whether it is there: the reason and its runner-up are, the others are not.

    ``None``: nobody can tell, since nothing is scored, or too few frames are yet. Of a camera that is lost for want of
    a signal that alone is known.

    Args:
        scored: frames of the camera are scored, so there is a signal unless the gate says otherwise.
    """
    named = {verdict.reason} | ({verdict.runner_up.reason} if verdict.runner_up is not None else set())
    known = verdict.state is not State.UNKNOWN and verdict.reason != _GONE_ON
    states = {name: True if name in named else False if known else None for name in FAULTS}
    if scored and _NO_SIGNAL not in named:
        states[_NO_SIGNAL] = False
    return states
