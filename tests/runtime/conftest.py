"""Events as the watch loop makes them, and a wait that polls a condition rather than a clock."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dgiqa_edge.runtime.frame_event import FrameEvent, Outcome
from dgiqa_edge.runtime.verdict import State, Verdict

CAPTURED_AT = 1_760_000_000.25  # 2025-10-09T08:53:20.250Z


def scored(index: int = 0, state: State = State.PASS, camera: str = "front", **changes: Any) -> FrameEvent:
    """A scored frame whose pixels all hold ``index % 256``, so that a torn copy shows."""
    height, width = changes.pop("size", (48, 64))
    verdict = changes.pop("verdict", None) or Verdict(
        state=state,
        reason="good" if state is State.PASS else "too dark",
        cue=None if state is State.PASS else "luminance",
        value=None if state is State.PASS else 12.0,
        threshold=None if state is State.PASS else 30.0,
        score=0.75,
        smoothed=0.7,
        changed=changes.pop("changed", False),
    )
    return FrameEvent(
        camera=camera,
        index=index,
        captured_at=CAPTURED_AT + index,
        outcome=Outcome.SCORED,
        verdict=verdict,
        frame=np.full((height, width, 3), index % 256, np.uint8),
        depth=np.full((height // 2, width // 2), index % 256, np.uint8),
        latency_ms=12.5,
        **changes,
    )


def unscored(outcome: Outcome, index: int = 0, camera: str = "front") -> FrameEvent:
    error = "damaged frame" if outcome is Outcome.FAILED else None
    return FrameEvent(camera=camera, index=index, captured_at=CAPTURED_AT + index, outcome=outcome, error=error)


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The condition's first true value; fails the test where there is none in time."""
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)
    return value


@pytest.fixture(scope="session", name="scored")
def scored_fixture() -> Callable[..., FrameEvent]:
    return scored


@pytest.fixture(scope="session", name="unscored")
def unscored_fixture() -> Callable[..., FrameEvent]:
    return unscored


@pytest.fixture(scope="session", name="wait_for")
def wait_for_fixture() -> Callable[..., Any]:
    return wait_for
