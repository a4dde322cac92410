"""Which events a sink takes."""

from collections.abc import Callable

import pytest

from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence
from dgiqa_edge.runtime.watch.sinks.event_filter import EventFilter, accepted_of

Scored = Callable[..., FrameEvent]


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (EventFilter(), True),
        (EventFilter(cameras=frozenset(["rear"])), False),
        (EventFilter(outcomes=frozenset([Outcome.FAILED])), False),
        (EventFilter(states=frozenset([State.REJECT])), False),
        (EventFilter(changes_only=True), False),
        (accepted_of("front"), True),
        (accepted_of("rear"), False),
    ],
)
def test_a_filter_takes_only_what_all_its_parts_agree_to(scored: Scored, wanted: EventFilter, taken: bool) -> None:
    assert wanted.takes(scored(0, State.PASS, "front")) is taken


@pytest.mark.parametrize("presence", Presence)
@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (EventFilter(states=frozenset([State.PASS]), changes_only=True, announced_only=True), True),
        (EventFilter(cameras=frozenset(["rear"])), False),
        (EventFilter(outcomes=frozenset(Outcome)), False),
    ],
)
def test_a_presence_is_filtered_by_camera_and_outcome_alone(
    presence: Presence, wanted: EventFilter, taken: bool
) -> None:
    event = FrameEvent("front", None, 0.0, presence, Verdict(State.UNKNOWN, "no signal"))
    assert wanted.takes(event) is taken


@pytest.mark.parametrize(
    ("changed", "announced", "by_changes", "by_announced"),
    [(False, False, False, False), (True, False, True, False), (False, True, True, True), (True, True, True, True)],
)
def test_machines_hear_a_change_at_once_and_people_once_it_has_settled(
    changed: bool, announced: bool, by_changes: bool, by_announced: bool
) -> None:
    event = FrameEvent("a", 0, 0.0, Outcome.SCORED, Verdict(State.PASS, "good", changed=changed, announced=announced))
    assert EventFilter(changes_only=True).takes(event) is by_changes
    assert EventFilter(announced_only=True).takes(event) is by_announced


def test_a_frame_without_verdict_has_no_state_to_filter_by(unscored: Scored) -> None:
    assert EventFilter(states=frozenset(), changes_only=True).takes(unscored(Outcome.FAILED))
