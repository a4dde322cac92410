"""The record of an event keeps to its published schema, whatever the event holds."""

import json
from collections.abc import Callable
from dataclasses import fields

import jsonschema
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from places import ROOT

from dgiqa_edge.runtime.gate.policy import CHECKS
from dgiqa_edge.runtime.gate.verdict import RunnerUp, State, Verdict
from dgiqa_edge.runtime.watch.event import FrameEvent, Outcome, Presence, event_record, record_text, utc_text
from dgiqa_edge.runtime.watch.status import CameraState

SCHEMA = json.loads((ROOT / "runtime" / "schemas" / "frame_event.schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)
Scored = Callable[..., FrameEvent]


numbers = st.none() | st.floats()


cues = st.sampled_from(["change", *CHECKS])
runners_up = st.builds(
    RunnerUp,
    reason=st.sampled_from(["frozen", *(spec.reason for spec in CHECKS.values())]),
    cue=cues.filter(lambda name: name != "score"),
    value=numbers,
    threshold=numbers,
)

verdicts = st.builds(
    Verdict,
    state=st.sampled_from(State),
    reason=st.text(),
    cue=st.none() | cues,
    value=numbers,
    threshold=numbers,
    score=numbers,
    smoothed=numbers,
    changed=st.booleans(),
    overdue=st.booleans(),
    announced=st.booleans(),
    runner_up=st.none() | runners_up,
    where=st.none() | st.just(((0.25, 0.5), (0.0, 1.0))),
    profile=st.none() | st.text(),
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
    runner_up = verdict["properties"]["runner_up"]["oneOf"][1]
    assert runner_up["additionalProperties"] is False
    assert set(runner_up["properties"]) == set(runner_up["required"]) == {item.name for item in fields(RunnerUp)}


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
        "runner_up": None,
        "where": None,
        "profile": None,
    }


def test_time_is_utc_with_milliseconds() -> None:
    assert utc_text(0.0) == "1970-01-01T00:00:00.000Z"
