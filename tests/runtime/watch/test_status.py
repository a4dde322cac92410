"""A snapshot of the watch loop balances, or is refused; it starts from nothing and holds no secret."""

import json
from dataclasses import asdict

import pytest

from dgiqa_edge.runtime.gate.verdict import State, Verdict
from dgiqa_edge.runtime.watch.status import (
    CameraState,
    CameraStatus,
    Percentiles,
    RunningBundle,
    SinkStats,
    WatchStatus,
)


@pytest.mark.parametrize("outcome", ["captured", "scored", "skipped", "failed"])
@pytest.mark.parametrize("off", [-1, 1])
def test_a_status_that_does_not_balance_is_refused(outcome: str, off: int) -> None:
    counts = {"captured": 9, "scored": 5, "skipped": 3, "failed": 1}
    CameraStatus("a", "test://", CameraState.LIVE, **counts)  # type: ignore[arg-type]
    with pytest.raises(AssertionError, match=r"a: \d+ captured, but \d+ scored \+ \d+ skipped \+ \d+ failed"):
        CameraStatus("a", "test://", CameraState.LIVE, **{**counts, outcome: counts[outcome] + off})  # type: ignore[arg-type]


def test_a_camera_starts_from_nothing() -> None:
    status = asdict(CameraStatus("a", "test://", CameraState.CONNECTING))
    numbers = {name: value for name, value in status.items() if isinstance(value, int | float)}
    assert numbers.pop("depth_every") == 1
    assert len(numbers) == 15
    assert set(numbers.values()) == {0}
    assert status["latency"] == {"count": 0, "p50_ms": None, "p90_ms": None, "p99_ms": None, "max_ms": None}


def test_no_bundle_was_taken_back_at_first() -> None:
    assert RunningBundle().rollbacks == 0


def test_no_text_shows_a_secret() -> None:
    address = "rtsp://admin:hunter2@camera/live"
    camera = CameraStatus("a", address, CameraState.RETRYING, problem=f"cannot open {address}")
    sink = SinkStats(1, 0, 0, 0, 1, last_error=f"cannot send to {address}")
    texts = [camera.source, camera.problem, sink.last_error]
    assert all(text and "camera/live" in text and "hunter2" not in text for text in texts)


def test_a_snapshot_is_ready_for_json() -> None:
    judged = CameraStatus("a", "test://", CameraState.LIVE, verdict=Verdict(State.REJECT, "too dark"))
    silent = CameraStatus("b", "test://", CameraState.LIVE, latency=Percentiles(1, 2.0, 2.0, 2.0, 2.0))
    status = WatchStatus(0.0, 1.0, True, None, "b", "nano", "int8", (), (judged, silent), {})
    read = json.loads(json.dumps(status.to_json()))
    assert [camera["state"] for camera in read["cameras"]] == ["live", "live"]
    assert type(status.to_json()["cameras"][0]["verdict"]["state"]) is str
    assert read["cameras"][0]["verdict"]["reason"] == "too dark"
    assert read["cameras"][1]["verdict"] is None
    assert read["cameras"][1]["latency"]["p50_ms"] == 2.0
