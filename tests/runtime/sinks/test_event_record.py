"""The record of an event keeps to its published schema, whatever the event holds."""

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence, event_record, record_text, utc_text
from dgiqa_edge.runtime.watch.sinks.event_filter import EventFilter, accepted_of
from dgiqa_edge.runtime.watch.status import CameraState

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
Scored = Callable[..., FrameEvent]

numbers = st.none() | st.floats()
verdicts = st.builds(
    Verdict,
    state=st.sampled_from(State),
    reason=st.text(),
    cue=st.none() | st.text(),
    value=numbers,
    threshold=numbers,
    score=numbers,
    smoothed=numbers,
    changed=st.booleans(),
    overdue=st.booleans(),
    announced=st.booleans(),
)
events = st.builds(
    FrameEvent,
    camera=st.text(min_size=1),
    index=st.none() | st.integers(0, 2**60),
    captured_at=st.floats(0, 4e9),
    outcome=st.sampled_from([*Outcome, *Presence]),
    verdict=st.none() | verdicts,
    frame=st.none() | st.just(np.zeros((2, 3, 3), np.uint8)),
    depth=st.none() | st.just(np.zeros((1, 1), np.uint8)),
    latency_ms=numbers,
    error=st.none() | st.text(),
    source_state=st.none() | st.sampled_from([state.value for state in CameraState]),
    away_s=st.none() | st.floats(0),
)


def test_the_schema_is_valid_and_closed() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    verdict = SCHEMA["properties"]["verdict"]["oneOf"][1]
    for part in (SCHEMA, verdict):
        assert part["additionalProperties"] is False
        assert sorted(part["required"]) == sorted(part["properties"])
    assert set(verdict["properties"]) == {item.name for item in fields(Verdict)}


@settings(max_examples=60, deadline=None)
@given(event=events)
def test_every_record_keeps_to_the_schema_and_is_one_line_of_ascii(event: FrameEvent) -> None:
    text = record_text(event)
    assert text.isascii()
    assert "\n" not in text
    VALIDATOR.validate(json.loads(text))


def test_a_record_holds_what_the_event_says(scored: Scored) -> None:
    record = event_record(scored(7, State.REJECT, changed=True))
    assert record["time"] == "2025-10-09T08:53:27.250Z"
    assert record["frame_size"] == [64, 48]
    assert record["verdict"] == {
        "state": "reject",
        "reason": "too dark",
        "cue": "luminance",
        "value": 12.0,
        "threshold": 30.0,
        "score": 0.75,
        "smoothed": 0.7,
        "changed": True,
        "overdue": False,
        "announced": True,
    }


def test_time_is_utc_with_milliseconds() -> None:
    assert utc_text(0.0) == "1970-01-01T00:00:00.000Z"


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
